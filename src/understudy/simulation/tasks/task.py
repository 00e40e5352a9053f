"""What a task is: a goal sampled for a layout, stages judged on the physical state, and names for what went wrong."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from understudy.simulation.axes import sample_layout
from understudy.simulation.layout import Layout
from understudy.simulation.state import TableState

__all__ = ["Goal", "Stage", "Task"]


@dataclass(frozen=True)
class Goal:
    """What is asked for in one layout."""

    target: str
    """Name of the object or button that is to be handled."""
    place: str
    """Name of where it is to end: a plate, a line, or the button itself."""
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
    """Final classes give the data below and the abstract methods; the last stage is success."""

    name: ClassVar[str]
    stages: ClassVar[tuple[Stage, ...]]
    """Sum of points: 100."""
    time_limit_s: ClassVar[float]
    """An episode ends here, in simulated seconds."""
    left_open: ClassVar[str]
    """What the label does not tell and the video does."""

    embodiments: ClassVar[tuple[str, ...]] = ("human_hand", "xarm7_xhand", "xarm7_gripper")
    """Who does it: those for whom a plan or an expert exists."""
    done_on_the_way_of: ClassVar[frozenset[str]] = frozenset()
    """Other tasks that fulfil this one on their way when they are done with the same target."""

    def sample_layout(self, seed: int, axis: str | None = None) -> Layout:
        """Where things stand in the episode of a seed, on an axis of `axes.AXES` or in the usual range.

        Tasks whose things are not the usual ones have a generator of their own.
        """
        return sample_layout(seed, axis)

    @abstractmethod
    def goals(self, layout: Layout) -> tuple[Goal, ...]:
        """Everything that the task may ask for in this layout; empty where the task is not possible.

        Goals that share a label are minimal pairs: the video alone tells them apart.
        """

    def sample_goal(self, layout: Layout, rng: np.random.Generator) -> Goal:
        """Choose one of the goals."""
        goals = self.goals(layout)
        return goals[rng.integers(len(goals))]

    @abstractmethod
    def reached(self, goal: Goal, layout: Layout, state: TableState) -> tuple[bool, ...]:
        """For each stage, whether this state shows it; the last one is success now."""

    @abstractmethod
    def failure(self, goal: Goal, layout: Layout, state: TableState, reached: tuple[bool, ...]) -> str:
        """A word for what went wrong in an episode that ended without success; `reached` over the whole episode."""
