"""Task `press_button`: reach one small place with one finger."""

from typing import ClassVar

import numpy as np

from understudy.simulation.layout import Layout
from understudy.simulation.objects import BUTTON_TOP
from understudy.simulation.state import TableState
from understudy.simulation.tasks.task import Goal, Stage, Task

__all__ = ["PressButton"]

_APPROACH_M = 0.04


class PressButton(Task):
    """Press one of the two buttons and leave the other alone.

    Success: the button went down and no other did. A button that went down stays lit, so the hand may leave again.
    """

    name: ClassVar[str] = "press_button"
    stages: ClassVar[tuple[Stage, ...]] = (Stage("approach", 30), Stage("press", 70))
    time_limit_s: ClassVar[float] = 12.0
    left_open: ClassVar[str] = "which of the two buttons"

    def goals(self, layout: Layout) -> tuple[Goal, ...]:
        """Either button."""
        return tuple(Goal(button.name, button.name, button.xy, "press a button") for button in layout.buttons)

    def reached(self, goal: Goal, layout: Layout, state: TableState) -> tuple[bool, ...]:
        """Approach: a fingertip within 4 cm of the cap's top. Press: success."""
        top = np.array([*goal.place_xy, BUTTON_TOP])
        near = bool((np.linalg.norm(state.fingertips - top, axis=1) < _APPROACH_M).any())
        pressed = state.pressed == {goal.target}
        return (near or pressed, pressed)

    def failure(self, goal: Goal, layout: Layout, state: TableState, reached: tuple[bool, ...]) -> str:
        """`wrong_button`, `not_approached`, `not_pressed`."""
        if state.pressed - {goal.target}:
            return "wrong_button"
        return "not_pressed" if reached[0] else "not_approached"
