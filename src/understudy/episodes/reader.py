"""Reads a LeRobot v3 data set: columns, frames in any order, statistics, and what is known about each episode."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import local
from typing import Any, SupportsIndex

import numpy as np
import pyarrow as pa
from jaxtyping import Int, Shaped, UInt8

from understudy.episodes import layout
from understudy.episodes.features import Feature, column_values
from understudy.episodes.metadata import Info, metadata_object, read_episodes, read_info, read_statistics, read_table
from understudy.episodes.problem import BadDataSet
from understudy.episodes.statistics import Statistics
from understudy.episodes.video_file import VideoFile
from understudy.errors import UnderstudyError, UnknownName

__all__ = ["EpisodeReader", "EpisodeRecord", "VideoSpan"]

_MAX_OPEN_VIDEOS = 64
_MAX_COLUMN_BYTES = 512 * 2**20
_MAX_COMMITS = 100
"""So many commits of a writer may come while a data set is opened."""
_MAX_LAG = 0.1
"""A frame may be shown this share of a frame period beside its time; more means that counts do not fit."""


@dataclass(frozen=True)
class EpisodeRecord:
    """What the data set says about one episode."""

    index: int
    length: int
    """Frames."""
    task: str
    """What was done, in words."""
    metadata: Mapping[str, Any]
    """Whatever the recorder stored beside it (JSON); empty if nothing."""


@dataclass(frozen=True)
class VideoSpan:
    """Where the frames of an episode lie."""

    path: Path
    start_s: float
    """Time of the episode's first frame in the file [s]."""
    length: int


class EpisodeReader:
    """A data set on disk. Cheap to make; columns and videos are opened when first used and kept within bounds.

    It may be used from several threads, from processes forked off this one, and be sent to others.

    Raises:
        UnderstudyError: `root` is no LeRobot v3 data set.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self.info, self._table = _read_one_state(self.root)
        self._fields: dict[str, np.ndarray] = {}
        self._lengths = self._numbers("length")
        self._first = self._numbers("dataset_from_index")
        self._columns: OrderedDict[tuple[Path, str], np.ndarray] = OrderedDict()
        self._column_bytes = 0
        self._open = local()  # decoders belong to one thread

    def __reduce__(self) -> tuple[type["EpisodeReader"], tuple[Path]]:
        return EpisodeReader, (self.root,)

    @property
    def num_episodes(self) -> int:
        """Episodes of the data set."""
        return self.info.num_episodes

    @property
    def num_frames(self) -> int:
        """Frames over all episodes."""
        return int(self._lengths.sum())

    @property
    def features(self) -> Mapping[str, Feature]:
        """Columns and videos by name, LeRobot's bookkeeping columns included."""
        return self.info.features

    @property
    def fps(self) -> float:
        """Frames per second."""
        return float(self.info.fps)

    @property
    def robot_type(self) -> str:
        """Name of the embodiment, as in `understudy list robots`."""
        return self.info.robot_type

    @property
    def lengths(self) -> Sequence[int]:
        """Frames of each episode."""
        return [int(length) for length in self._lengths]

    @cached_property
    def statistics(self) -> Mapping[str, Statistics]:
        """min, max, mean, std, count and quantiles per feature, over the valid rows of the whole data set.

        Raises:
            UnderstudyError: `meta/stats.json` is missing or damaged.
        """
        return read_statistics(self.root)

    @cached_property
    def splits(self) -> Mapping[str, range]:
        """Episodes of each split.

        Raises:
            UnderstudyError: a split that is no range of the episodes.
        """
        return self.info.split_ranges(self.root)

    def episode(self, index: SupportsIndex) -> EpisodeRecord:
        """Length, task and metadata of an episode."""
        index = self._checked_episode(index)
        tasks = self._table["tasks"][index].as_py()
        task = tasks[0] if isinstance(tasks, list) and tasks else tasks
        if not isinstance(task, str):
            raise BadDataSet(
                self.root / layout.EPISODES_FOLDER, "tasks", f"must be words, it is {tasks!r:.60} in episode {index}"
            )
        return EpisodeRecord(index, int(self._lengths[index]), task, self._metadata(index))

    def checksum(self, name: str, index: int) -> int | None:
        """CRC-32 of the compressed frames of a video feature in one episode; None where the data set has none."""
        field = layout.checksum_field(name)
        value = self._table[field][self._checked_episode(index)].as_py() if field in self._table.column_names else None
        if not isinstance(value, int | None):
            message = f"must be a whole number, it is {value!r:.60} in episode {index}"
            raise BadDataSet(self.root / layout.EPISODES_FOLDER, field, message)
        return value

    def column(self, name: str, index: SupportsIndex) -> Shaped[np.ndarray, "T n"]:
        """The numbers of a feature in one episode, in the units its recorder used; read-only.

        Raises:
            UnderstudyError: no such feature or episode, or a data file that is damaged or too short.
        """
        feature = self._feature(name)
        if feature.is_video:
            raise UnderstudyError(f"{self.root}: {name} is a video: read it with frames()")
        index = self._checked_episode(index)
        chunks, files = self._numbers("data/chunk_index"), self._numbers("data/file_index")
        path = self.root / self.info.data_file(int(chunks[index]), int(files[index]))
        together = (chunks == chunks[index]) & (files == files[index])
        start = int(self._first[index] - self._first[together].min())
        end = start + int(self._lengths[index])
        values = self._column_of_file(path, name, feature)
        if len(values) < end:
            raise BadDataSet(path, name, f"has {len(values)} rows, episode {index} ends at row {end}")
        return values[start:end]

    def frames(
        self, name: str, index: SupportsIndex, places: Iterable[SupportsIndex] | None = None
    ) -> UInt8[np.ndarray, "N H W 3"]:
        """RGB frames of an episode at the given places (all of them by default), in the given order.

        Raises:
            UnderstudyError: no such feature, episode or frame.
            BadVideo: a video file that is damaged or too short.
        """
        span = self.video_span(name, index)
        wanted = (
            np.arange(span.length) if places is None else np.array([int(place) for place in places], dtype=np.int64)
        )
        outside = wanted[(wanted < 0) | (wanted >= span.length)]
        if outside.size:
            raise UnderstudyError(
                f"{self.root}: episode {index} has the frames 0 to {span.length - 1}, not {outside[0]}"
            )
        video = self._video(span.path)
        numbers = frame_numbers(video, span, self.fps, wanted)
        height, width, _ = self.features[name].shape
        result = np.empty((len(wanted), height, width, 3), dtype=np.uint8)
        for row, frame in enumerate(video.frames(numbers)):
            if frame.shape != result.shape[1:]:
                message = f"frames of {frame.shape[1]}x{frame.shape[0]}, {layout.INFO_FILE} says {width}x{height}"
                raise BadDataSet(span.path, name, message)
            result[row] = frame
        return result

    def video_span(self, name: str, index: SupportsIndex) -> VideoSpan:
        """File and time at which the frames of a video feature lie in one episode."""
        if not self._feature(name).is_video:
            raise UnderstudyError(f"{self.root}: {name} is no video: read it with column()")
        index = self._checked_episode(index)
        chunk, file, start_s = (
            self._numbers(f"videos/{name}/{field}")[index] for field in ("chunk_index", "file_index", "from_timestamp")
        )
        path = self.root / self.info.video_file(name, int(chunk), int(file))
        return VideoSpan(path, float(start_s), int(self._lengths[index]))

    def episode_statistics(self, name: str, index: SupportsIndex) -> dict[str, Any]:
        """The statistics of a feature in one episode as they are stored; empty if they are not."""
        prefix = f"stats/{name}/"
        fields = [field for field in self._table.column_names if field.startswith(prefix)]
        return {field.removeprefix(prefix): self._table[field][index].as_py() for field in fields}

    def _metadata(self, index: int) -> Mapping[str, Any]:
        if layout.METADATA_FIELD not in self._table.column_names:
            return {}
        text = self._table[layout.METADATA_FIELD][index].as_py()
        content = metadata_object(text)
        if content is None:
            message = f"must be a JSON object, it is {text!r:.60} in episode {index}"
            raise BadDataSet(self.root / layout.EPISODES_FOLDER, layout.METADATA_FIELD, message)
        return content

    def _feature(self, name: str) -> Feature:
        if name in self.info.ignored:
            raise UnderstudyError(f"{self.root}: {name} has the type {self.info.ignored[name]}, which is not read")
        if name not in self.features:
            raise UnknownName(f"feature of {self.root}", name, self.features)
        return self.features[name]

    def _checked_episode(self, index: SupportsIndex) -> int:
        index = int(index)
        if not 0 <= index < self.num_episodes:
            raise UnderstudyError(f"{self.root}: it has the episodes 0 to {self.num_episodes - 1}, not {index}")
        return index

    def _numbers(self, field: str) -> Shaped[np.ndarray, " E"]:
        """A numeric column of the episodes table."""
        if field in self._fields:
            return self._fields[field]
        if field not in self._table.column_names:
            raise BadDataSet(self.root / layout.EPISODES_FOLDER, field, "the column is missing")
        column = self._table[field]
        kind = column.type
        fits = pa.types.is_integer(kind) or (pa.types.is_floating(kind) and field.endswith("_timestamp"))
        if column.null_count or not fits:
            message = f"must be numbers without gaps, it is {kind}"
            raise BadDataSet(self.root / layout.EPISODES_FOLDER, field, message)
        self._fields[field] = column.to_numpy()
        return self._fields[field]

    def _column_of_file(self, path: Path, name: str, feature: Feature) -> Shaped[np.ndarray, "R n"]:
        key = (path, name)
        held = self._columns.get(key)
        if held is not None:
            return held
        table = read_table(path, [name])
        if name not in table.column_names:
            raise BadDataSet(path, name, "the column is missing")
        values = column_values(table[name], feature)
        if values is None:
            message = f"is {table[name].type}, {layout.INFO_FILE} says {feature.dtype} {list(feature.shape)}"
            raise BadDataSet(path, name, message)
        values.flags.writeable = False
        # No lock, as a fork could leave it locked for ever; at worst two threads read the same column.
        self._columns[key] = values
        self._column_bytes += values.nbytes
        while self._column_bytes > _MAX_COLUMN_BYTES and len(self._columns) > 1:
            self._column_bytes -= self._columns.popitem(last=False)[1].nbytes
        return values

    def _video(self, path: Path) -> VideoFile:
        files: OrderedDict[Path, VideoFile] | None = getattr(self._open, "files", None)
        if files is None:
            files = self._open.files = OrderedDict()
        if path not in files:
            files[path] = VideoFile(path)
            if len(files) > _MAX_OPEN_VIDEOS:
                files.popitem(last=False)
        files.move_to_end(path)
        return files[path]


def _read_one_state(root: Path) -> tuple[Info, pa.Table]:
    """Info and episodes table of one state, while a writer may put another one in its place between the two."""
    for _ in range(_MAX_COMMITS):
        before = _version(root)
        try:
            info, table = read_info(root), read_episodes(root)
            if table.num_rows != info.num_episodes:
                message = f"is {info.num_episodes}, the episodes table has {table.num_rows} rows"
                raise BadDataSet(root / layout.INFO_FILE, "total_episodes", message)
        except BadDataSet:
            if _version(root) == before:
                raise
        else:
            if _version(root) == before:
                return info, table
    raise UnderstudyError(f"{root}: changes faster than it can be read; try again when its writer is slower or done")


def _version(root: Path) -> tuple[int, int, int] | None:
    """Another one after each commit, as it writes a new info.json; None where there is none."""
    try:
        state = (root / layout.INFO_FILE).stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino, state.st_mtime_ns


def frame_numbers(
    video: VideoFile, span: VideoSpan, fps: float, places: Int[np.ndarray, " N"] | None = None
) -> Int[np.ndarray, " N"]:
    """Numbers in the video file of the episode's frames (of all, or of those at the given places), by their times.

    Raises:
        BadDataSet: the file shows no frame at one of those times.
    """
    places = np.arange(span.length) if places is None else places
    wanted = span.start_s + places / fps
    shown = video.times_s
    found = np.minimum(np.searchsorted(shown, wanted - 0.5 / fps), len(shown) - 1)
    off = np.abs(shown[found] - wanted) > _MAX_LAG / fps
    if off.any():
        i = int(np.flatnonzero(off)[0])
        message = f"no frame at {wanted[i]:.4f} s (frame {places[i]} of the episode); the last is at {shown[-1]:.4f} s"
        raise BadDataSet(span.path, "timestamp", message)
    return found
