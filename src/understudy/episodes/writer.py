"""Writes a LeRobot v3 data set: `meta/`, `data/` (parquet) and `videos/` (one mp4 per camera, all episodes in a row).

Nothing half-written is ever seen: everything goes into a hidden folder beside the target, which is renamed when the
data set is complete. Values are finite by contract: a row without data carries a filler, and a mask feature says so.
"""

import shutil
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Shaped, UInt8

from understudy.episodes import layout
from understudy.episodes.features import BOOKKEEPING, Feature, arrow_schema
from understudy.episodes.statistics import PixelHistogram, Statistics, number_statistics
from understudy.episodes.video_stream import VideoStream
from understudy.errors import UnderstudyError

__all__ = ["EpisodeWriter"]

Frame = UInt8[np.ndarray, "H W 3"]
Columns = Mapping[str, Shaped[np.ndarray, "T ..."]]


class EpisodeWriter:
    """One data set in the making. Use it as a context manager: leaving it finalizes, an exception removes everything.

    Args:
        root: folder of the data set; it must not exist, unless `replace` is set and it holds a data set.
        fps: frames per second, constant over the data set.
        features: the columns, by name; LeRobot's bookkeeping columns are added.
        robot_type: name of the robot, as in `understudy list robots`.
        replace: put the new data set in the place of the one at `root` when it is complete.
    """

    def __init__(
        self, root: Path, fps: float | int, features: Mapping[str, Feature], robot_type: str, *, replace: bool = False
    ) -> None:
        self.root = root
        self.fps = Fraction(fps).limit_denominator(1001)  # 29.97 is 30000/1001
        self.robot_type = robot_type
        self.features = {**features, **BOOKKEEPING}
        _check_features(features)
        _check_target(root, replace)
        self._partial = root.parent / f".{root.name}.partial"
        shutil.rmtree(self._partial, ignore_errors=True)  # what a killed run has left
        self._partial.mkdir(parents=True)
        self._schema = arrow_schema(self.features)
        self._data_path = self._partial / layout.DATA_FILE
        self._data_path.parent.mkdir(parents=True)
        self._data = pq.ParquetWriter(self._data_path, self._schema)
        self._videos = {
            name: VideoStream(self._partial / layout.video_file(name), self.fps, *feature.shape[:2])
            for name, feature in self.features.items()
            if feature.is_video
        }
        self._pixels = {name: PixelHistogram() for name in self._videos}
        self._tasks: dict[str, int] = {}
        self._episodes: list[dict] = []
        self._num_frames = 0

    def __enter__(self) -> "EpisodeWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.abandon()
            return
        try:
            self.finalize()
        except BaseException:
            self.abandon()
            raise

    def add_episode(self, data: Columns, videos: Mapping[str, Iterable[Frame]], task: str) -> None:
        """Append one episode of T frames.

        Args:
            data: (T, n) or, for n = 1, (T,) per numeric feature; finite.
            videos: T RGB frames per video feature; they are streamed, not held.
            task: what was done, in words.

        Raises:
            UnderstudyError: names, lengths, shapes or values that do not fit the features. The data set cannot be
                continued when a video is too short or too long, as its frames are encoded by then.
        """
        columns = dict(self._checked_columns(data, videos))
        length = len(next(iter(columns.values())))
        statistics = {name: self._encode(name, videos[name], length) for name in self._videos}
        columns |= self._bookkeeping(length, self._tasks.setdefault(task, len(self._tasks)))
        for name, values in columns.items():
            mask = self.features[name].mask
            statistics[name] = number_statistics(values, columns[mask][:, 0] if mask else None)
        self._data.write_table(pa.table([_arrow(columns[field.name]) for field in self._schema], schema=self._schema))
        ends = {name: Fraction(stream.num_frames) / self.fps for name, stream in self._videos.items()}
        self._episodes.append(
            layout.episode_row(
                len(self._episodes), task, self._num_frames, length, Fraction(length) / self.fps, ends, statistics
            )
        )
        self._num_frames += length

    def finalize(self) -> None:
        """Write the metadata and move the data set to its place.

        Raises:
            UnderstudyError: if it holds no episode.
        """
        if not self._episodes:
            raise UnderstudyError(f"{self.root}: a data set needs at least one episode")
        self._data.close()
        for stream in self._videos.values():
            stream.close()
        layout.write_tasks(self._partial, self._tasks)
        layout.write_episodes(self._partial, self._episodes)
        layout.write_statistics(self._partial, self._all_statistics())
        totals = layout.Totals(len(self._episodes), self._num_frames, len(self._tasks))
        layout.write_info(self._partial, self.features, self.fps, self.robot_type, totals)
        if self.root.exists():
            shutil.rmtree(self.root)
        self._partial.rename(self.root)

    def abandon(self) -> None:
        """Remove everything written so far."""
        try:
            for stream in self._videos.values():
                stream.abandon()
            self._data.close()
        finally:  # closing writes, and fails where the disk is full
            shutil.rmtree(self._partial, ignore_errors=True)

    def _checked_columns(self, data: Columns, videos: Mapping[str, object]) -> Columns:
        wanted = {name for name in self.features if name not in BOOKKEEPING}
        given = {*data, *videos}
        if given != wanted or set(videos) != set(self._videos):
            odd = ", ".join(sorted(given ^ wanted)) or "a video given as numbers"
            valid = ", ".join(sorted(wanted))
            raise UnderstudyError(f"{self.root}: an episode must have exactly the features {valid}: {odd}")
        columns = {name: _column(name, self.features[name], values) for name, values in data.items()}
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) != 1 or 0 in lengths.values():
            raise UnderstudyError(f"{self.root}: columns must have one length of at least 1, not {lengths}")
        return columns

    def _bookkeeping(self, length: int, task_index: int) -> Columns:
        frame_index = np.arange(length)
        columns: Columns = {
            "timestamp": (frame_index / float(self.fps)).astype(np.float32),
            "frame_index": frame_index,
            "episode_index": np.full(length, len(self._episodes)),
            "index": self._num_frames + frame_index,
            "task_index": np.full(length, task_index),
        }
        return {name: values[:, None] for name, values in columns.items()}

    def _encode(self, name: str, frames: Iterable[Frame], length: int) -> Statistics:
        stream, pixels = self._videos[name], PixelHistogram()
        for frame in frames:
            stream.append(frame)
            pixels.add(frame)
        if pixels.num_frames != length:
            raise UnderstudyError(f"{self.root}: {name} has {pixels.num_frames} frames in an episode of {length}")
        self._pixels[name].merge(pixels)
        return pixels.statistics()

    def _all_statistics(self) -> dict[str, Statistics]:
        """Exact statistics over all episodes, one column in memory at a time."""
        result = {name: pixels.statistics() for name, pixels in self._pixels.items()}
        for name, feature in self.features.items():
            if feature.is_video:
                continue
            names = [name] if feature.mask is None else [name, feature.mask]
            table = pq.read_table(self._data_path, columns=names)
            valid = None if feature.mask is None else table[feature.mask].to_numpy()
            column = table[name].combine_chunks()
            flat = column.flatten() if feature.shape[0] > 1 else column
            result[name] = number_statistics(flat.to_numpy(zero_copy_only=False).reshape(-1, *feature.shape), valid)
        return result


def _check_features(features: Mapping[str, Feature]) -> None:
    for name, feature in features.items():
        if name in BOOKKEEPING:
            raise ValueError(f"{name} is written by the writer itself")
        if feature.mask is not None and features.get(feature.mask) != Feature("bool", (1,)):
            raise ValueError(f"the mask of {name} must be a bool feature of shape (1,) without names: {feature.mask}")
    if all(feature.is_video for feature in features.values()):
        raise ValueError("a data set needs at least one numeric feature")


def _check_target(root: Path, replace: bool) -> None:
    if not root.exists():
        return
    if not replace:
        raise UnderstudyError(f"{root}: exists already; choose another folder")
    if not (root / layout.INFO_FILE).is_file():
        raise UnderstudyError(f"{root}: is no data set, so it is not replaced; choose another folder")


def _column(name: str, feature: Feature, values: Shaped[np.ndarray, "T ..."]) -> Shaped[np.ndarray, "T n"]:
    column = values[:, None] if values.ndim == 1 else values
    if column.shape[1:] != feature.shape:
        raise UnderstudyError(f"{name}: rows of shape {column.shape[1:]}, the feature says {feature.shape}")
    if not np.can_cast(column.dtype, feature.dtype, "same_kind"):
        raise UnderstudyError(f"{name}: {column.dtype} values, the feature says {feature.dtype}")
    with np.errstate(over="ignore"):  # what overflows becomes infinite and is named below
        column = column.astype(feature.dtype)
    bad = np.flatnonzero(~np.isfinite(column).all(1))
    if bad.size:
        raise UnderstudyError(f"{name}: not finite in frame {bad[0]}; write a filler there and mark it")
    return column


def _arrow(values: Shaped[np.ndarray, "T n"]) -> pa.Array:
    flat = pa.array(values.ravel())
    return flat if values.shape[1] == 1 else pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
