"""Checks of `videos/`: is every frame there, at its time, of its size, and does it decode?"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from understudy.episodes import layout
from understudy.episodes.metadata import Info
from understudy.episodes.problem import BadDataSet, Problem
from understudy.episodes.reader import VideoSpan, frame_numbers
from understudy.episodes.statistics import PixelHistogram, Statistics
from understudy.episodes.video_file import VideoFile
from understudy.errors import BadVideo

__all__ = ["check_videos"]

_MEAN_TOLERANCE = 0.06
"""Mean of a channel in [0, 1]: compression and halved colour change it by a few hundredths, other pictures by more."""


def check_videos(
    root: Path, info: Info, table: pa.Table, stored: Mapping[str, Statistics], *, decode: bool
) -> Iterator[Problem]:
    """All video files of the data set, and what `meta/stats.json` says of them."""
    for name, feature in info.features.items():
        if not feature.is_video:
            continue
        chunks, files = (table[f"videos/{name}/{field}"].to_numpy() for field in ("chunk_index", "file_index"))
        known = set()
        for chunk, file in sorted(set(zip(chunks.tolist(), files.tolist(), strict=True))):
            path = root / info.video_file(name, chunk, file)
            known.add(path)
            episodes = np.flatnonzero((chunks == chunk) & (files == file))
            try:
                yield from _check_file(path, name, info, table, episodes, decode)
            except BadVideo as error:
                yield Problem(path, name, str(error).removeprefix(f"{path}: "))
            except BadDataSet as error:
                yield error.problem
        for path in sorted(root.glob(f"videos/{name}/*/*.mp4")):
            if path not in known:
                yield Problem(path, name, "belongs to no episode")
    yield from _check_pixels(root, info, table, stored)


def _check_file(
    path: Path, name: str, info: Info, table: pa.Table, episodes: np.ndarray, decode: bool
) -> Iterator[Problem]:
    video, fps = VideoFile(path), float(info.fps)
    if path.suffix == ".mp4":
        yield from _check_end(path, name)
    lengths = table["length"].to_numpy()
    start_s = table[f"videos/{name}/from_timestamp"].to_numpy()
    taken = np.zeros(video.num_frames, dtype=np.int64)
    for index in episodes:
        numbers = frame_numbers(video, VideoSpan(path, float(start_s[index]), int(lengths[index])), fps)
        taken[numbers] += 1
        if taken[numbers].max() > 1:
            yield Problem(path, name, f"frame {numbers[taken[numbers] > 1][0]} belongs to two episodes")
            return
        yield from _check_checksum(path, name, table, int(index), video, numbers)
        if decode:
            yield from _check_frames(path, name, info, table, int(index), video, numbers)
    if not taken.all():
        yield Problem(path, name, f"holds {video.num_frames} frames, the episodes in it have {taken.sum()}")


def _check_checksum(
    path: Path, name: str, table: pa.Table, index: int, video: VideoFile, numbers: np.ndarray
) -> Iterator[Problem]:
    field = layout.checksum_field(name)
    stored = table[field][index].as_py() if field in table.column_names else None
    if stored is not None and video.checksum(numbers) != stored:
        yield Problem(path, name, f"the frames of episode {index} are damaged: their checksum is not {field}")


def _check_end(path: Path, name: str) -> Iterator[Problem]:
    """An mp4 is a row of boxes: size (32 bits, or 1 and 64 bits later), kind (4 bytes), content."""
    size, place = path.stat().st_size, 0
    with path.open("rb") as file:
        while place < size:
            file.seek(place)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            if length == 0:  # to the end of the file
                return
            if length < 8 or place + length > size:
                yield Problem(path, name, f"is cut: a part that begins at byte {place} is to have {length} bytes")
                return
            place += length


def _check_frames(
    path: Path, name: str, info: Info, table: pa.Table, index: int, video: VideoFile, numbers: np.ndarray
) -> Iterator[Problem]:
    height, width, _ = info.features[name].shape
    total = np.zeros(3)
    for place, frame in enumerate(video.frames(numbers)):
        if frame.shape != (height, width, 3):
            message = f"frames of {frame.shape[1]}x{frame.shape[0]}, {layout.INFO_FILE} says {width}x{height}"
            yield Problem(path, name, f"{message} (frame {place} of episode {index})")
            return
        total += frame.mean((0, 1)) / 255
    field = f"stats/{name}/mean"
    stored = _three_numbers(table[field][index].as_py()) if field in table.column_names else None
    if stored is None:
        return
    off = np.abs(total / len(numbers) - stored)
    if off.max() > _MEAN_TOLERANCE:
        channel = "RGB"[int(off.argmax())]
        message = f"episode {index}: mean {channel} is {(total / len(numbers))[off.argmax()]:.3f}, the statistics say"
        yield Problem(path, name, f"{message} {stored[off.argmax()]:.3f}: other pictures")


def _three_numbers(value: object) -> Float[np.ndarray, "3"] | None:
    try:
        numbers = np.array(value, dtype=float).ravel()
    except (TypeError, ValueError):  # of another program; its own columns of statistics are not ours to check
        return None
    return numbers if len(numbers) == 3 else None


def _check_pixels(root: Path, info: Info, table: pa.Table, statistics: Mapping[str, Statistics]) -> Iterator[Problem]:
    """Our histogram of the original frames, where there is one, against the statistics of images made from it."""
    path = root / layout.PIXELS_FILE
    if not path.exists():
        return
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        histograms = {
            name: PixelHistogram(np.array(entry["counts"], dtype=np.int64).reshape(3, 256), int(entry["frames"]))
            for name, entry in content.items()
        }
    except (KeyError, OSError, OverflowError, TypeError, ValueError, AttributeError) as error:
        yield Problem(path, "", f"damaged: {(str(error).splitlines() or [type(error).__name__])[0]}")
        return
    num_frames = int(table["length"].to_numpy().sum())
    for name, feature in info.features.items():
        if not feature.is_video:
            continue
        if name not in histograms:
            yield Problem(path, name, "is missing")
            continue
        if histograms[name].num_frames != num_frames:
            yield Problem(path, f"{name}.frames", f"is {histograms[name].num_frames}, the episodes have {num_frames}")
            continue
        for key, value in histograms[name].statistics().items():
            given = np.ravel(statistics.get(name, {}).get(key, value))
            if given.shape != value.ravel().shape or not np.allclose(given, value.ravel(), atol=1e-5):
                yield Problem(root / layout.STATISTICS_FILE, f"{name}.{key}", f"does not fit {layout.PIXELS_FILE}")
                break
