"""Reads the metadata of a LeRobot v3 data set; what is missing or does not fit is one line naming file and field."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from understudy.episodes import layout
from understudy.episodes.features import DTYPES, Feature
from understudy.episodes.statistics import Statistics
from understudy.errors import UnderstudyError

__all__ = ["Info", "read_episodes", "read_info", "read_statistics", "read_table", "read_tasks"]

_COUNTS = ("total_episodes", "total_frames", "total_tasks")


@dataclass(frozen=True)
class Info:
    """`meta/info.json`."""

    features: Mapping[str, Feature]
    """All columns and videos, LeRobot's bookkeeping included."""
    ignored: Mapping[str, str]
    """Features of types that are not read (text, images in parquet), with their type."""
    fps: Fraction
    """Frames per second; 29.97 is 30000/1001."""
    robot_type: str
    num_episodes: int
    num_frames: int
    num_tasks: int
    limits: layout.Limits
    splits: Mapping[str, str]
    """Ranges of episodes `first:end` by name."""
    data_path: str
    video_path: str | None

    def split_ranges(self, root: Path) -> dict[str, range]:
        """Episodes of each split of the data set at `root`.

        Raises:
            UnderstudyError: a split that is no range of the episodes.
        """
        result = {}
        for name, words in self.splits.items():
            first, _, end = str(words).partition(":")
            if not (first.isdecimal() and end.isdecimal() and int(first) <= int(end) <= self.num_episodes):
                raise UnderstudyError(
                    f"{root / layout.INFO_FILE}: splits.{name} is {words!r}, "
                    f"it must be 'first:end' within 0:{self.num_episodes}"
                )
            result[name] = range(int(first), int(end))
        return result

    def data_file(self, chunk: int, file: int) -> Path:
        """A data file, relative to the data set."""
        return Path(self.data_path.format(chunk_index=chunk, file_index=file))

    def video_file(self, name: str, chunk: int, file: int) -> Path:
        """An mp4 of a video feature, relative to the data set."""
        return Path(
            (self.video_path or layout.VIDEO_PATTERN).format(video_key=name, chunk_index=chunk, file_index=file)
        )


def read_info(root: Path) -> Info:
    """Read `meta/info.json`.

    Raises:
        UnderstudyError: no such file, another version of the format, or a field that is missing or makes no sense.
    """
    path = root / layout.INFO_FILE
    content = _read_json(path, "no LeRobot data set: it has no")
    version = content.get("codebase_version")
    if version != layout.CODEBASE_VERSION:
        raise UnderstudyError(
            f"{path}: codebase_version is {version!r}; only {layout.CODEBASE_VERSION!r} is read: "
            "convert the data set with LeRobot's own converter"
        )
    features, ignored = _features(path, _field(path, content, "features", dict))
    fps = _field(path, content, "fps", int | float)
    if not 0 < fps < 1000:
        raise UnderstudyError(f"{path}: fps is {fps}, it must lie between 0 and 1000")
    num_episodes, num_frames, num_tasks = (_field(path, content, name, int) for name in _COUNTS)
    return Info(
        features,
        ignored,
        Fraction(fps).limit_denominator(1001),
        str(content.get("robot_type") or "unknown"),
        num_episodes,
        num_frames,
        num_tasks,
        layout.Limits(
            content.get("data_files_size_in_mb", layout.Limits.data_mb),
            content.get("video_files_size_in_mb", layout.Limits.video_mb),
            content.get("chunks_size", layout.Limits.files_per_chunk),
        ),
        content.get("splits") or {"train": f"0:{num_episodes}"},
        _field(path, content, "data_path", str),
        content.get("video_path"),
    )


def read_episodes(root: Path) -> pa.Table:
    """The episodes table over all its files, in the order of `episode_index`.

    Raises:
        UnderstudyError: no file, a damaged one, a missing column, or indices that are not 0, 1, 2, ...
    """
    folder = root / layout.EPISODES_FOLDER
    paths = sorted(folder.glob("*/*.parquet"))
    if not paths:
        raise UnderstudyError(f"{folder}: no parquet file: the episodes table is missing")
    tables = [read_table(path) for path in paths]
    try:
        table = pa.concat_tables(tables, promote_options="default")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise UnderstudyError(f"{folder}: its files differ in columns or types: {_first_line(error)}") from error
    missing = [name for name in layout.EPISODE_FIELDS if name not in table.column_names]
    if missing:
        raise UnderstudyError(f"{paths[0]}: column {missing[0]} is missing")
    table = table.sort_by("episode_index")
    if not np.array_equal(table["episode_index"].to_numpy(), np.arange(table.num_rows)):
        raise UnderstudyError(f"{folder}: episode_index must be 0 to {table.num_rows - 1}, each once")
    return table


def read_tasks(root: Path) -> dict[str, int]:
    """Index of each task, by its words."""
    path = root / layout.TASKS_FILE
    table = read_table(path)
    names = [name for name in table.column_names if name != "task_index"]
    if "task_index" not in table.column_names or len(names) != 1:
        raise UnderstudyError(f"{path}: it must have the columns task_index and task, not {table.column_names}")
    return dict(zip(table[names[0]].to_pylist(), table["task_index"].to_pylist(), strict=True))


def read_statistics(root: Path) -> dict[str, Statistics]:
    """`meta/stats.json`: statistics over the whole data set, by feature."""
    path = root / layout.STATISTICS_FILE
    content = _read_json(path, "the statistics are missing: no")
    try:
        return {
            name: {key: np.array(value, dtype=np.float64) for key, value in values.items()}
            for name, values in content.items()
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise UnderstudyError(f"{path}: not numbers by feature and statistic: {_first_line(error)}") from error


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """A parquet file, or some of its columns; page checksums are verified.

    Raises:
        UnderstudyError: no such file, or a damaged one.
    """
    try:
        return pq.read_table(
            path, columns=columns, use_threads=False, page_checksum_verification=True, partitioning=None
        )
    except FileNotFoundError as error:
        raise UnderstudyError(f"{path}: no such file") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnderstudyError(f"{path}: damaged or no parquet file: {_first_line(error)}") from error


def _read_json(path: Path, if_missing: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UnderstudyError(f"{path.parent.parent}: {if_missing} {path.parent.name}/{path.name}") from error
    except (OSError, ValueError) as error:
        raise UnderstudyError(f"{path}: damaged, or no JSON: {_first_line(error)}") from error
    if not isinstance(content, dict):
        raise UnderstudyError(f"{path}: it must be a JSON object")
    return content


def _field(path: Path, content: Mapping[str, Any], name: str, kind: Any) -> Any:  # noqa: ANN401 - any JSON type
    value = content.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UnderstudyError(f"{path}: field {name} is {'missing' if value is None else repr(value)[:60]}")
    return value


def _features(path: Path, described: Mapping[str, Any]) -> tuple[dict[str, Feature], dict[str, str]]:
    features, ignored = {}, {}
    for name, entry in described.items():
        try:
            if entry["dtype"] not in DTYPES:
                ignored[name] = str(entry["dtype"])
                continue
            features[name] = Feature(
                entry["dtype"], tuple(entry["shape"]), _names(entry.get("names"), entry["shape"]), entry.get("mask")
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UnderstudyError(f"{path}: features.{name}: {_first_line(error)}") from error
    return features, ignored


def _names(names: Any, shape: list[int]) -> tuple[str, ...] | None:  # noqa: ANN401 - any JSON type
    """Names of the numbers; some writers group them as {"motors": [...]}, some name the axes of a vector."""
    if isinstance(names, dict):
        names = [name for group in names.values() for name in group]
    return tuple(names) if names and (len(names) == shape[0] or len(shape) == 3) else None


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
