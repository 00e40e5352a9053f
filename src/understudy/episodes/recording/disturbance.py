"""Pushes an expert off its path now and then, so that learners see the way back.

What is executed is the expert's action plus an offset of the wrist that swells and fades; what is recorded is the
action itself (noise injected into the supervisor: DART, Laskey et al., 2017). Actions are absolute, so that the
recorded action at a place beside the path leads back to it. `Disturbance` pushes in any direction, and not near the
table and near things: the expert would fail, and its correction would come too late. An open hand that comes down on a
thing from above has room to both sides, though, and there learners go astray: `Sideways` pushes it there.
"""

import numpy as np
from jaxtyping import Float

__all__ = ["Disturbance", "Sideways"]

_STEPS = (4, 10)
"""Length of one push [control steps]."""
_PUSH_M = (0.01, 0.035)
"""Largest offset of a push [m]."""
_SIDEWAYS_M = (0.01, 0.045)
"""Largest offset of a push of an open hand to one side [m]."""
_FREE_M, _FULL_M = 0.07, 0.10
"""Height of the lowest fingertip at which pushes begin, and from which on they are whole [m]."""


class Disturbance:
    """Offsets of one episode, one control step after another."""

    def __init__(self, share: float, rng: np.random.Generator) -> None:
        """Start undisturbed.

        Args:
            share: of the steps with all fingertips above 7 cm, 0 to 0.5.
            rng: everything is drawn from it.
        """
        self._rng = rng
        self._start = _start(share)
        self._left: list[Float[np.ndarray, "3"]] = []

    def offset(self, height_m: float) -> Float[np.ndarray, "3"]:
        """Of the wrist in this step, world [m]; `height_m` is that of the lowest fingertip above the table."""
        free = float(np.clip((height_m - _FREE_M) / (_FULL_M - _FREE_M), 0.0, 1.0))
        if free == 0.0:
            self._left.clear()
        elif not self._left and self._rng.random() < self._start:
            self._left = self._push()
        return free * self._left.pop(0) if self._left else np.zeros(3)

    def _push(self) -> list[Float[np.ndarray, "3"]]:
        """In one direction."""
        steps = int(self._rng.integers(_STEPS[0], _STEPS[1] + 1))
        direction = self._rng.normal(size=3)
        direction /= np.linalg.norm(direction)
        size = self._rng.uniform(*_PUSH_M)
        return [swell * direction for swell in _swelling(size, steps)]


class Sideways:
    """Offsets across the open hand while it is on its way to something, at any height."""

    def __init__(self, share: float, rng: np.random.Generator) -> None:
        """Start undisturbed.

        Args:
            share: of the steps with the hand open, 0 to 0.5.
            rng: everything is drawn from it.
        """
        self._rng = rng
        self._start = _start(share)
        self._left: list[float] = []
        self._over = False

    def offset(self, across: Float[np.ndarray, "3"], *, travels: bool, touches: bool) -> Float[np.ndarray, "3"]:
        """Of the wrist in this step, world [m].

        Args:
            across: unit vector along which the hand has room to both sides, world.
            travels: whether the wrist is on its way in this step, and no finger moves. Else nothing is pushed: the
                expert waits before it closes the hand, and there it is to be where the expert has it.
            touches: whether the hand touches a thing; from then on nothing is pushed.
        """
        self._over |= touches
        if self._over or not travels:
            self._left.clear()
        elif not self._left and self._rng.random() < self._start:
            steps = int(self._rng.integers(_STEPS[0], _STEPS[1] + 1))
            side = self._rng.choice([-1.0, 1.0])
            self._left = [side * swell for swell in _swelling(self._rng.uniform(*_SIDEWAYS_M), steps)]
        return self._left.pop(0) * across if self._left else np.zeros(3)


def _start(share: float) -> float:
    """Probability that an undisturbed step is followed by a push."""
    # Pushes of mean length L fill `share` of the time if pauses have a mean length of L (1 - share) / share; that is
    # (1 - p) / p where an undisturbed step is followed by a push with probability p.
    return share / (share + float(np.mean(_STEPS)) * (1.0 - share))


def _swelling(size: float, steps: int) -> list[float]:
    """Half a sine."""
    return [size * float(np.sin(np.pi * i / (steps + 1))) for i in range(1, steps + 1)]
