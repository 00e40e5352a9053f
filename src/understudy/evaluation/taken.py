"""Which object a hand takes first, where another one stands beside what was meant."""

import numpy as np

from understudy.simulation.layout import Layout
from understudy.simulation.state import TableState

__all__ = ["NEAR_M", "TAKEN_M", "FirstTaken", "near_neighbours"]

NEAR_M = 0.12
"""Objects whose centres are nearer than that are near neighbours [m]. Usual rows keep 0.14, those of `scene` 0.09."""
TAKEN_M = 0.02
"""An object is taken once it has gone so far along with the hand (`TableState.carried_m`) [m]."""


def near_neighbours(layout: Layout, target: str) -> tuple[str, ...]:
    """Names of the objects that stand close to the thing `target` at reset."""
    place = layout.item(target).position
    others = (item for item in layout.objects if item.name != target)
    return tuple(item.name for item in others if np.linalg.norm(item.position - place) < NEAR_M)


class FirstTaken:
    """Give it the state after every control step."""

    def __init__(self, layout: Layout, target: str) -> None:
        """Watch for a mis-grasp.

        Args:
            layout: what stands where at reset.
            target: name of what the prompt asks for.
        """
        self._near = near_neighbours(layout, target)
        self._first = ""

    @property
    def mis_grasp(self) -> bool | None:
        """A near neighbour of the target was taken before anything else; None where the target has none."""
        return self._first in self._near if self._near else None

    def see(self, state: TableState) -> None:
        """Take note of the next state."""
        if not self._first:
            taken = {name: way for name, way in state.carried_m.items() if way >= TAKEN_M}
            self._first = max(taken, key=lambda name: taken[name]) if taken else ""
