"""What a writer has to know of a data set to continue it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa

from understudy.episodes import layout
from understudy.episodes.features import Feature, column_values
from understudy.episodes.layout import FilePlace, Limits
from understudy.episodes.metadata import Info, is_text, read_episodes, read_info, read_table, read_tasks
from understudy.episodes.problem import BadDataSet
from understudy.episodes.running_statistics import RunningStatistics
from understudy.episodes.statistics import PixelHistogram

__all__ = ["Stored", "read_stored"]


@dataclass
class Stored:
    """The state of a data set; of an empty one by default."""

    limits: Limits = field(default_factory=Limits)
    episodes: pa.Table | None = None
    tasks: dict[str, int] = field(default_factory=dict)
    splits: dict[str, range] = field(default_factory=dict)
    num_frames: int = 0
    pixels: dict[str, PixelHistogram] = field(default_factory=dict)
    statistics: dict[str, RunningStatistics] = field(default_factory=dict)
    files: set[FilePlace] = field(default_factory=set)
    """Places in use, of any kind of file."""


def read_stored(root: Path, features: Mapping[str, Feature], fps: Fraction, robot_type: str) -> Stored:
    """Read the data set at `root` for a writer of these features.

    Raises:
        BadDataSet: it has other features, fps or robot_type, is damaged, or was written by another program.
    """
    info = read_info(root)
    _check_same(root / layout.INFO_FILE, info, features, fps, robot_type)
    episodes = read_episodes(root)
    if layout.METADATA_FIELD not in episodes.column_names or not is_text(episodes[layout.METADATA_FIELD].type):
        message = "the column is missing or no text: another program wrote this; convert it before adding to it"
        raise BadDataSet(root / layout.EPISODES_FOLDER, layout.METADATA_FIELD, message)
    for name, feature in features.items():
        if feature.is_video and layout.checksum_field(name) not in episodes.column_names:
            nothing = pa.nulls(episodes.num_rows, pa.int64())
            episodes = episodes.append_column(layout.checksum_field(name), nothing)
    files = {
        FilePlace(*place)
        for prefix in ("data", *(f"videos/{name}" for name, feature in features.items() if feature.is_video))
        for place in zip(
            episodes[f"{prefix}/chunk_index"].to_pylist(), episodes[f"{prefix}/file_index"].to_pylist(), strict=True
        )
    }
    statistics = _statistics(root, info, episodes)
    return Stored(
        info.limits,
        episodes,
        read_tasks(root),
        info.split_ranges(root),
        info.num_frames,
        _pixels(root, features),
        statistics,
        files,
    )


def _check_same(path: Path, info: Info, features: Mapping[str, Feature], fps: Fraction, robot_type: str) -> None:
    if info.fps != fps:
        raise BadDataSet(path, "fps", f"is {float(info.fps):g}, the new episodes have {float(fps):g}")
    if info.robot_type != robot_type:
        raise BadDataSet(path, "robot_type", f"is {info.robot_type!r}, the new episodes have {robot_type!r}")
    for name in sorted({*info.features, *features}):
        old, new = info.features.get(name), features.get(name)
        if old != new:
            raise BadDataSet(path, f"features.{name}", f"is {_shown(old)}, the new episodes have {_shown(new)}")


def _shown(feature: Feature | None) -> str:
    if feature is None:
        return "not there"
    names = f" ({', '.join(feature.names)})" if feature.names else ""
    return f"{feature.dtype} {list(feature.shape)}{names}" + (f" with mask {feature.mask}" if feature.mask else "")


def _pixels(root: Path, features: Mapping[str, Feature]) -> dict[str, PixelHistogram]:
    path = root / layout.PIXELS_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {
            name: PixelHistogram(
                np.array(content[name]["counts"], dtype=np.int64).reshape(3, 256), int(content[name]["frames"])
            )
            for name, feature in features.items()
            if feature.is_video
        }
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BadDataSet(path, "", f"missing or damaged, so statistics cannot be continued: {error}") from error


def _statistics(root: Path, info: Info, episodes: pa.Table) -> dict[str, RunningStatistics]:
    numeric = {name: feature for name, feature in info.features.items() if not feature.is_video}
    result = {name: RunningStatistics(f.shape[0], np.dtype(f.dtype)) for name, f in numeric.items()}
    places = zip(episodes["data/chunk_index"].to_pylist(), episodes["data/file_index"].to_pylist(), strict=True)
    for chunk, file in dict.fromkeys(places):
        path = root / info.data_file(chunk, file)
        table = read_table(path)
        columns = {}
        for name, feature in numeric.items():
            values = column_values(table[name], feature) if name in table.column_names else None
            if values is None:
                raise BadDataSet(path, name, f"is missing or not as {layout.INFO_FILE} says")
            columns[name] = values
        for name, values in columns.items():
            mask = numeric[name].mask
            result[name].add(values, columns[mask][:, 0] if mask else None)
    return result
