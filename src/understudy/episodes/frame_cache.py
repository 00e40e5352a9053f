"""All frames of a video feature, decoded once and kept small on disk: random access at the speed of memory.

A cache belongs to what it was made of: its folder is named by a fingerprint of the frames (their number and pixel
statistics in each episode), the feature and the size. It is filled in the order of the episodes, goes on where a killed
process has stopped, and is taken for complete only when it is.
"""

import fcntl
import hashlib
import json
import os
from pathlib import Path
from typing import SupportsIndex

import numpy as np
from jaxtyping import UInt8
from rich.console import Console
from rich.progress import track

from understudy.episodes.reader import EpisodeReader, frame_numbers
from understudy.episodes.square_image import square_image
from understudy.episodes.video_file import VideoFile
from understudy.errors import UnderstudyError
from understudy.files import write_text

__all__ = ["FrameCache", "content_of_episode", "frame_cache_folder"]

_FORMAT = "understudy frames 2"
_FRAMES, _PART, _DONE = "frames.u8", "frames.u8.part", "done.json"
_FRAMES_BETWEEN_MARKS = 2000
"""So many frames at most are decoded again after a kill."""


def frame_cache_folder() -> Path:
    """Where caches are kept: the folder `$UNDERSTUDY_CACHE`, else `~/.cache/understudy/frames`."""
    return Path(os.environ.get("UNDERSTUDY_CACHE") or Path.home() / ".cache" / "understudy" / "frames")


class FrameCache:
    """The frames of one video feature of a data set, as `square_image` gives them; made when first wanted.

    Disk: 3 size^2 bytes a frame. A second process that wants the same cache waits for the first.

    Args:
        reader: the data set.
        name: the video feature.
        size: side of the frames [px].
        folder: where caches are kept; `frame_cache_folder()` by default.

    Raises:
        UnderstudyError: no such feature, a damaged video, or the disk is full.
    """

    def __init__(self, reader: EpisodeReader, name: str, size: int, folder: Path | None = None) -> None:
        self._arguments = (reader, name, size, folder)
        self._starts = np.concatenate([[0], np.cumsum(reader.lengths)])
        self.path = (folder or frame_cache_folder()) / _fingerprint(reader, name, size) / _FRAMES
        shape = (int(self._starts[-1]), size, size, 3)
        try:
            if not self.path.exists():
                _build(self.path.parent, reader, name, shape, self._starts)
            self._frames = np.memmap(self.path, np.uint8, "r", shape=shape)
        except OSError as error:
            raise UnderstudyError(f"{self.path}: cannot be written: {error.strerror or error}") from error
        except ValueError as error:
            raise UnderstudyError(f"{self.path}: is not of the size of {shape[0]} frames; remove it") from error

    def __reduce__(self) -> tuple[type["FrameCache"], tuple[EpisodeReader, str, int, Path | None]]:
        return FrameCache, self._arguments  # an array in memory is mapped anew, not copied

    @property
    def num_episodes(self) -> int:
        """Episodes of the data set."""
        return len(self._starts) - 1

    def episode(self, index: SupportsIndex) -> UInt8[np.ndarray, "T size size 3"]:
        """The RGB frames of an episode, mapped from disk and read-only."""
        index = int(index)
        if not 0 <= index < self.num_episodes:
            raise UnderstudyError(f"{self.path}: it has the episodes 0 to {self.num_episodes - 1}, not {index}")
        return self._frames[self._starts[index] : self._starts[index + 1]]


def _fingerprint(reader: EpisodeReader, name: str, size: int) -> str:
    """Changes with anything that changes the frames, and not with where they lie."""
    digest = hashlib.sha256(json.dumps([_FORMAT, name, size, reader.fps]).encode())
    for index, length in enumerate(reader.lengths):
        digest.update(json.dumps([length, content_of_episode(reader, name, index)]).encode())
    return digest.hexdigest()[:24]


def content_of_episode(reader: EpisodeReader, name: str, index: int) -> int | list[str | int | float]:
    """What changes with the frames of an episode; plain numbers and words.

    Args:
        reader: the data set.
        name: the video feature.
        index: of the episode.

    Raises:
        UnderstudyError: its video is not there.
    """
    span = reader.video_span(name, index)
    if not span.path.exists():
        raise UnderstudyError(f"{span.path}: no such file")
    checksum = reader.checksum(name, index)
    if checksum is not None:
        return checksum
    # A data set of another program: the file itself must do.
    return [str(span.path), span.path.stat().st_size, span.path.stat().st_mtime_ns, span.start_s]


def _build(folder: Path, reader: EpisodeReader, name: str, shape: tuple[int, ...], starts: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # ends with the process
        if (folder / _FRAMES).exists():
            return
        done = _num_done(folder)
        with (folder / _PART).open("ab") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, int(np.prod(shape)))  # a full disk: an error now, no crash later
            else:
                file.truncate(int(np.prod(shape)))
        frames = np.memmap(folder / _PART, np.uint8, "r+", shape=shape)
        _decode(folder, reader, name, frames, starts, done)
        frames.flush()
        del frames
        (folder / _PART).rename(folder / _FRAMES)
        (folder / _DONE).unlink(missing_ok=True)


def _num_done(folder: Path) -> int:
    """Episodes that an earlier process has finished."""
    if not ((folder / _DONE).exists() and (folder / _PART).exists()):
        return 0
    return int(json.loads((folder / _DONE).read_text(encoding="utf-8"))["episodes"])


def _decode(folder: Path, reader: EpisodeReader, name: str, frames: np.memmap, starts: np.ndarray, first: int) -> None:
    """Fill the rows of the episodes from `first` on; each file is read from front to back."""
    size, marked = frames.shape[1], int(starts[first])
    console = Console(stderr=True)
    video: VideoFile | None = None
    episodes = range(first, reader.num_episodes)
    for index in track(episodes, f"decoding {name}", console=console, transient=True, disable=not console.is_terminal):
        span = reader.video_span(name, index)
        if video is None or video.path != span.path:
            video = VideoFile(span.path)
        for row, frame in enumerate(video.frames(frame_numbers(video, span, reader.fps)), int(starts[index])):
            frames[row] = square_image(frame, size)
        if starts[index + 1] - marked >= _FRAMES_BETWEEN_MARKS:
            frames.flush()
            write_text(folder / _DONE, json.dumps({"episodes": index + 1}))
            marked = int(starts[index + 1])
