"""What every importer gives: the features of a foreign data set and its episodes, one after another."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Shaped, UInt8

from understudy.episodes.features import Feature

__all__ = ["Frame", "Importer", "Source", "SourceEpisode", "natural_order"]

Frame = UInt8[np.ndarray, "H W 3"]


@dataclass(frozen=True)
class SourceEpisode:
    """One recorded episode of T steps, ready for `EpisodeWriter.add_episode`."""

    columns: Mapping[str, Shaped[np.ndarray, "T ..."]]
    """(T, n) or (T,) per numeric feature; metres, radians, quaternions (w, x, y, z) unless a feature says otherwise."""
    videos: Mapping[str, Iterable[Frame]]
    """T RGB frames per video feature, decoded while they are asked for."""
    task: str
    """What was done, in words."""
    metadata: dict = field(default_factory=dict)
    """What else is known of the episode, as JSON: where it comes from, camera, person, objects."""


@dataclass(frozen=True)
class Source:
    """A foreign data set, opened."""

    fps: float
    robot_type: str
    features: Mapping[str, Feature]
    num_episodes: int
    episodes: Iterator[SourceEpisode]
    """To be read once, in order."""


Importer = Callable[[Path], Source]
"""Opens a file or folder of its format.

Raises:
    UnderstudyError: it is none, or lacks something: one line that names file and field. Errors inside an episode come
        when that episode is read.
"""


def natural_order(paths: Iterable[Path]) -> list[Path]:
    """Sorted with numbers as numbers: episode_2 before episode_10."""

    def key(path: Path) -> list[tuple[int, str]]:
        return [(int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|\D+", path.as_posix())]

    return sorted(paths, key=key)
