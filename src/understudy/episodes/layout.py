"""Where things lie in a LeRobot v3 data set, and what its metadata files say."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from understudy.episodes.features import Feature, info_entry
from understudy.episodes.statistics import PixelHistogram, Statistics

__all__ = [
    "CODEBASE_VERSION",
    "DATA_PATTERN",
    "EPISODES_FOLDER",
    "EPISODE_FIELDS",
    "INFO_FILE",
    "METADATA_FIELD",
    "PIXELS_FILE",
    "STATISTICS_FILE",
    "TASKS_FILE",
    "VIDEO_PATTERN",
    "FilePlace",
    "Limits",
    "Totals",
    "checksum_field",
    "data_file",
    "episode_row",
    "episodes_file",
    "info_text",
    "pixels_text",
    "statistics_text",
    "video_file",
    "write_tasks",
]

CODEBASE_VERSION = "v3.0"
INFO_FILE = Path("meta/info.json")
TASKS_FILE = Path("meta/tasks.parquet")
STATISTICS_FILE = Path("meta/stats.json")
PIXELS_FILE = Path("meta/pixel_histograms.json")
"""Ours: how often each level occurs in the original frames, without which statistics could not be continued exactly."""
EPISODES_FOLDER = Path("meta/episodes")
EPISODE_FIELDS = ("episode_index", "tasks", "length", "data/chunk_index", "data/file_index", "dataset_from_index")
"""Columns of the episodes table without which nothing can be read."""
METADATA_FIELD = "metadata"
"""Our column of the episodes table: what the recorder knows about the episode, as JSON. LeRobot leaves it alone."""

DATA_PATTERN = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATTERN = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"


@dataclass(frozen=True)
class Limits:
    """When a new file and a new chunk (folder) are begun; the defaults are LeRobot's."""

    data_mb: float | int = 100
    """Size of a data file [MB of 2^20 bytes]."""
    video_mb: float | int = 200
    """Size of an mp4 [MB of 2^20 bytes]."""
    files_per_chunk: int = 1000

    def place(self, number: int) -> "FilePlace":
        """Where the file of that number goes."""
        return FilePlace(*divmod(number, self.files_per_chunk))

    def number(self, place: "FilePlace") -> int:
        """The reverse of `place`."""
        return place.chunk * self.files_per_chunk + place.file


@dataclass(frozen=True, order=True)
class FilePlace:
    """Chunk and number of a file in it."""

    chunk: int
    file: int


def data_file(place: FilePlace) -> Path:
    """A data file, relative to the data set."""
    return Path(DATA_PATTERN.format(chunk_index=place.chunk, file_index=place.file))


def video_file(name: str, place: FilePlace) -> Path:
    """An mp4 of a video feature, relative to the data set."""
    return Path(VIDEO_PATTERN.format(video_key=name, chunk_index=place.chunk, file_index=place.file))


def checksum_field(name: str) -> str:
    """Our column of the episodes table with `VideoFile.checksum` over the episode's frames of a video feature."""
    return f"crc32/{name}"


def episodes_file(place: FilePlace) -> Path:
    """A file of the episodes table, relative to the data set."""
    return EPISODES_FOLDER / f"chunk-{place.chunk:03d}/file-{place.file:03d}.parquet"


@dataclass(frozen=True)
class Totals:
    """Counts over the whole data set."""

    num_episodes: int
    num_frames: int
    num_tasks: int
    splits: Mapping[str, range] = field(default_factory=dict)
    """Episodes of each split."""


def info_text(
    features: Mapping[str, Feature], fps: Fraction, robot_type: str, totals: Totals, limits: Limits | None = None
) -> str:
    """`meta/info.json`: what readers look at first."""
    rate = int(fps) if fps.denominator == 1 else float(fps)
    limits = limits or Limits()
    info = {
        "codebase_version": CODEBASE_VERSION,
        "robot_type": robot_type,
        "total_episodes": totals.num_episodes,
        "total_frames": totals.num_frames,
        "total_tasks": totals.num_tasks,
        "chunks_size": limits.files_per_chunk,
        "data_files_size_in_mb": limits.data_mb,
        "video_files_size_in_mb": limits.video_mb,
        "fps": rate,
        "splits": {name: f"{episodes.start}:{episodes.stop}" for name, episodes in totals.splits.items()},
        "data_path": DATA_PATTERN,
        "video_path": VIDEO_PATTERN if any(feature.is_video for feature in features.values()) else None,
        "features": {name: info_entry(feature, rate) for name, feature in features.items()},
    }
    return json.dumps(info, indent=4) + "\n"


def episode_row(
    episode_index: int,
    task: str,
    first_index: int,
    length: int,
    data: FilePlace,
    videos: Mapping[str, tuple[FilePlace, Fraction]],
    fps: Fraction,
    statistics: Mapping[str, Statistics],
    metadata: Mapping[str, Any],
    checksums: Mapping[str, int],
) -> dict:
    """One row of the episodes table; `videos` says in which mp4 the episode lies and where it begins there [s]."""
    row: dict = {
        "episode_index": episode_index,
        "tasks": [task],
        "length": length,
        "data/chunk_index": data.chunk,
        "data/file_index": data.file,
        "dataset_from_index": first_index,
        "dataset_to_index": first_index + length,
    }
    for name, (place, start_s) in videos.items():
        row[f"videos/{name}/chunk_index"], row[f"videos/{name}/file_index"] = place.chunk, place.file
        row[f"videos/{name}/from_timestamp"] = float(start_s)
        row[f"videos/{name}/to_timestamp"] = float(start_s + length / fps)
    for name, values in statistics.items():
        row |= {f"stats/{name}/{key}": value.tolist() for key, value in values.items()}
    row |= {"meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0}
    row |= {METADATA_FIELD: json.dumps(dict(metadata))}
    return row | {checksum_field(name): checksum for name, checksum in checksums.items()}


def statistics_text(statistics: Mapping[str, Statistics]) -> str:
    """`meta/stats.json`: per feature, over all episodes."""
    plain = {name: {key: value.tolist() for key, value in values.items()} for name, values in statistics.items()}
    return json.dumps(plain, indent=4) + "\n"


def pixels_text(pixels: Mapping[str, PixelHistogram]) -> str:
    """`meta/pixel_histograms.json`: per video feature, counts of 256 levels for each of three channels."""
    return json.dumps({name: {"frames": p.num_frames, "counts": p.counts.tolist()} for name, p in pixels.items()})


def write_tasks(path: Path, tasks: Sequence[str]) -> None:
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
    table = pa.table({"task_index": pa.array(np.arange(len(tasks))), "task": pa.array(tasks, pa.string())})
    pq.write_table(table.replace_schema_metadata({"pandas": json.dumps(pandas)}), path, write_page_checksum=True)
