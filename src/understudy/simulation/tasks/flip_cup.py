"""Task `flip_cup`: set a cup upright that lies on its side."""

from typing import ClassVar

import numpy as np

from understudy.simulation.cup_layouts import sample_flip_layout
from understudy.simulation.cups import CUP_HEIGHT, CUP_RADIUS, mouth_direction
from understudy.simulation.layout import Layout
from understudy.simulation.state import ObjectState, TableState
from understudy.simulation.tasks.task import Goal, Stage, Task

__all__ = ["FlipCup"]

_APPROACH_M = 0.05
_RAISED_RAD = np.radians(30.0)
_UPRIGHT_RAD = np.radians(10.0)


class FlipCup(Task):
    """Set the named one of three lying cups upright and let go.

    Success: it stands on the table on its foot, within 10 degrees of the vertical, still, and no hand touches it.
    """

    name: ClassVar[str] = "flip_cup"
    stages: ClassVar[tuple[Stage, ...]] = (Stage("approach", 30), Stage("flip", 30), Stage("stand", 40))
    time_limit_s: ClassVar[float] = 20.0
    left_open: ClassVar[str] = "which of the cups of that colour"
    embodiments: ClassVar[tuple[str, ...]] = ("human_hand", "xarm7_xhand")

    def sample_layout(self, seed: int, axis: str | None = None) -> Layout:
        """Three lying cups, two of the same colour."""
        return sample_flip_layout(seed, axis)

    def goals(self, layout: Layout) -> tuple[Goal, ...]:
        """Every lying cup, where it lies."""
        return tuple(
            Goal(cup.name, "upright", cup.xy, f"set one {cup.colour} cup upright")
            for cup in layout.objects
            if cup.kind == "fallen_cup"
        )

    def reached(self, goal: Goal, layout: Layout, state: TableState) -> tuple[bool, ...]:
        """Approach: two fingertips within 5 cm of the cup. Flip: its mouth raised by 30 degrees. Stand: success."""
        cup = state.objects[goal.target]
        distance = np.linalg.norm(state.fingertips - cup.position, axis=1) - CUP_RADIUS
        flipped = bool(mouth_direction(cup.rotation)[2] > np.sin(_RAISED_RAD))
        stands = _stands(cup) and cup.at_rest and not cup.touched
        return (int((distance < _APPROACH_M).sum()) >= 2 or flipped, flipped, stands)

    def failure(self, goal: Goal, layout: Layout, state: TableState, reached: tuple[bool, ...]) -> str:
        """`wrong_cup`, `not_approached`, `not_flipped`, `not_released`, `upside_down`, `fell_over`."""
        cup = state.objects[goal.target]
        if any(_stands(other) for name, other in state.objects.items() if name != goal.target):
            return "wrong_cup"
        if cup.touched and reached[1]:
            return "not_released"
        if mouth_direction(cup.rotation)[2] < -np.cos(_UPRIGHT_RAD):
            return "upside_down"
        return ("not_approached", "not_flipped", "fell_over")[sum(reached[:2])]


def _stands(cup: ObjectState) -> bool:
    """On its foot, on the table."""
    return bool(
        mouth_direction(cup.rotation)[2] > np.cos(_UPRIGHT_RAD) and abs(cup.position[2] - CUP_HEIGHT / 2) < 0.01
    )
