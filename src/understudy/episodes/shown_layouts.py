"""Layouts in which a person and a robot did the same, with what was done: to ask what a video model knows of them.

They are of a sealed split: what a model has learned from says nothing about what it knows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8

from understudy.episodes.frame_cache import FrameCache
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.windows import even_frames
from understudy.errors import UnderstudyError

__all__ = ["PERSON", "ShownLayout", "ShownLayouts", "halves"]

PERSON = "human_hand"
_IMAGES = "observation.images.front"


@dataclass(frozen=True)
class ShownLayout:
    """One layout and what was done in it."""

    root: Path
    index: int
    """Number of the episode in both data sets of `root`."""
    seed: int
    """Of the layout."""
    skill: str
    label: str
    target: str
    """What was handled, by colour and kind: `red_cube`."""
    contact_xy: Float[np.ndarray, "2"]
    """Where the target stands at first, robot's base frame [m]."""
    goal_xy: Float[np.ndarray, "2"]
    """Where it is to end [m]."""
    things_xy: Float[np.ndarray, "K 2"]
    """Where everything stands that a task could be about; the target is row `target_row` [m]."""
    target_row: int


class ShownLayouts:
    """The layouts of one or more recordings of a person and a robot, in the order of the episodes."""

    def __init__(self, roots: Sequence[Path], robot: str, split: str, size: int, length: int) -> None:
        """Open `root/human_hand` and `root/<robot>` of every root; layouts in which either failed are left out.

        Args:
            roots: recordings.
            robot: whose clips are the robot's.
            split: that all layouts must be of; "" for any.
            size: side of frames [px].
            length: frames of a clip, from first to last at even times.

        Raises:
            UnderstudyError: data sets that are absent, not paired, of another split, or do not say what was done.
        """
        self.robot, self.length = robot, length
        self._caches: dict[tuple[Path, str], FrameCache] = {}
        self.layouts: list[ShownLayout] = []
        for root in roots:
            readers = {name: _reader(root / name) for name in (PERSON, robot)}
            self.layouts += _layouts(root, readers[PERSON], readers[robot], split)
            for name, reader in readers.items():
                self._caches[root, name] = FrameCache(reader, _IMAGES, size)
        if not self.layouts:
            raise UnderstudyError(f"{', '.join(map(str, roots))}: no layout in which both succeeded")

    def __len__(self) -> int:
        return len(self.layouts)

    @property
    def skills(self) -> list[str]:
        """Every skill of the layouts, sorted."""
        return sorted({layout.skill for layout in self.layouts})

    def clips(self, name: str, indices: Sequence[int]) -> UInt8[np.ndarray, "B T S S 3"]:
        """Clips of the person (`PERSON`) or of the robot."""
        found = []
        for index in indices:
            layout = self.layouts[index]
            frames = self._caches[layout.root, name].episode(layout.index)
            found.append(frames[even_frames(len(frames), self.length)])
        return np.stack(found)


def halves(layouts: Sequence[ShownLayout], seed: int = 0) -> Bool[np.ndarray, " N"]:
    """Which layouts are in the first half: half of all seeds, so that no seed is in both.

    Seeds are drawn at random, but as many of either half show the same skills, give or take one.
    """
    rng = np.random.default_rng(seed)
    shown: dict[int, set[str]] = {}
    for layout in layouts:
        shown.setdefault(layout.seed, set()).add(layout.skill)
    drawn = rng.permutation(sorted(shown)).tolist()
    first = set(sorted(drawn, key=lambda one: sorted(shown[one]))[::2])
    return np.array([layout.seed in first for layout in layouts])


def _reader(folder: Path) -> EpisodeReader:
    if not folder.is_dir():
        raise UnderstudyError(
            f"{folder}: no such data set: give folders that `understudy record` made, with {PERSON} and a robot"
        )
    return EpisodeReader(folder)


def _layouts(root: Path, person: EpisodeReader, robot: EpisodeReader, split: str) -> list[ShownLayout]:
    if person.num_episodes != robot.num_episodes:
        raise UnderstudyError(
            f"{robot.root}: {robot.num_episodes} episodes, {person.root} has {person.num_episodes}: not paired"
        )
    found = []
    for index in range(robot.num_episodes):
        theirs, ours = person.episode(index).metadata, robot.episode(index).metadata
        if theirs.get("seed") != ours.get("seed"):
            raise UnderstudyError(f"{robot.root}: episode {index} is not the pair of {person.root}'s")
        if split and (of := ours.get("split", "train")) != split:
            raise UnderstudyError(_wrong_split(robot.root, index, of, split))
        if theirs.get("success", True) and ours.get("success", True):
            found.append(_layout(root, index, ours, robot.root))
    return found


def _wrong_split(folder: Path, index: int, found: str, wanted: str) -> str:
    where = f"{folder}: episode {index} is of the split {found}, not {wanted}"
    if found == "test":
        return f"{where}: test layouts are for tables, after all choices; if so, pass --split test"
    return f"{where}: what was learned from says nothing here; record with --split {wanted}"


def _layout(root: Path, index: int, said: Mapping[str, Any], folder: Path) -> ShownLayout:
    try:
        goal, table = said["goal"], said["layout"]
        things = [*table["objects"], *table.get("buttons", [])]
        names = [thing["name"] for thing in things]
        row = names.index(goal["target"])
        return ShownLayout(
            root,
            index,
            int(said["seed"]),
            str(said["task"]),
            str(goal["label"]),
            f"{things[row]['colour']}_{things[row]['kind']}",
            np.array(things[row]["xy"], dtype=float),
            np.array(goal["place_xy"], dtype=float),
            np.array([thing["xy"] for thing in things], dtype=float),
            row,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise UnderstudyError(
            f"{folder}: episode {index} does not say what was done where (goal, layout): use `understudy record`"
        ) from error
