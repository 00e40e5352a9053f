"""Ctrl-C and SIGTERM as a wish that the loop looks at between two steps; insisting ends the process at once."""

import os
import signal
import threading
import time
from types import FrameType

__all__ = ["StopRequest"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_ONE_WISH_S = 2.0
"""Signals within this time are one wish: launchers of several processes pass on what the terminal sent already."""


class StopRequest:
    """Context in which the first signal is kept in `signal` instead of ending the process; a later one ends it."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._noted_s = 0.0
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handlers
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal, self._noted_s = signal.Signals(number), time.monotonic()
        elif time.monotonic() - self._noted_s > _ONE_WISH_S:
            self._restore()
            os.kill(os.getpid(), number)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before = {}
