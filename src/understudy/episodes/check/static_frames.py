"""Pictures that stand still: a video that never changes, or one that freezes while the numbers beside it move on.

Frames are compared as 32 x 32 block means, so that noise and compression do not count as change. A robot that waits is
no fault: a stretch counts as frozen only if the recorded motion covers a good part of its range meanwhile.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float, UInt8

from understudy.episodes.check.finding import Finding
from understudy.episodes.check.subject import Subject

__all__ = ["find_static_frames"]

_SAMPLES = 24
"""Frames looked at in an episode."""
_BLOCKS = 32
_STILL = 24.0
"""Levels of 255 by which a block may differ in pictures that are the same. One picture encoded 24 times (H.264, crf 23,
a key frame every second frame, noise of 4 levels) differs by up to 20 at 96 px and 5 at 512 px, and pictures 1/24 of an
episode apart by 50 and more in nine tenths of our robots' and the real XHand's episodes.
"""
_MOVED = 0.25
"""Share of the data set's range that one number must move meanwhile."""
_MIN_RUN = 3
"""Looked-at frames after the first that a frozen stretch has at least."""
_MOTION = ("truth.keypoints", "tracked.keypoints", "observation.state", "action", "truth.keypoints_px")


def find_static_frames(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Videos without any change, and stretches in which only the numbers move."""
    for subject in subjects:
        motion = next((name for name in _MOTION if name in subject.reader.features), None)
        for video in subject.videos:
            for index in subject.episodes:
                if subject.reader.lengths[index] > 1:
                    yield from _episode(subject, video, motion, index)


def _episode(subject: Subject, video: str, motion: str | None, index: int) -> Iterator[Finding]:
    places = subject.sampled(index, _SAMPLES)
    small = np.stack([_block_means(frame) for frame in subject.frames(video, index, places)])
    if _same(small, 0).all():
        message = f"{len(places)} frames from first to last show the same picture"
        yield Finding("static_frames", subject.root, index, video, message)
        return
    if motion is None:
        return
    moved = _moved(subject, motion, index)
    start = 0
    while start < len(places) - _MIN_RUN:
        end = start + int(np.argmin([*_same(small[start:], 0), False])) - 1
        if end - start >= _MIN_RUN and moved(int(places[start]), int(places[end])) > _MOVED:
            message = f"the picture stands still from frame {places[start]} to {places[end]} while {motion} moves on"
            yield Finding("static_frames", subject.root, index, video, message)
            start = end
        start += 1


def _moved(subject: Subject, name: str, index: int) -> Callable[[int, int], float]:
    """How far the most moving number gets between two frames, as a share of its range in the data set."""
    rows, valid = subject.column(name, index), subject.valid(name, index)
    pieces = [subject.column(name, i)[subject.valid(name, i)] for i in subject.episodes]
    spread = np.maximum(np.ptp(np.concatenate(pieces), axis=0), 1e-6) if any(map(len, pieces)) else np.inf

    def share(first: int, last: int) -> float:
        if not (valid[first] and valid[last]):
            return 0.0
        return float((np.abs(rows[last] - rows[first]) / spread).max())

    return share


def _same(pictures: Float[np.ndarray, "N h w 3"], first: int) -> Bool[np.ndarray, " N"]:
    """Which pictures show what the picture `first` shows."""
    return np.abs(pictures - pictures[first]).max(axis=(1, 2, 3)) < _STILL


def _block_means(frame: UInt8[np.ndarray, "H W 3"]) -> Float[np.ndarray, "h w 3"]:
    """Means over at most 32 x 32 equal blocks; what is left over at the right and the bottom is not looked at."""
    height, width = (max(side // _BLOCKS, 1) for side in frame.shape[:2])
    rows, columns = frame.shape[0] // height, frame.shape[1] // width
    blocks = frame[: rows * height, : columns * width].reshape(rows, height, columns, width, 3)
    return blocks.mean(axis=(1, 3))
