"""Task `flick_ball`: strike a ball with one finger, so that it rolls over a line."""

from typing import ClassVar

import numpy as np

from understudy.simulation.ball_layouts import sample_flick_layout
from understudy.simulation.balls import line_ahead, passes
from understudy.simulation.layout import Item, Layout
from understudy.simulation.state import ObjectState, TableState
from understudy.simulation.tasks.task import Goal, Stage, Task

__all__ = ["FlickBall"]

_APPROACH_M = 0.04
_CARRIED_M = 0.06
"""A ball that has moved this far along with the hand was pushed or carried, not struck."""
_LIFTED_M = 0.015
_MOVED_M = 0.01


class FlickBall(Task):
    """Flick one of two balls over one of two lines.

    Success: the whole ball has crossed its line between the line's ends and is on the table; no hand touches it, and it
    has gone less than 6 cm along with one.
    """

    name: ClassVar[str] = "flick_ball"
    stages: ClassVar[tuple[Stage, ...]] = (Stage("approach", 40), Stage("cross", 60))
    time_limit_s: ClassVar[float] = 12.0
    left_open: ClassVar[str] = "over which of the two lines, and with which finger"
    embodiments: ClassVar[tuple[str, ...]] = ("human_hand", "xarm7_xhand")

    def sample_layout(self, seed: int, axis: str | None = None) -> Layout:
        """Two balls of different colours, two lines, one other thing, and the usual far row."""
        return sample_flick_layout(seed, axis)

    def goals(self, layout: Layout) -> tuple[Goal, ...]:
        """Every ball over every line."""
        return tuple(
            Goal(ball.name, line.name, line.xy, f"flick the {ball.title}")
            for ball in layout.objects
            if ball.kind == "ball"
            for line in layout.lines
        )

    def reached(self, goal: Goal, layout: Layout, state: TableState) -> tuple[bool, ...]:
        """Approach: a fingertip within 4 cm of the ball. Cross: success."""
        ball, item = state.objects[goal.target], layout.item(goal.target)
        distance = np.linalg.norm(state.fingertips - ball.position, axis=1) - item.half_width
        flicked = state.carried_m.get(goal.target, 0.0) < _CARRIED_M and not ball.touched
        rolls = bool(ball.position[2] < item.half_height + _LIFTED_M)
        crossed = (
            flicked and rolls and passes(layout.item(goal.place), item.position, ball.position[:2], item.half_width)
        )
        return (bool((distance < _APPROACH_M).any()) or crossed, crossed)

    def failure(self, goal: Goal, layout: Layout, state: TableState, reached: tuple[bool, ...]) -> str:
        """`carried`, `wrong_line`, `wrong_ball`, `not_approached`, `not_flicked`, `not_released`, `aside`, `short`."""
        ball, item = state.objects[goal.target], layout.item(goal.target)
        if state.carried_m.get(goal.target, 0.0) >= _CARRIED_M:
            return "carried"
        if any(_crossed(item, ball, line) for line in layout.lines if line.name != goal.place):
            return "wrong_line"
        if not _moved(item, ball):
            others = (other for other in layout.objects if other.kind == "ball" and other.name != goal.target)
            if any(_moved(other, state.objects[other.name]) for other in others):
                return "wrong_ball"
            return "not_flicked" if reached[0] else "not_approached"
        line = layout.item(goal.place)
        if _crossed(item, ball, line):
            return "not_released"
        return "aside" if line_ahead(line, ball.position[:2]) < -item.half_width else "short"


def _crossed(item: Item, ball: ObjectState, line: Item) -> bool:
    return passes(line, item.position, ball.position[:2], item.half_width)


def _moved(item: Item, ball: ObjectState) -> bool:
    return bool(np.linalg.norm(ball.position[:2] - item.position) > _MOVED_M)
