"""Checks of `meta/`: do info, tasks, episodes table and statistics make sense and fit each other?"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from understudy.episodes import layout
from understudy.episodes.features import BOOKKEEPING, Feature
from understudy.episodes.metadata import Info, is_text, metadata_object
from understudy.episodes.problem import BadDataSet, Problem
from understudy.episodes.statistics import QUANTILES, Statistics

__all__ = ["check_episodes", "check_info", "check_statistics", "check_tasks"]

_KEYS = ("min", "max", "mean", "std", "count")
_TIME_TOLERANCE_S = 1e-3


def check_info(root: Path, info: Info) -> Iterator[Problem]:
    """Features, masks and splits."""
    path = root / layout.INFO_FILE
    for name, feature in BOOKKEEPING.items():
        found = info.features.get(name)
        if found is None:
            yield Problem(path, f"features.{name}", "is missing: every LeRobot data set has it")
        elif (found.dtype, found.shape) != (feature.dtype, feature.shape):
            yield Problem(
                path, f"features.{name}", f"is {found.dtype} {list(found.shape)}, must be {feature.dtype} [1]"
            )
    for name, feature in info.features.items():
        mask = info.features.get(feature.mask) if feature.mask else None
        if feature.mask and (mask is None or mask.dtype != "bool" or mask.shape != (1,)):
            yield Problem(path, f"features.{name}.mask", f"{feature.mask} is no feature of type bool and shape [1]")
    if info.video_path is None and any(feature.is_video for feature in info.features.values()):
        yield Problem(path, "video_path", "is missing")
    try:
        ranges = sorted(info.split_ranges(root).items(), key=lambda item: item[1].start)
    except BadDataSet as error:
        yield error.problem
        return
    for (name, episodes), (other, others) in pairwise(ranges):
        if others.start < episodes.stop:
            yield Problem(path, f"splits.{other}", f"overlaps with {name}: both hold episode {others.start}")


def check_tasks(root: Path, info: Info, tasks: Mapping[str, int]) -> Iterator[Problem]:
    """Number and indices of the tasks."""
    if info.num_tasks != len(tasks):
        message = f"is {info.num_tasks}, {layout.TASKS_FILE} has {len(tasks)} rows"
        yield Problem(root / layout.INFO_FILE, "total_tasks", message)
    if sorted(tasks.values()) != list(range(len(tasks))):
        yield Problem(root / layout.TASKS_FILE, "task_index", f"must be 0 to {len(tasks) - 1}, each once")
    if any(not isinstance(task, str) or not task for task in tasks):
        yield Problem(root / layout.TASKS_FILE, "task", "must be words in every row")


def check_episodes(root: Path, info: Info, table: pa.Table, tasks: Mapping[str, int]) -> tuple[bool, list[Problem]]:
    """The episodes table; whether it is too broken to look further, and what is wrong."""
    folder = root / layout.EPISODES_FOLDER
    problems = list(_missing_columns(folder, info, table))
    if problems:
        return True, problems
    if table.num_rows != info.num_episodes:
        message = f"is {info.num_episodes}, the episodes table has {table.num_rows} rows"
        problems.append(Problem(root / layout.INFO_FILE, "total_episodes", message))
    lengths, first = table["length"].to_numpy(), table["dataset_from_index"].to_numpy()
    if info.num_frames != lengths.sum():
        message = f"is {info.num_frames}, the lengths of the episodes make {lengths.sum()}"
        problems.append(Problem(root / layout.INFO_FILE, "total_frames", message))
    expected = {"dataset_from_index": np.cumsum(lengths) - lengths}
    if "dataset_to_index" in table.column_names:
        expected["dataset_to_index"] = first + lengths
    for name, values in expected.items():
        problems += _unequal(folder, name, table[name].to_numpy(), values)
    if (lengths < 1).any():
        index = int(np.flatnonzero(lengths < 1)[0])
        problems.append(Problem(folder, "length", f"is {lengths[index]} in episode {index}"))
        return True, problems
    for index, names in enumerate(table["tasks"].to_pylist()):
        unknown = [name for name in (names or [""]) if name not in tasks]
        if unknown:
            problems.append(
                Problem(folder, "tasks", f"{unknown[0]!r} of episode {index} is not in {layout.TASKS_FILE}")
            )
            break
    problems += _no_metadata(folder, table)
    for name, feature in info.features.items():
        if feature.is_video:
            span_s = table[f"videos/{name}/to_timestamp"].to_numpy() - table[f"videos/{name}/from_timestamp"].to_numpy()
            wanted_s = lengths / float(info.fps)
            problems += _unequal(folder, f"videos/{name}/to_timestamp", span_s, wanted_s, _TIME_TOLERANCE_S)
    return False, problems


def _no_metadata(folder: Path, table: pa.Table) -> Iterator[Problem]:
    """The first episode whose metadata cannot be read."""
    rows = table[layout.METADATA_FIELD].to_pylist() if layout.METADATA_FIELD in table.column_names else []
    for index, text in enumerate(rows):
        if metadata_object(text) is None:
            yield Problem(
                folder, layout.METADATA_FIELD, f"must be a JSON object, it is {text!r:.60} in episode {index}"
            )
            return


def _missing_columns(folder: Path, info: Info, table: pa.Table) -> Iterator[Problem]:
    videos = [name for name, feature in info.features.items() if feature.is_video]
    wanted = [*layout.EPISODE_FIELDS]
    for name in videos:
        wanted += [
            f"videos/{name}/{field}" for field in ("chunk_index", "file_index", "from_timestamp", "to_timestamp")
        ]
    wanted += [name for name in ("dataset_to_index",) if name in table.column_names]
    for name in wanted:
        if name not in table.column_names:
            yield Problem(folder, name, "the column is missing")
            continue
        kind = table[name].type
        numbers = pa.types.is_integer(kind) or (name.endswith("_timestamp") and pa.types.is_floating(kind))
        if name == "tasks":
            if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or not is_text(kind.value_type):
                yield Problem(folder, name, f"must be lists of words, it is {kind}")
        elif table[name].null_count or not numbers:
            yield Problem(folder, name, f"must be numbers without gaps, it is {kind}")


def _unequal(
    folder: Path, name: str, found: np.ndarray, wanted: np.ndarray, tolerance: float = 0.0
) -> Iterator[Problem]:
    off = np.flatnonzero(~(np.abs(found - wanted) <= tolerance))
    if off.size:
        index = int(off[0])
        more = f" ({off.size} episodes)" if off.size > 1 else ""
        yield Problem(
            folder, name, f"does not fit the lengths in episode {index}: {found[index]}, not {wanted[index]}{more}"
        )


def check_statistics(root: Path, info: Info, stored: Mapping[str, Statistics]) -> Iterator[Problem]:
    """Completeness of `meta/stats.json`; whether the numbers are right is for `data_checks`."""
    path = root / layout.STATISTICS_FILE
    for name, feature in info.features.items():
        if name not in stored:
            if name not in BOOKKEEPING:
                yield Problem(path, name, "the statistics of this feature are missing")
            continue
        missing = [key for key in _KEYS if key not in stored[name]]
        if missing:
            yield Problem(path, f"{name}.{missing[0]}", "is missing")
            continue
        yield from _sane(path, name, feature, stored[name])


def _sane(path: Path, name: str, feature: Feature, values: Statistics) -> Iterator[Problem]:
    shape = (3, 1, 1) if feature.is_video else feature.shape
    for key in (*_KEYS, *QUANTILES):
        if key in values and key != "count" and values[key].shape != shape:
            yield Problem(path, f"{name}.{key}", f"has the shape {list(values[key].shape)}, not {list(shape)}")
            return
        if key in values and not np.isfinite(values[key]).all():
            yield Problem(path, f"{name}.{key}", "is not finite")
            return
    slack = 1e-6 * (1 + np.abs(values["max"] - values["min"]))
    order = [key for key in ("min", *QUANTILES, "max") if key in values]
    for key, other in pairwise(order):
        if (values[key] > values[other] + slack).any():
            yield Problem(path, f"{name}.{key}", f"is above {other}")
            return
