"""What is to be recorded: everything that decides the content of the data sets, and nothing else.

Episode `slot` of a plan is task `tasks[slot % len(tasks)]` in the layout of seed `first_seed + slot`. A seed whose
expert fails is replaced by the one 100000 further on, so that no slot depends on another: recording in parallel, in
parts or with more episodes later gives the same episodes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from understudy.embodiments import EMBODIMENTS, ROBOTS
from understudy.errors import UnderstudyError, UnknownName
from understudy.simulation.axes import check_held_out, get_axis
from understudy.simulation.human_wander import WANDER
from understudy.simulation.seeds import SEEDS, Split, split_of
from understudy.simulation.tasks import get_task

__all__ = ["FROM_ABOVE", "MOST_EPISODES", "PERSON", "ROBOT_FPS", "TRIES", "RecordingPlan", "first_seed_of"]

PERSON = "human_hand"
"""Name of the person among the embodiments."""
ROBOT_FPS = 10
"""Control steps a second, and frames a second of a robot's episodes and of aligned clips."""
TRIES = 5
"""Seeds tried for one episode before recording gives up."""
FROM_ABOVE = frozenset({"hold", "pick_place"})
"""Tasks whose experts come down on a thing with an open hand."""
MOST_EPISODES = 100_000
"""Episodes of one plan: from there on, seeds are those that take the place of failed ones."""


@dataclass(frozen=True)
class RecordingPlan:
    """Settings of one recording; the same plan gives the same data sets."""

    tasks: tuple[str, ...]
    """Names of `tasks.TASKS`; episodes take turns. Or `WANDER` alone: a person without a task."""
    embodiments: tuple[str, ...]
    """`human_hand` and robots that have an expert; one data set each."""
    first_seed: int = 0
    size: int = 96
    """Width and height of a robot's images [px]."""
    human_size: int = 512
    """Width and height of a person's clip [px]."""
    human_fps: int = 20
    """Frames a second of a person's clip, 5 to 60; aligned clips have the robot's, `ROBOT_FPS`."""
    human_frames: int | None = None
    """Frames of a clip that are rendered, spread evenly from its first to its last; None for all. Needs no `track`."""
    track: bool = True
    """Whether the hand tracker looks at the clips."""
    points: bool = True
    """Whether true point tracks are recorded."""
    axis: str | None = None
    """A name of `axes.AXES`: how layouts differ from the usual range."""
    handedness: Literal["right", "left", "any"] = "right"
    """Which hand the person uses."""
    aligned: bool = False
    """Whether the person's hand goes where the robot's is, frame by frame; else each has a way and time of its own."""
    disturb: float = 0.0
    """Share, 0 to 0.5, of the steps with all fingertips above 7 cm in which a robot is pushed off its path."""
    sideways: float = 0.0
    """Share, 0 to 0.5, of the steps on the way to a thing that is taken from above in which the open hand is pushed
    aside."""
    keep_failures: bool = False
    """Record what failed, marked so, instead of going on to another seed."""
    retarget: tuple[str, ...] = ()
    """Robots that are not recorded, and whose actions are made of the tracked hand all the same."""

    def __post_init__(self) -> None:
        if WANDER in self.tasks and (self.tasks != (WANDER,) or self.embodiments != (PERSON,) or self.track):
            raise UnderstudyError(
                f"{WANDER} is no task: is recorded by itself, of a person alone, without the tracker"
                f" (--task {WANDER} --embodiments {PERSON} --no-track)"
            )
        for embodiment in self.embodiments:
            if embodiment not in EMBODIMENTS:
                raise UnknownName("embodiment", embodiment, EMBODIMENTS)
            for task in () if self.wanders else self.tasks:
                if embodiment not in get_task(task).embodiments:
                    raise UnknownName(f"embodiment that does {task}", embodiment, get_task(task).embodiments)
        for name, values in (("task", self.tasks), ("embodiment", self.embodiments)):
            if not values or len(set(values)) != len(values):
                raise UnderstudyError(f"{name}s to record: {', '.join(values) or 'none'}: name each of them once")
        for name, size in (("image", self.size), ("human image", self.human_size)):
            if not 16 <= size <= 1024 or size % 2:
                raise UnderstudyError(f"{name} size {size} px: must be even and lie in 16 to 1024")
        if not 5 <= self.human_fps <= 60:
            raise UnderstudyError(f"{self.human_fps} frames a second: must lie in 5 to 60")
        if self.human_frames is not None and self.human_frames < 2:
            raise UnderstudyError(f"{self.human_frames} frames of each clip: must be at least 2")
        if self.human_frames is not None and self.track:
            raise UnderstudyError(
                f"{self.human_frames} frames of each clip: the tracker needs them all; record without it (--no-track)"
            )
        for robot in self.retarget:
            if robot not in ROBOTS:
                raise UnknownName("robot", robot, ROBOTS)
        if self.retarget and (not self.track or PERSON not in self.embodiments):
            raise UnderstudyError(f"actions of {', '.join(self.retarget)}: are made of a tracked {PERSON}; record both")
        if not 0 <= self.disturb <= 0.5:
            raise UnderstudyError(f"share of disturbed steps {self.disturb}: must lie in 0 to 0.5")
        if not 0 <= self.sideways <= 0.5:
            raise UnderstudyError(f"share of steps pushed sideways {self.sideways}: must lie in 0 to 0.5")
        if self.sideways and not FROM_ABOVE & set(self.tasks):
            raise UnderstudyError(f"pushes sideways: in {', '.join(self.tasks)} nothing is taken from above")
        if self.sideways and set(self.robots) != {"xarm7_xhand"}:
            raise UnderstudyError(
                f"pushes sideways of {', '.join(self.embodiments)}: the one robot must be xarm7_xhand, whose fingers"
                " come down before and behind a thing"
            )
        if self.aligned and (len(self.robots) != 1 or len(self.embodiments) != 2):
            raise UnderstudyError(f"aligned pairs of {', '.join(self.embodiments)}: must be {PERSON} and one robot")
        if self.aligned and (self.handedness != "right" or self.human_frames is not None):
            raise UnderstudyError("aligned pairs: the person uses the right hand, and every frame is kept")
        if self.axis is not None:
            get_axis(self.axis)
        for embodiment in self.embodiments:
            check_held_out(self.axis, self.first_seed, embodiment)

    @property
    def wanders(self) -> bool:
        """Whether a person without a task is recorded: nothing is judged, and there are no actions to learn."""
        return self.tasks == (WANDER,)

    @property
    def robots(self) -> tuple[str, ...]:
        """The embodiments that are robots."""
        return tuple(name for name in self.embodiments if name in ROBOTS)

    @property
    def retargeted(self) -> tuple[str, ...]:
        """Robots whose actions are made of the tracked hand: those that are recorded, then the others."""
        return tuple(dict.fromkeys((*self.robots, *self.retarget)))

    @property
    def split(self) -> Split:
        """The sealed range that all seeds come from."""
        return split_of(self.first_seed)

    def task(self, slot: int) -> str:
        """Task of an episode."""
        return self.tasks[slot % len(self.tasks)]

    def seeds(self, slot: int) -> Iterator[int]:
        """Seeds of an episode, in the order in which they are tried; all of them in the plan's split."""
        seeds = SEEDS[self.split]
        for attempt in range(TRIES):
            yield seeds.start + (self.first_seed - seeds.start + slot + attempt * MOST_EPISODES) % len(seeds)


def first_seed_of(split: Split, first_seed: int | None) -> int:
    """The first seed asked for, which must lie in the split, or else that of the split."""
    if first_seed is None:
        return SEEDS[split].start
    if split_of(first_seed) != split:
        raise UnderstudyError(f"first seed {first_seed} lies in the {split_of(first_seed)} range: ask for that split")
    return first_seed
