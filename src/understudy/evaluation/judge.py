"""Judges whether one of several goals is fulfilled while an episode runs: the labelled one, the prompted one, any."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from understudy.simulation.layout import Layout
from understudy.simulation.state import TableState
from understudy.simulation.tasks import Goal, get_task

__all__ = ["HOLD_STEPS", "Judge", "Watcher", "goals_of_label"]

HOLD_STEPS = 3
"""Control steps that a goal must hold in a row to count as reached: 0.3 s."""


@runtime_checkable
class Watcher(Protocol):
    """What looks at an episode while it runs."""

    def see(self, state: TableState) -> None:
        """Take note of the next state."""


def goals_of_label(task: str, goal: Goal, layout: Layout) -> tuple[Goal, ...]:
    """Every goal that the words of `goal` may mean in this layout."""
    return tuple(other for other in get_task(task).goals(layout) if other.label == goal.label)


class Judge:
    """Watches one task for goals of which any will do. Give it the state after every control step."""

    def __init__(self, task: str, goals: Sequence[Goal], layout: Layout) -> None:
        self._task, self._goals, self._layout = get_task(task), tuple(goals), layout
        self._held = 0
        self._reached = np.zeros((len(self._goals), len(self._task.stages)), dtype=bool)
        self.holds = False
        """One of the goals is fulfilled in the last state."""
        self.lasted = False
        """One of them was fulfilled for `HOLD_STEPS` states in a row, at some time."""

    @property
    def time_limit_s(self) -> float:
        """Of the task [s]."""
        return self._task.time_limit_s

    @property
    def lasts(self) -> bool:
        """One of the goals is fulfilled, and has been for `HOLD_STEPS` states."""
        return self._held >= HOLD_STEPS

    def see(self, state: TableState) -> None:
        """Take note of the next state."""
        reached = np.array([self._task.reached(goal, self._layout, state) for goal in self._goals])
        self._reached |= reached
        self.holds = bool(reached[:, -1].any())
        self._held = self._held + 1 if self.holds else 0
        self.lasted |= self.lasts

    def failure(self, state: TableState) -> str:
        """What went wrong with the first of the goals, in the task's words; empty if one holds."""
        if self.holds:
            return ""
        reached = tuple(bool(stage) for stage in self._reached[0])
        return self._task.failure(self._goals[0], self._layout, state, reached)
