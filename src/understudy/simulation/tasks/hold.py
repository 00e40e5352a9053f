"""Task `hold`: grasp, lift, and keep it in the air."""

from typing import ClassVar

import numpy as np

from understudy.simulation.layout import BLOCKS, Layout
from understudy.simulation.state import TableState
from understudy.simulation.tasks.task import Goal, Stage, Task

__all__ = ["Hold"]

_APPROACH_M = 0.05
_HOLD_S = 2.0


class Hold(Task):
    """Lift the named object and hold it up for two seconds.

    Success: the object has been touched and at least `state.LIFTED_M` above its place for 2 s, and still is.
    """

    name: ClassVar[str] = "hold"
    stages: ClassVar[tuple[Stage, ...]] = (Stage("approach", 30), Stage("lift", 40), Stage("hold", 30))
    time_limit_s: ClassVar[float] = 15.0
    left_open: ClassVar[str] = "how the object is grasped, and how high it is held"
    embodiments: ClassVar[tuple[str, ...]] = ("human_hand", "xarm7_xhand")
    done_on_the_way_of: ClassVar[frozenset[str]] = frozenset({"pick_place"})

    def goals(self, layout: Layout) -> tuple[Goal, ...]:
        """Every object, over its place."""
        return tuple(
            Goal(target.name, target.name, target.xy, f"hold up the {target.title}")
            for target in layout.objects
            if target.kind in BLOCKS
        )

    def reached(self, goal: Goal, layout: Layout, state: TableState) -> tuple[bool, ...]:
        """Approach: two fingertips within 5 cm of the object. Lift: held in the air now. Hold: for 2 s so far."""
        target, item = state.objects[goal.target], layout.item(goal.target)
        distance = np.linalg.norm(state.fingertips - target.position, axis=1) - item.half_width
        lifted = target.held_s is not None
        # Ten control steps of 0.1 s do not add up to 1 s exactly.
        held = target.held_s is not None and target.held_s > _HOLD_S - 1e-6
        return (int((distance < _APPROACH_M).sum()) >= 2 or lifted, lifted, held)

    def failure(self, goal: Goal, layout: Layout, state: TableState, reached: tuple[bool, ...]) -> str:
        """`not_approached`, `not_lifted`, `dropped`, `not_long_enough`."""
        if not reached[1]:
            return "not_lifted" if reached[0] else "not_approached"
        return "dropped" if state.objects[goal.target].held_s is None else "not_long_enough"
