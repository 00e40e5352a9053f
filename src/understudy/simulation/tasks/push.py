"""Task `push`: move without grasping, stop at the right place."""

from typing import ClassVar

import numpy as np

from understudy.simulation.layout import BLOCKS, HALF_WIDTH, LINES_X, Layout
from understudy.simulation.state import TableState
from understudy.simulation.tasks.task import Goal, Stage, Task

__all__ = ["Push"]

_LINES = ("line_near", "line_far")
_TOLERANCE_X_M = 0.03
_TOLERANCE_Y_M = 0.06
_MOVED_M = 0.03


class Push(Task):
    """Push the named object forward to one of the two lines.

    Success: the object rests upright with its centre within 3 cm of its line and 6 cm of its lane.
    """

    name: ClassVar[str] = "push"
    stages: ClassVar[tuple[Stage, ...]] = (Stage("move", 60), Stage("line", 40))
    time_limit_s: ClassVar[float] = 15.0
    left_open: ClassVar[str] = "which of the two lines"

    def goals(self, layout: Layout) -> tuple[Goal, ...]:
        """Every object straight ahead to either line; none where other lines are."""
        return (
            ()
            if layout.lines
            else tuple(
                Goal(target.name, line, (x, target.xy[1]), f"push the {target.title} to a line")
                for target in layout.objects
                if target.kind in BLOCKS
                for line, x in zip(_LINES, LINES_X, strict=True)
            )
        )

    def sample_goal(self, layout: Layout, rng: np.random.Generator) -> Goal:
        """Any object, then either line: two draws."""
        target, line = rng.integers(len(layout.objects)), rng.integers(len(_LINES))
        return self.goals(layout)[len(_LINES) * target + line]

    def reached(self, goal: Goal, layout: Layout, state: TableState) -> tuple[bool, ...]:
        """Move: at least 3 cm forward, upright, on the table. Line: success."""
        target, item = state.objects[goal.target], layout.item(goal.target)
        stands = target.upright and bool(target.position[2] < max(HALF_WIDTH + 0.02, item.half_height + 0.01))
        moved = stands and bool(target.position[0] - item.xy[0] > _MOVED_M)
        off = np.abs(target.position[:2] - goal.place_position)
        at_line = stands and bool(off[0] < _TOLERANCE_X_M and off[1] < _TOLERANCE_Y_M) and target.at_rest
        return (moved or at_line, at_line)

    def failure(self, goal: Goal, layout: Layout, state: TableState, reached: tuple[bool, ...]) -> str:
        """`toppled`, `not_moved`, `aside`, `short`, `too_far`, `not_at_rest`."""
        target = state.objects[goal.target]
        if not target.upright:
            return "toppled"
        if not reached[0]:
            return "not_moved"
        off = target.position[:2] - goal.place_position
        if abs(off[1]) >= _TOLERANCE_Y_M:
            return "aside"
        if abs(off[0]) < _TOLERANCE_X_M:
            return "not_at_rest"
        return "short" if off[0] < 0 else "too_far"
