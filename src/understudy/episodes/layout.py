"""Where things lie in a LeRobot v3 data set, and what its metadata files say."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from understudy.episodes.features import Feature, info_entry
from understudy.episodes.statistics import Statistics

__all__ = [
    "CODEBASE_VERSION",
    "DATA_FILE",
    "EPISODES_FOLDER",
    "EPISODE_FIELDS",
    "INFO_FILE",
    "METADATA_FIELD",
    "STATISTICS_FILE",
    "TASKS_FILE",
    "VIDEO_PATTERN",
    "Limits",
    "Totals",
    "episode_row",
    "video_file",
    "write_episodes",
    "write_info",
    "write_statistics",
    "write_tasks",
]

CODEBASE_VERSION = "v3.0"
INFO_FILE = Path("meta/info.json")
TASKS_FILE = Path("meta/tasks.parquet")
STATISTICS_FILE = Path("meta/stats.json")
EPISODES_FOLDER = Path("meta/episodes")
EPISODES_FILE = EPISODES_FOLDER / "chunk-000/file-000.parquet"
EPISODE_FIELDS = ("episode_index", "tasks", "length", "data/chunk_index", "data/file_index", "dataset_from_index")
"""Columns of the episodes table without which nothing can be read."""
METADATA_FIELD = "metadata"
"""Our column of the episodes table: what the recorder knows about the episode, as JSON. LeRobot leaves it alone."""

DATA_PATTERN = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATTERN = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
DATA_FILE = Path(DATA_PATTERN.format(chunk_index=0, file_index=0))


@dataclass(frozen=True)
class Limits:
    """When a new file and a new chunk (folder) are begun; the defaults are LeRobot's."""

    data_mb: float = 100
    """Size of a data file [MB of 2^20 bytes]."""
    video_mb: float = 200
    """Size of an mp4 [MB of 2^20 bytes]."""
    files_per_chunk: int = 1000


def video_file(name: str) -> Path:
    """The mp4 of a video feature, relative to the data set."""
    return Path(VIDEO_PATTERN.format(video_key=name, chunk_index=0, file_index=0))


@dataclass(frozen=True)
class Totals:
    """Counts over the whole data set."""

    num_episodes: int
    num_frames: int
    num_tasks: int


def write_info(root: Path, features: Mapping[str, Feature], fps: Fraction, robot_type: str, totals: Totals) -> None:
    """`meta/info.json`: what readers look at first, so it is written last."""
    rate = int(fps) if fps.denominator == 1 else float(fps)
    info = {
        "codebase_version": CODEBASE_VERSION,
        "robot_type": robot_type,
        "total_episodes": totals.num_episodes,
        "total_frames": totals.num_frames,
        "total_tasks": totals.num_tasks,
        "chunks_size": Limits.files_per_chunk,
        "data_files_size_in_mb": Limits.data_mb,
        "video_files_size_in_mb": Limits.video_mb,
        "fps": rate,
        "splits": {"train": f"0:{totals.num_episodes}"},
        "data_path": DATA_PATTERN,
        "video_path": VIDEO_PATTERN,
        "features": {name: info_entry(feature, rate) for name, feature in features.items()},
    }
    (root / INFO_FILE).write_text(json.dumps(info, indent=4) + "\n", encoding="utf-8")


def episode_row(
    episode_index: int,
    task: str,
    first_index: int,
    length: int,
    duration_s: Fraction,
    video_ends_s: Mapping[str, Fraction],
    statistics: Mapping[str, Statistics],
) -> dict:
    """One row of the episodes table; `video_ends_s` is where the episode ends inside each mp4 [s]."""
    row: dict = {
        "episode_index": episode_index,
        "tasks": [task],
        "length": length,
        "data/chunk_index": 0,
        "data/file_index": 0,
        "dataset_from_index": first_index,
        "dataset_to_index": first_index + length,
    }
    for name, end_s in video_ends_s.items():
        row[f"videos/{name}/chunk_index"] = row[f"videos/{name}/file_index"] = 0
        row[f"videos/{name}/from_timestamp"] = float(end_s - duration_s)
        row[f"videos/{name}/to_timestamp"] = float(end_s)
    for name, values in statistics.items():
        row |= {f"stats/{name}/{key}": value.tolist() for key, value in values.items()}
    return row | {"meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0}


def write_episodes(root: Path, rows: list[dict]) -> None:
    """`meta/episodes`: one row per episode."""
    path = root / EPISODES_FILE
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


def write_statistics(root: Path, statistics: Mapping[str, Statistics]) -> None:
    """`meta/stats.json`: per feature, over all episodes."""
    plain = {name: {key: value.tolist() for key, value in values.items()} for name, values in statistics.items()}
    (root / STATISTICS_FILE).write_text(json.dumps(plain, indent=4) + "\n", encoding="utf-8")


def write_tasks(root: Path, tasks: Mapping[str, int]) -> None:
    """`meta/tasks.parquet`: a pandas frame with the task as its index, written without pandas."""

    def column(name: str, pandas_type: str, numpy_type: str) -> dict:
        return {
            "name": name,
            "field_name": name,
            "pandas_type": pandas_type,
            "numpy_type": numpy_type,
            "metadata": None,
        }

    header = {"name": None, "field_name": None, "pandas_type": "unicode", "numpy_type": "object"}
    pandas = {
        "index_columns": ["task"],
        "column_indexes": [header | {"metadata": {"encoding": "UTF-8"}}],
        "columns": [column("task_index", "int64", "int64"), column("task", "unicode", "object")],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.0.0",
    }
    table = pa.table({"task_index": pa.array(tasks.values(), pa.int64()), "task": pa.array(tasks.keys(), pa.string())})
    path = root / TASKS_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({"pandas": json.dumps(pandas)}), path)
