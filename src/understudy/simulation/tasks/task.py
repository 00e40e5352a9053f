"""What a task is: a goal sampled for a layout, stages judged on the physical state, and names for what went wrong."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from understudy.simulation.layout import Layout
from understudy.simulation.state import TableState

__all__ = ["Goal", "Stage", "Task"]


@dataclass(frozen=True)
class Goal:
    """What is asked for in one layout."""

    target: str
    """Name of the object or button that is to be handled."""
    place: str
    """Name of where it is to end: a plate, `line_near`, `line_far`, or the button itself."""
    place_xy: tuple[float, float]
    """Where the target's centre is to end on the table, world [m]."""
    label: str
    """The task in words, as coarse as a person would say it."""

    @property
    def place_position(self) -> Float[np.ndarray, "2"]:
        """`place_xy` as an array [m]."""
        return np.array(self.place_xy)


@dataclass(frozen=True)
class Stage:
    """A part of a task that earns points once it is reached."""

    name: str
    points: int


class Task(ABC):
    """Final classes give the data below and three methods; the last stage is success."""

    name: ClassVar[str]
    stages: ClassVar[tuple[Stage, ...]]
    """Sum of points: 100."""
    time_limit_s: ClassVar[float]
    """An episode ends here, in simulated seconds."""
    left_open: ClassVar[str]
    """What the label does not tell and the video does."""

    @abstractmethod
    def sample_goal(self, layout: Layout, rng: np.random.Generator) -> Goal:
        """Choose what is asked for; every choice is possible in every layout."""

    @abstractmethod
    def reached(self, goal: Goal, layout: Layout, state: TableState) -> tuple[bool, ...]:
        """For each stage, whether this state shows it; the last one is success now."""

    @abstractmethod
    def failure(self, goal: Goal, layout: Layout, state: TableState, reached: tuple[bool, ...]) -> str:
        """A word for what went wrong in an episode that ended without success; `reached` over the whole episode."""
