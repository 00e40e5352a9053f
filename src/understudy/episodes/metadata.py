"""Reads the metadata of a LeRobot v3 data set; what is missing or does not fit is one line naming file and field."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from understudy.episodes import layout
from understudy.episodes.features import DTYPES, Feature
from understudy.episodes.frame_rate import exact_rate
from understudy.episodes.problem import BadDataSet
from understudy.episodes.statistics import Statistics

__all__ = [
    "Info",
    "is_text",
    "metadata_object",
    "read_episodes",
    "read_info",
    "read_statistics",
    "read_table",
    "read_tasks",
]

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
            BadDataSet: a split that is no range of the episodes.
        """
        result = {}
        for name, words in self.splits.items():
            first, _, end = words.partition(":")
            if not (first.isdecimal() and end.isdecimal() and int(first) <= int(end) <= self.num_episodes):
                message = f"is {words!r}, it must be 'first:end' within 0:{self.num_episodes}"
                raise BadDataSet(root / layout.INFO_FILE, f"splits.{name}", message)
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
        BadDataSet: no such file, another version of the format, or a field that is missing or makes no sense.
    """
    path = root / layout.INFO_FILE
    content = _read_json(path, "this is no LeRobot v3 data set")
    version = content.get("codebase_version")
    if version != layout.CODEBASE_VERSION:
        message = f"is {version!r}, only {layout.CODEBASE_VERSION!r} is read: convert it with LeRobot's own converter"
        raise BadDataSet(path, "codebase_version", message)
    features, ignored = _features(path, _field(path, content, "features", dict))
    fps = _field(path, content, "fps", int | float)
    if not 0.01 <= fps < 1000:
        raise BadDataSet(path, "fps", f"is {fps}, it must lie between 0.01 and 1000")
    num_episodes, num_frames, num_tasks = (_field(path, content, name, int) for name in _COUNTS)
    splits = _field(path, {"splits": {"train": f"0:{num_episodes}"}, **content}, "splits", dict)
    return Info(
        features,
        ignored,
        exact_rate(fps),
        str(content.get("robot_type") or "unknown"),
        num_episodes,
        num_frames,
        num_tasks,
        _limits(path, content),
        {name: str(words) for name, words in splits.items()},
        _pattern(path, content, "data_path"),
        None if content.get("video_path") is None else _pattern(path, content, "video_path"),
    )


def read_episodes(root: Path) -> pa.Table:
    """The episodes table over all its files, in the order of `episode_index`.

    Raises:
        BadDataSet: no file, a damaged one, a missing column, or indices that are not 0, 1, 2, ...
    """
    folder = root / layout.EPISODES_FOLDER
    paths = sorted(folder.glob("*/*.parquet"))
    if not paths:
        raise BadDataSet(folder, "", "no parquet file: the episodes table is missing")
    tables = [read_table(path) for path in paths]
    try:
        table = pa.concat_tables(tables, promote_options="default")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise BadDataSet(folder, "", f"its files differ in columns or types: {_first_line(error)}") from error
    missing = [name for name in layout.EPISODE_FIELDS if name not in table.column_names]
    if missing:
        raise BadDataSet(paths[0], missing[0], "the column is missing")
    _check_type(folder, table, "episode_index", pa.types.is_integer, "whole numbers")
    table = table.sort_by("episode_index")
    if not np.array_equal(table["episode_index"].to_numpy(), np.arange(table.num_rows)):
        raise BadDataSet(folder, "episode_index", f"must be 0 to {table.num_rows - 1}, each once")
    return table


def read_tasks(root: Path) -> dict[str, int]:
    """Index of each task, by its words."""
    path = root / layout.TASKS_FILE
    table = read_table(path)
    names = [name for name in table.column_names if name != "task_index"]
    if "task_index" not in table.column_names or len(names) != 1:
        raise BadDataSet(path, "task_index", f"there must be task_index and task, not {table.column_names}")
    _check_type(path, table, "task_index", pa.types.is_integer, "whole numbers")
    _check_type(path, table, names[0], is_text, "words")
    return dict(zip(table[names[0]].to_pylist(), table["task_index"].to_pylist(), strict=True))


def metadata_object(text: object) -> dict[str, Any] | None:
    """What our column of the episodes table says of an episode; empty where it is empty, None where it is no object."""
    if text is None or text == "":
        return {}
    try:
        content = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of that type holds text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _check_type(path: Path, table: pa.Table, name: str, fits: Callable[[pa.DataType], bool], wanted: str) -> None:
    column = table[name]
    if column.null_count or not fits(column.type):
        gaps = " with gaps" if column.null_count else ""
        raise BadDataSet(path, name, f"must be {wanted} without gaps, it is {column.type}{gaps}")


def read_statistics(root: Path) -> dict[str, Statistics]:
    """`meta/stats.json`: statistics over the whole data set, by feature."""
    path = root / layout.STATISTICS_FILE
    content = _read_json(path, "the statistics are missing")
    try:
        return {
            name: {key: np.array(value, dtype=np.float64) for key, value in values.items()}
            for name, values in content.items()
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise BadDataSet(path, "", f"not numbers by feature and statistic: {_first_line(error)}") from error


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """A parquet file, or some of its columns; page checksums are verified.

    Raises:
        BadDataSet: no such file, or a damaged one.
    """
    try:
        return pq.read_table(
            path, columns=columns, use_threads=False, page_checksum_verification=True, partitioning=None
        )
    except FileNotFoundError as error:
        raise BadDataSet(path, "", "no such file") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadDataSet(path, "", f"damaged or no parquet file: {_first_line(error)}") from error


def _read_json(path: Path, if_missing: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadDataSet(path, "", f"no such file: {if_missing}") from error
    except (OSError, ValueError) as error:
        raise BadDataSet(path, "", f"damaged or no JSON: {_first_line(error)}") from error
    if not isinstance(content, dict):
        raise BadDataSet(path, "", "must be a JSON object")
    return content


def _field(path: Path, content: Mapping[str, Any], name: str, kind: Any) -> Any:  # noqa: ANN401 - any JSON type
    value = content.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        wanted = kind.__name__ if isinstance(kind, type) else "number"
        raise BadDataSet(path, name, f"is {'missing' if value is None else repr(value)[:60]}, it must be a {wanted}")
    return value


def _limits(path: Path, content: Mapping[str, Any]) -> layout.Limits:
    default = layout.Limits()
    names = ("data_files_size_in_mb", "video_files_size_in_mb", "chunks_size")
    defaults = (default.data_mb, default.video_mb, default.files_per_chunk)
    content = {**dict(zip(names, defaults, strict=True)), **content}
    for name, kind in zip(names, (int | float, int | float, int), strict=True):
        if _field(path, content, name, kind) <= 0:
            raise BadDataSet(path, name, f"is {content[name]}, it must be positive")
    return layout.Limits(*(content[name] for name in names))


def _pattern(path: Path, content: Mapping[str, Any], name: str) -> str:
    pattern = str(_field(path, content, name, str))
    try:
        pattern.format(video_key="", chunk_index=0, file_index=0)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        message = f"is {pattern!r}, it may hold video_key, chunk_index and file_index"
        raise BadDataSet(path, name, message) from error
    return pattern


def _features(path: Path, described: Mapping[str, Any]) -> tuple[dict[str, Feature], dict[str, str]]:
    features, ignored = {}, {}
    for name, entry in described.items():
        try:
            if entry["dtype"] not in DTYPES:
                ignored[name] = str(entry["dtype"])
                continue
            features[name] = _feature(entry)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise BadDataSet(path, f"features.{name}", _first_line(error)) from error
    return features, ignored


def _feature(entry: Mapping[str, Any]) -> Feature:
    shape, mask = entry["shape"], entry.get("mask")
    if not isinstance(shape, list) or not all(type(length) is int for length in shape):
        raise ValueError(f"its shape is {shape!r}, it must be a list of whole numbers")
    if not isinstance(mask, str | None):
        raise ValueError(f"its mask is {mask!r}, it must be the name of a feature")
    return Feature(entry["dtype"], tuple(shape), _names(entry.get("names"), shape), mask)


def _names(names: Any, shape: list[int]) -> tuple[str, ...] | None:  # noqa: ANN401 - any JSON type
    """Names of the numbers; some writers group them as {"motors": [...]}, some name the axes of a vector."""
    if isinstance(names, dict):
        names = [name for group in names.values() for name in group]
    return tuple(map(str, names)) if names and (len(names) == shape[0] or len(shape) == 3) else None


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
