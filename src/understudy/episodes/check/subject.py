"""A data set under examination: what checks ask for again and again, read once and kept small."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Shaped, UInt8

from understudy.episodes.camera_file import camera_from_json
from understudy.episodes.features import BOOKKEEPING
from understudy.episodes.reader import EpisodeReader
from understudy.errors import UnderstudyError
from understudy.records import Camera

__all__ = ["Subject", "find_data_sets"]

_INFO = "meta/info.json"


class Subject:
    """One data set, opened; everything heavy is read when it is asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.reader = EpisodeReader(root)

    @property
    def episodes(self) -> range:
        """Indices of the episodes."""
        return range(self.reader.num_episodes)

    @cached_property
    def about(self) -> list[Mapping[str, Any]]:
        """Metadata of each episode; empty mappings in data sets of others."""
        return [self.reader.episode(index).metadata for index in self.episodes]

    @cached_property
    def cameras(self) -> list[Camera | None]:
        """The camera of each episode, where the metadata hold one as our recordings do."""
        return [_camera(about.get("camera")) for about in self.about]

    @cached_property
    def tasks(self) -> list[str]:
        """What was done in each episode, in words."""
        return [self.reader.episode(index).task for index in self.episodes]

    @property
    def videos(self) -> list[str]:
        """Names of the video features."""
        return [name for name, feature in self.reader.features.items() if feature.is_video]

    @property
    def numbers(self) -> list[str]:
        """Names of the float features that somebody recorded: neither bookkeeping, nor masks, nor clocks."""
        return [
            name
            for name, feature in self.reader.features.items()
            if not feature.is_video and feature.dtype.startswith("float") and name not in BOOKKEEPING
            if name.rpartition(".")[2] not in ("time_s", "timestamp")
        ]

    def column(self, name: str, index: int) -> Shaped[np.ndarray, "T n"]:
        """Rows of a feature in an episode."""
        return self.reader.column(name, index)

    def valid(self, name: str, index: int) -> Bool[np.ndarray, " T"]:
        """Rows in which the feature holds data rather than a filler."""
        mask = self.reader.features[name].mask
        if mask is None:
            return np.ones(self.reader.lengths[index], dtype=bool)
        return self.reader.column(mask, index)[:, 0].astype(bool)

    def sampled(self, index: int, count: int) -> Int[np.ndarray, " N"]:
        """At most so many frames of an episode, evenly from the first to the last."""
        length = self.reader.lengths[index]
        return np.unique(np.linspace(0, length - 1, min(count, length)).round().astype(int))

    def frames(self, video: str, index: int, places: Int[np.ndarray, " N"]) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
        """Frames of an episode, one in memory at a time."""
        for place in places:
            yield self.reader.frames(video, index, [int(place)])[0]


def _camera(content: Any) -> Camera | None:  # noqa: ANN401 - metadata of others may be anything
    try:
        return camera_from_json(content, "camera")
    except UnderstudyError:
        return None


def find_data_sets(path: Path) -> list[Path]:
    """The data set at `path`, or those directly below it, as a recording of several embodiments has them.

    Raises:
        UnderstudyError: there is none.
    """
    if (path / _INFO).is_file():
        return [path]
    below = sorted(info.parent.parent for info in path.glob(f"*/{_INFO}"))
    if not below:
        reason = "no such folder" if not path.exists() else f"no data set: no {_INFO} in it or in a folder below it"
        raise UnderstudyError(f"{path}: {reason}")
    return below
