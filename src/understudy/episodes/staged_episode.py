"""One finished episode in a folder of its own, before a data set takes it: made by any process, whole or not there.

The folder holds `data.parquet` (the numbers, without LeRobot's bookkeeping), an mp4 per video feature and
`episode.json`: task, split, metadata, frame rate, and how often each level occurs in each channel of the original
frames (exact statistics need the frames as they were before compression).
"""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Shaped, UInt8

from understudy.episodes.features import Feature, arrow_schema, column_values
from understudy.episodes.frame_rate import exact_rate
from understudy.episodes.metadata import read_table
from understudy.episodes.statistics import PixelHistogram
from understudy.episodes.video_file import VideoFile
from understudy.episodes.video_stream import Encoding, VideoStream
from understudy.errors import UnderstudyError

__all__ = ["Columns", "Frame", "StagedEpisode", "as_table", "load_staged", "stage_episode"]

Frame = UInt8[np.ndarray, "H W 3"]
Columns = Mapping[str, Shaped[np.ndarray, "T ..."]]

_FORMAT = "understudy staged episode 2"
_DATA, _ABOUT = "data.parquet", "episode.json"


@dataclass(frozen=True)
class StagedEpisode:
    """What lies in the folder of a staged episode."""

    folder: Path
    columns: Mapping[str, Shaped[np.ndarray, "T n"]]
    pixels: Mapping[str, PixelHistogram]
    """Levels of all pixels, by video feature."""
    checksums: Mapping[str, int]
    """Of the mp4s, by video feature."""
    task: str
    split: str
    metadata: Mapping[str, Any]

    @property
    def length(self) -> int:
        """Frames."""
        return len(next(iter(self.columns.values())))

    def video(self, name: str) -> Path:
        """The mp4 of a video feature."""
        return self.folder / f"{name}.mp4"


def stage_episode(
    folder: Path,
    fps: float | int | Fraction,
    features: Mapping[str, Feature],
    data: Columns,
    videos: Mapping[str, Iterable[Frame]],
    task: str,
    metadata: Mapping[str, Any] | None = None,
    *,
    split: str = "train",
    encoding: Encoding | None = None,
) -> None:
    """Write one episode of T frames into a new folder, to be handed to `EpisodeWriter.adopt`.

    Args:
        folder: must not exist; it appears when it is complete.
        fps: frames per second of the data set.
        features: the data set's features, without LeRobot's bookkeeping columns.
        data: (T, n) or, for n = 1, (T,) per numeric feature; finite.
        videos: T RGB frames per video feature; they are streamed, not held.
        task: what was done, in words.
        metadata: anything JSON can hold, to be kept with the episode.
        split: part of the data set it belongs to.
        encoding: how frames are compressed.

    Raises:
        UnderstudyError: names, lengths, shapes or values that do not fit the features; nothing is left.
    """
    columns = _checked_columns(folder, features, data, videos)
    about: dict[str, Any] = {"format": _FORMAT, "task": task, "split": split, "fps": str(exact_rate(fps))}
    about["metadata"] = dict(metadata or {})
    _check_json(folder, about)
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    part.mkdir(parents=True)
    try:
        length = len(next(iter(columns.values())))
        pixels = {
            name: _encode(part / f"{name}.mp4", name, feature, exact_rate(fps), videos[name], length, encoding)
            for name, feature in features.items()
            if feature.is_video
        }
        pq.write_table(as_table(columns, arrow_schema(features)), part / _DATA, write_page_checksum=True)
        about["pixels"] = {name: histogram.counts.tolist() for name, histogram in pixels.items()}
        about["checksums"] = {name: VideoFile(part / f"{name}.mp4").checksum(range(length)) for name in pixels}
        (part / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
        part.rename(folder)
    except OSError as error:
        raise UnderstudyError(f"{folder}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def load_staged(folder: Path, fps: Fraction, features: Mapping[str, Feature]) -> StagedEpisode:
    """Read a staged episode.

    Raises:
        UnderstudyError: no staged episode, or one of other features or frame rate.
    """
    path = folder / _ABOUT
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnderstudyError(f"{folder}: no staged episode: {error}") from error
    if about.get("format") != _FORMAT:
        raise UnderstudyError(f"{path}: its format is {about.get('format')!r}, not {_FORMAT!r}")
    if about["fps"] != str(fps):
        raise UnderstudyError(f"{path}: fps is {about['fps']}, the data set has {fps}")
    numeric = {name: feature for name, feature in features.items() if not feature.is_video}
    videos = set(features) - set(numeric)
    table = read_table(folder / _DATA)
    odd = (set(table.column_names) ^ set(numeric)) | (set(about["pixels"]) ^ videos)
    if odd:
        raise UnderstudyError(f"{folder}: its features differ from the data set's: {', '.join(sorted(odd))}")
    columns = {}
    for name, feature in numeric.items():
        values = column_values(table[name], feature)
        if values is None:
            raise UnderstudyError(
                f"{folder / _DATA}: {name} is {table[name].type}, the feature says {feature.dtype} {feature.shape}"
            )
        columns[name] = values
    pixels = {name: PixelHistogram(np.array(counts), table.num_rows) for name, counts in about["pixels"].items()}
    return StagedEpisode(folder, columns, pixels, about["checksums"], about["task"], about["split"], about["metadata"])


def as_table(columns: Mapping[str, Shaped[np.ndarray, "T n"]], schema: pa.Schema) -> pa.Table:
    """The columns in the order and types of the schema."""
    return pa.table([_arrow(columns[field.name]) for field in schema], schema=schema)


def _check_json(folder: Path, about: dict) -> None:
    try:
        json.dumps(about, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UnderstudyError(f"{folder}: metadata must be what JSON can hold: {error}") from error


def _encode(
    path: Path,
    name: str,
    feature: Feature,
    fps: Fraction,
    frames: Iterable[Frame],
    length: int,
    encoding: Encoding | None,
) -> PixelHistogram:
    height, width, _ = feature.shape
    stream, pixels = VideoStream(path, fps, height, width, encoding), PixelHistogram()
    try:
        for frame in frames:
            if frame.shape != feature.shape or frame.dtype != np.uint8:
                given = f"{frame.dtype} {frame.shape}"
                raise UnderstudyError(f"{name}: frame {pixels.num_frames} is {given}, it must be uint8 {feature.shape}")
            stream.append(frame)
            pixels.add(frame)
        if pixels.num_frames != length:
            raise UnderstudyError(f"{name} has {pixels.num_frames} frames in an episode of {length}")
    except BaseException:
        stream.abandon()
        raise
    stream.close()
    return pixels


def _checked_columns(
    folder: Path, features: Mapping[str, Feature], data: Columns, videos: Mapping[str, object]
) -> Mapping[str, Shaped[np.ndarray, "T n"]]:
    numeric = {name for name, feature in features.items() if not feature.is_video}
    if set(data) != numeric or set(videos) != set(features) - numeric:
        odd = ", ".join(sorted({*data, *videos} ^ set(features))) or "a video given as numbers"
        raise UnderstudyError(
            f"{folder}: an episode must have exactly the features {', '.join(sorted(features))}: {odd}"
        )
    columns = {name: _column(name, features[name], values) for name, values in data.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        raise UnderstudyError(f"{folder}: columns must have one length of at least 1, not {lengths}")
    return columns


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
