"""Writes LeRobot v3 data sets: `meta/`, `data/` (parquet) and `videos/` (mp4).

In one go (`EpisodeWriter`): nothing is seen before the data set is complete. Growing (`EpisodeWriter.append`): every
episode is on the disk and seen when `add_episode` returns, and whatever is killed when, the folder is a complete data
set of all acknowledged episodes: see `whole_folder`. While it grows, each episode has files of its own; `finalize`
joins them up to the sizes that readers expect.

Values are finite by contract: a row without data carries a filler, and a mask feature says so.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from jaxtyping import Shaped

from understudy.episodes import layout
from understudy.episodes.episodes_table import EpisodesTable
from understudy.episodes.features import BOOKKEEPING, Feature, arrow_schema
from understudy.episodes.frame_rate import exact_rate
from understudy.episodes.layout import Limits
from understudy.episodes.merging import merge_files
from understudy.episodes.running_statistics import RunningStatistics
from understudy.episodes.staged_episode import Columns, Frame, StagedEpisode, as_table, load_staged, stage_episode
from understudy.episodes.statistics import PixelHistogram, Statistics, number_statistics
from understudy.episodes.stored import Stored, read_stored
from understudy.episodes.video_stream import Encoding
from understudy.episodes.whole_folder import WholeFolder
from understudy.errors import UnderstudyError

__all__ = ["EpisodeWriter"]


class EpisodeWriter:
    """One data set in the making. Use it as a context manager: leaving it finalizes, an exception removes everything
    that was not acknowledged. One process owns a data set while it is written; the lock ends with it.

    Args:
        root: folder of the data set; it must not exist, unless `replace` is set and it holds a data set.
        fps: frames per second, constant over the data set.
        features: the columns, by name; LeRobot's bookkeeping columns are added.
        robot_type: name of the robot, as in `understudy list robots`.
        replace: put the new data set in the place of the one at `root` when it is complete.
        limits: when new files are begun.
        encoding: how frames are compressed.
    """

    def __init__(
        self,
        root: Path,
        fps: float | int,
        features: Mapping[str, Feature],
        robot_type: str,
        *,
        replace: bool = False,
        limits: Limits | None = None,
        encoding: Encoding | None = None,
    ) -> None:
        _check_features(features)
        _check_target(root, replace)
        self._replace = replace
        self._set_up(root, fps, features, robot_type, limits or Limits(), encoding, grows=False)

    @classmethod
    def append(
        cls,
        root: Path,
        fps: float | int,
        features: Mapping[str, Feature],
        robot_type: str,
        *,
        limits: Limits | None = None,
        encoding: Encoding | None = None,
    ) -> "EpisodeWriter":
        """A writer that adds episodes to `root`, each seen when `add_episode` returns; a new one if there is none.

        The numbers of the whole data set are held in memory for exact quantiles.

        Raises:
            UnderstudyError: `root` is no data set of this package, has other features, fps or robot_type, or is being
                written by another process.
        """
        _check_features(features)
        writer = cls.__new__(cls)
        writer._replace = False
        if root.exists() and not (root / layout.INFO_FILE).is_file():
            raise UnderstudyError(f"{root}: exists and is no data set, so nothing is added to it")
        writer._set_up(root, fps, features, robot_type, limits, encoding, grows=True)
        return writer

    def _set_up(
        self,
        root: Path,
        fps: float | int,
        features: Mapping[str, Feature],
        robot_type: str,
        limits: Limits | None,
        encoding: Encoding | None,
        *,
        grows: bool,
    ) -> None:
        self.root = root
        self.fps = exact_rate(fps)
        self.robot_type = robot_type
        self.features = {**features, **BOOKKEEPING}
        self._given = dict(features)
        self._schema = arrow_schema(self.features)
        self._encoding = encoding
        self._grows, self._failed, self._num_staged = grows, False, 0
        self._folder = WholeFolder(root, fresh=not grows)
        try:
            stored = read_stored(root, self.features, self.fps, robot_type) if grows and root.exists() else Stored()
        except BaseException:
            self._folder.close()
            raise
        self._limits = limits or stored.limits
        self._tasks, self._splits = stored.tasks, stored.splits
        self._num_frames = stored.num_frames
        self._pixels = stored.pixels or {name: PixelHistogram() for name, f in features.items() if f.is_video}
        self._statistics = stored.statistics or {
            name: RunningStatistics(feature.shape[0], np.dtype(feature.dtype))
            for name, feature in self.features.items()
            if not feature.is_video
        }
        self._episodes = EpisodesTable(self._limits, stored.episodes)
        self._next_file = max((self._limits.number(place) for place in stored.files), default=-1) + 1

    def __enter__(self) -> "EpisodeWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._folder.closed:  # finalized or abandoned by hand
            return
        if kind is not None:
            self.abandon()
            return
        try:
            self.finalize()
        except BaseException:
            self.abandon()
            raise

    @property
    def num_episodes(self) -> int:
        """Episodes of the data set so far."""
        return self._episodes.num_rows

    @property
    def staging_folder(self) -> Path:
        """Where other processes may put staged episodes for `adopt`: on the same disk, removed when the writer ends."""
        return self._folder.scratch

    def add_episode(
        self,
        data: Columns,
        videos: Mapping[str, Iterable[Frame]],
        task: str,
        metadata: Mapping[str, Any] | None = None,
        *,
        split: str = "train",
    ) -> None:
        """Add one episode of T frames. When a growing data set's call returns, the episode is on the disk to stay.

        Args:
            data: (T, n) or, for n = 1, (T,) per numeric feature; finite.
            videos: T RGB frames per video feature; they are streamed, not held.
            task: what was done, in words.
            metadata: anything JSON can hold, to be kept with the episode.
            split: part of the data set it belongs to; the episodes of a split must follow one another.

        Raises:
            UnderstudyError: names, lengths, shapes or values that do not fit the features; nothing was added.
        """
        self._check_usable()
        folder = self._folder.scratch / f"own-{self._num_staged:06d}"
        self._num_staged += 1
        try:
            stage_episode(
                folder, self.fps, self._given, data, videos, task, metadata, split=split, encoding=self._encoding
            )
        except UnderstudyError as error:
            raise UnderstudyError(str(error).replace(str(folder), str(self.root))) from error
        self.adopt(folder)

    def adopt(self, folder: Path) -> None:
        """Add an episode that `stage_episode` has written, and remove its folder.

        Raises:
            UnderstudyError: it does not fit the data set; nothing was added, and the folder is left as it is.
        """
        self._check_usable()
        episode = load_staged(folder, self.fps, self._given)
        splits = self._extended_splits(episode.split)
        with self._failing_for_good():
            self._write_episode(episode)
            self._splits = splits
            if self._grows:
                self._write_metadata()
                self._folder.commit()
        shutil.rmtree(folder)

    def finalize(self) -> None:
        """Join small files, and move the data set to its place if it was written in one go.

        Raises:
            UnderstudyError: if it holds no episode.
        """
        if not self._episodes.num_rows:
            raise UnderstudyError(f"{self.root}: a data set needs at least one episode")
        self._check_usable()
        table = self._episodes.table()
        with self._failing_for_good():
            merged = merge_files(self._folder, table, self._pixels, self._limits, self.fps)
            if merged is not table or not self._grows or self._episodes.num_files > 1:
                self._episodes.replace(merged)
                self._write_metadata()
                if not self._grows:
                    _check_target(self.root, self._replace)
                self._folder.commit()
        self._folder.close()

    def abandon(self) -> None:
        """Stop; what is not acknowledged is removed."""
        self._folder.close()

    def _check_usable(self) -> None:
        if self._failed or self._folder.closed:
            state = "writing has failed before" if self._failed else "the writer is closed"
            raise UnderstudyError(f"{self.root}: {state}; open the data set again to go on")

    @contextmanager
    def _failing_for_good(self) -> Iterator[None]:
        """After an error in the middle of a change, what is in memory is no longer what is on the disk."""
        try:
            yield
        except OSError as error:
            self._failed = True
            raise UnderstudyError(f"{self.root}: cannot be written: {error.strerror or error}") from error
        except BaseException:
            self._failed = True
            raise

    def _write_episode(self, episode: StagedEpisode) -> None:
        place = self._limits.place(self._next_file)
        task_index = self._tasks.setdefault(episode.task, len(self._tasks))
        columns = {**episode.columns, **self._bookkeeping(episode.length, task_index)}
        path = self._folder.place(layout.data_file(place))
        pq.write_table(as_table(columns, self._schema), path, write_page_checksum=True)
        statistics: dict[str, Statistics] = {}
        for name in self._pixels:
            self._folder.link(episode.video(name), layout.video_file(name, place))
            statistics[name] = episode.pixels[name].statistics()
            self._pixels[name].merge(episode.pixels[name])
        for name, values in columns.items():
            mask = self.features[name].mask
            valid = columns[mask][:, 0] if mask else None
            statistics[name] = number_statistics(values, valid)
            self._statistics[name].add(values, valid)
        videos = {name: (place, Fraction(0)) for name in self._pixels}
        self._episodes.add(
            layout.episode_row(
                self._episodes.num_rows,
                episode.task,
                self._num_frames,
                episode.length,
                place,
                videos,
                self.fps,
                statistics,
                episode.metadata,
                episode.checksums,
            )
        )
        self._num_frames += episode.length
        self._next_file += 1

    def _write_metadata(self) -> None:
        self._episodes.write(self._folder)
        statistics = {name: pixels.statistics() for name, pixels in self._pixels.items()}
        statistics |= {name: running.statistics() for name, running in self._statistics.items()}
        totals = layout.Totals(self._episodes.num_rows, self._num_frames, len(self._tasks), self._splits)
        layout.write_tasks(self._folder.place(layout.TASKS_FILE), list(self._tasks))
        texts = {
            layout.STATISTICS_FILE: layout.statistics_text(statistics),
            layout.PIXELS_FILE: layout.pixels_text(self._pixels),
            layout.INFO_FILE: layout.info_text(self.features, self.fps, self.robot_type, totals, self._limits),
        }
        for path, text in texts.items():
            self._folder.place(path).write_text(text, encoding="utf-8")

    def _bookkeeping(self, length: int, task_index: int) -> Mapping[str, Shaped[np.ndarray, "T 1"]]:
        frame_index = np.arange(length)
        columns: dict[str, np.ndarray] = {
            "timestamp": (frame_index / float(self.fps)).astype(np.float32),
            "frame_index": frame_index,
            "episode_index": np.full(length, self._episodes.num_rows),
            "index": self._num_frames + frame_index,
            "task_index": np.full(length, task_index),
        }
        return {name: values[:, None] for name, values in columns.items()}

    def _extended_splits(self, split: str) -> dict[str, range]:
        index, names = self._episodes.num_rows, list(self._splits)
        if split in names[:-1]:
            raise UnderstudyError(
                f"{self.root}: the episodes of a split must follow one another: {split!r} ended before {names[-1]!r}"
            )
        first = self._splits[split].start if split in names else index
        return {**self._splits, split: range(first, index + 1)}


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
