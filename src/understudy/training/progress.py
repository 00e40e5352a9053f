"""What a person sees while a run is on: a bar in a terminal, a line every half minute elsewhere."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

__all__ = ["RunProgress"]

_LINE_S = 30.0


class RunProgress:
    """Loss, throughput and time left; silent in all processes but the first."""

    def __init__(self, name: str, visible: bool = True) -> None:
        self._name = name
        self._console = Console(stderr=True, highlight=False)
        self._visible = visible
        self._line_s = -_LINE_S
        self._bar: Progress | None = None
        if visible and sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[text]}"),
                console=self._console,
                transient=True,  # what stays is the line at the end
            )
            self._task = self._bar.add_task(name, total=1.0, text="")
            self._bar.start()

    def say(self, text: str) -> None:
        """A line that stays."""
        if self._visible:
            self._console.print(text, markup=False, soft_wrap=True)

    def show(self, done: float, step: int, loss: float, samples_per_s: float, left_s: float) -> None:
        """State after `step` steps; `done` in [0, 1]."""
        text = f"step {step}  loss {loss:.4g}  {samples_per_s:.0f} samples/s  {duration(left_s)} left"
        if self._bar is not None:
            self._bar.update(self._task, completed=done, text=text)
        elif time.perf_counter() - self._line_s >= _LINE_S:
            self._line_s = time.perf_counter()
            self.say(f"{self._name}: {done:4.0%}  {text}")

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()


def duration(seconds: float) -> str:
    """Hours, minutes and seconds, as in 1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
