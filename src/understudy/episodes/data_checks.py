"""Checks of `data/`: every value of every file against the episodes table, the tasks and the statistics."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from understudy.episodes import layout
from understudy.episodes.features import BOOKKEEPING, Feature, column_values
from understudy.episodes.metadata import Info, read_table
from understudy.episodes.problem import BadDataSet, Problem
from understudy.episodes.running_statistics import RunningStatistics
from understudy.episodes.statistics import Statistics

__all__ = ["check_data"]

_TIME_TOLERANCE_S = 1e-4
"""LeRobot's own."""
_STATISTICS_TOLERANCE = 1e-5
"""Of the feature's range: other programs compute in single precision."""


def check_data(
    root: Path, info: Info, table: pa.Table, tasks: Mapping[str, int], stored: Mapping[str, Statistics]
) -> Iterator[Problem]:
    """All data files, and `meta/stats.json` against what they hold."""
    numeric = {name: feature for name, feature in info.features.items() if not feature.is_video}
    running = {name: RunningStatistics(f.shape[0], np.dtype(f.dtype)) for name, f in numeric.items()}
    chunks, files = table["data/chunk_index"].to_numpy(), table["data/file_index"].to_numpy()
    known, complete = set(), True
    for chunk, file in sorted(set(zip(chunks.tolist(), files.tolist(), strict=True))):
        path = root / info.data_file(chunk, file)
        known.add(path)
        episodes = np.flatnonzero((chunks == chunk) & (files == file))
        columns, problems = _read(path, numeric, int(table["length"].to_numpy()[episodes].sum()))
        yield from problems
        if problems:
            complete = False
            continue
        yield from _check_bookkeeping(path, info, table, tasks, episodes, columns)
        for name, values in columns.items():
            mask = numeric[name].mask
            bad = np.flatnonzero(~np.isfinite(values).all(1))
            if bad.size:
                complete = False
                yield Problem(path, name, f"is not finite in row {bad[0]} ({bad.size} rows)")
            elif mask in columns and columns[mask].dtype == bool:
                running[name].add(values, columns[mask][:, 0])
            else:
                running[name].add(values)
    for path in sorted(root.glob("data/*/*.parquet")):
        if path not in known:
            yield Problem(path, "", "belongs to no episode, yet LeRobot reads it")
    if complete:
        yield from _check_statistics(root, stored, {name: r.statistics() for name, r in running.items()})


def _read(path: Path, numeric: Mapping[str, Feature], rows: int) -> tuple[dict[str, np.ndarray], list[Problem]]:
    try:
        table = read_table(path)
    except BadDataSet as error:
        return {}, [error.problem]
    problems, columns = [], {}
    for name, feature in numeric.items():
        values = column_values(table[name], feature) if name in table.column_names else None
        if name not in table.column_names:
            problems.append(Problem(path, name, "the column is missing"))
        elif values is None:
            gaps = ", with gaps" if table[name].null_count else ""
            message = f"is {table[name].type}{gaps}; {layout.INFO_FILE} says {feature.dtype} {list(feature.shape)}"
            problems.append(Problem(path, name, message))
        else:
            columns[name] = values
    if table.num_rows != rows:
        problems.append(Problem(path, "", f"has {table.num_rows} rows, its episodes have {rows} frames"))
    return columns, problems


def _check_bookkeeping(
    path: Path,
    info: Info,
    table: pa.Table,
    tasks: Mapping[str, int],
    episodes: np.ndarray,
    columns: Mapping[str, np.ndarray],
) -> Iterator[Problem]:
    """LeRobot's own columns: they follow from the episodes table."""
    lengths = table["length"].to_numpy()[episodes]
    frame_index = np.concatenate([np.arange(length) for length in lengths])
    possible = [[tasks[name] for name in names or () if name in tasks] for names in table["tasks"].to_pylist()]
    wanted = {
        "frame_index": frame_index,
        "episode_index": np.repeat(episodes, lengths),
        "index": np.repeat(table["dataset_from_index"].to_numpy()[episodes], lengths) + frame_index,
        "timestamp": frame_index / float(info.fps),
    }
    for name in BOOKKEEPING:
        if name not in columns:
            continue
        found = columns[name][:, 0]
        if name == "task_index":
            of_row = np.repeat(episodes, lengths)
            off = np.array([index not in possible[episode] for index, episode in zip(found, of_row, strict=True)])
            names = "one of the episode's tasks"
        else:
            off = ~(np.abs(found - wanted[name]) <= (_TIME_TOLERANCE_S if name == "timestamp" else 0))
            names = ""
        if off.any():
            row = int(np.flatnonzero(off)[0])
            right = names or f"{wanted[name][row]:g}"
            yield Problem(path, name, f"is {float(found[row]):g} in row {row}, it must be {right} ({off.sum()} rows)")


def _check_statistics(
    root: Path, stored: Mapping[str, Statistics], found: Mapping[str, Statistics]
) -> Iterator[Problem]:
    """Other programs estimate quantiles, so they are compared in our own data sets only."""
    path = root / layout.STATISTICS_FILE
    ours = (root / layout.PIXELS_FILE).exists()
    for name, right in found.items():
        given = stored.get(name, {})
        scale = 1 + np.abs(right["max"] - right["min"])
        for key, value in right.items():
            if key not in given or (key.startswith("q") and not ours) or given[key].shape != value.shape:
                continue
            off = np.flatnonzero(~(np.abs(given[key] - value) <= _STATISTICS_TOLERANCE * scale))
            if off.size:
                i = int(off[0])
                message = f"is {given[key][i]:g} for number {i}, the data has {value[i]:g}"
                yield Problem(path, f"{name}.{key}", message)
                break
