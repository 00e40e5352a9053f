"""Task `pour`: take a full cup, bring it over the right mug, tip it."""

from typing import ClassVar

import numpy as np

from understudy.simulation.cup_layouts import sample_pour_layout
from understudy.simulation.cups import CUP_RADIUS, in_cup, in_mug
from understudy.simulation.layout import OBJECT_HALF_HEIGHT, Layout
from understudy.simulation.state import TableState
from understudy.simulation.tasks.task import Goal, Stage, Task

__all__ = ["Pour"]

_SHARE = 0.6
"""Of the cup's beads, in the mug."""
_APPROACH_M = 0.05
_LIFT_M = 0.03


class Pour(Task):
    """Pour the beads of the named cup into one of the two mugs.

    Success: at least 60 % of the beads that the cup held are in that mug.
    """

    name: ClassVar[str] = "pour"
    stages: ClassVar[tuple[Stage, ...]] = (Stage("approach", 30), Stage("grasp", 40), Stage("pour", 30))
    time_limit_s: ClassVar[float] = 20.0
    left_open: ClassVar[str] = "which of the two mugs, and over which side of the cup"
    embodiments: ClassVar[tuple[str, ...]] = ("human_hand", "xarm7_xhand")

    def sample_layout(self, seed: int, axis: str | None = None) -> Layout:
        """Two full cups of different colours, two mugs."""
        return sample_pour_layout(seed, axis)

    def goals(self, layout: Layout) -> tuple[Goal, ...]:
        """Every full cup into every mug."""
        return tuple(
            Goal(cup.name, mug.name, mug.xy, f"pour the {cup.title} into a mug")
            for cup in layout.objects
            for mug in layout.plates
            if cup.kind == "cup" and mug.kind == "mug"
        )

    def reached(self, goal: Goal, layout: Layout, state: TableState) -> tuple[bool, ...]:
        """Approach: two fingertips within 5 cm of the cup. Grasp: touched and lifted by 3 cm. Pour: success."""
        cup = state.objects[goal.target]
        distance = np.linalg.norm(state.fingertips - cup.position, axis=1) - CUP_RADIUS
        lifted = cup.touched and bool(cup.position[2] > OBJECT_HALF_HEIGHT["cup"] + _LIFT_M)
        poured = bool(in_mug(state.beads[goal.target], goal.place_position).mean() >= _SHARE)
        return (int((distance < _APPROACH_M).sum()) >= 2 or lifted or poured, lifted or poured, poured)

    def failure(self, goal: Goal, layout: Layout, state: TableState, reached: tuple[bool, ...]) -> str:
        """`not_approached`, `not_grasped`, `wrong_mug`, `spilled`, `dropped`, `not_poured`."""
        beads = state.beads[goal.target]
        if any(in_mug(beads, mug.position).mean() > 0.5 for mug in layout.plates if mug.name != goal.place):
            return "wrong_mug"
        if not reached[1]:
            return "not_grasped" if reached[0] else "not_approached"
        cup = state.objects[goal.target]
        kept = in_mug(beads, goal.place_position) | in_cup(beads, cup.position, cup.rotation)
        if kept.mean() < _SHARE:
            return "spilled"
        return "not_poured" if cup.touched else "dropped"
