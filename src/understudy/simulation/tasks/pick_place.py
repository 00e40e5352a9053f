"""Task `pick_place`: grasp, carry, set down."""

from typing import ClassVar

import numpy as np

from understudy.simulation.layout import BLOCKS, PLATE_RADIUS, Item, Layout
from understudy.simulation.objects import PLATE_TOP
from understudy.simulation.state import ObjectState, TableState
from understudy.simulation.tasks.task import Goal, Stage, Task

__all__ = ["PickPlace"]

_APPROACH_M = 0.05
_LIFT_M = 0.03
_MARGIN_M = 0.01
_LOWEST_M = 0.0225
"""Height of an object's centre above the plate that carries it, lying or standing, is more than this."""


class PickPlace(Task):
    """Put the named object on one of the two plates and let go.

    Success: the object rests on its plate, its centre at least 1 cm within the rim, and no hand touches it.
    """

    name: ClassVar[str] = "pick_place"
    stages: ClassVar[tuple[Stage, ...]] = (Stage("approach", 30), Stage("grasp", 40), Stage("place", 30))
    time_limit_s: ClassVar[float] = 20.0
    left_open: ClassVar[str] = "which of the two plates, and how the object is grasped"

    def goals(self, layout: Layout) -> tuple[Goal, ...]:
        """Every object on either plate."""
        return tuple(
            Goal(target.name, plate.name, plate.xy, f"put the {target.title} on a plate")
            for target in layout.objects
            if target.kind in BLOCKS
            for plate in layout.plates
        )

    def sample_goal(self, layout: Layout, rng: np.random.Generator) -> Goal:
        """Any object, then any plate: two draws."""
        target, plate = rng.integers(len(layout.objects)), rng.integers(len(layout.plates))
        return self.goals(layout)[len(layout.plates) * target + plate]

    def reached(self, goal: Goal, layout: Layout, state: TableState) -> tuple[bool, ...]:
        """Approach: two fingertips within 5 cm of the object. Grasp: touched and lifted by 3 cm. Place: success."""
        target, item = state.objects[goal.target], layout.item(goal.target)
        distance = np.linalg.norm(state.fingertips - target.position, axis=1) - item.half_width
        lifted = target.touched and bool(target.position[2] > item.half_height + _LIFT_M)
        placed = _on_plate(target, item, goal.place_xy) and target.at_rest and not target.touched
        return (int((distance < _APPROACH_M).sum()) >= 2 or lifted or placed, lifted, placed)

    def failure(self, goal: Goal, layout: Layout, state: TableState, reached: tuple[bool, ...]) -> str:
        """`not_approached`, `not_grasped`, `not_released`, `wrong_plate`, `dropped`."""
        target, item = state.objects[goal.target], layout.item(goal.target)
        if target.touched and reached[1]:
            return "not_released"
        if any(_on_plate(target, item, plate.xy) for plate in layout.plates if plate.name != goal.place):
            return "wrong_plate"
        return ("not_approached", "not_grasped", "dropped")[sum(reached[:2])]


def _on_plate(target: ObjectState, item: Item, plate_xy: tuple[float, float]) -> bool:
    """Carried by the plate: within its rim and not lower than on its surface, not higher than standing on it."""
    off_centre = np.linalg.norm(target.position[:2] - np.array(plate_xy))
    height = target.position[2] - PLATE_TOP
    return bool(off_centre < PLATE_RADIUS - _MARGIN_M and _LOWEST_M * item.scale[1] < height < item.half_height + 0.012)
