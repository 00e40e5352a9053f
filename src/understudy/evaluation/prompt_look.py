"""What can be said of a prompt before anything acts on it: can it be read, does it move, is a hand in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from understudy.errors import PromptError
from understudy.methods.prompt_frames import frames_at_even_times
from understudy.perception.bundle import has_bundle
from understudy.perception.hand_landmarker import detect_hands
from understudy.perception.video import frame_times, open_video, read_frames
from understudy.perception.video_writer import write_video
from understudy.records import HumanVideo

__all__ = ["PromptLook", "look_at_prompt", "trimmed"]

_LOOKS_PER_S = 10
_SIZE = 64
_CHANGED = 12
"""Levels of grey by which a pixel of the reduced frame must differ to count as changed; noise averages out below it."""
_MOVING_PIXELS = 8
"""Changed pixels of the 64 x 64 at and above which something moves: a finger that presses has about as many."""
_BLACK = 16
"""Video that is meant to be black stays below this level."""
_STILL_S, _STILL_SHARE = 1.0, 0.25
"""Stillness before and after the motion that is worth a word [s, share of the clip]."""
_MAX_FPS = 30.0


@dataclass(frozen=True)
class PromptLook:
    """What was seen in a prompt video."""

    video: HumanVideo
    time_s: Float[np.ndarray, " T"]
    """Of every frame [s]."""
    moves_s: tuple[float, float] | None
    """From when to when something moves, to a tenth of a second [s]; None if nothing does."""
    black: bool
    hand_frames: int | None
    """Of the frames that the policy looks at, how many show a hand in the middle square, which is all it sees; None if
    that was not looked for, as with policies that track the hand themselves and where there is no tracker."""
    looked_at: int | None
    """Different frames that the policy looks at; None: all."""

    @property
    def duration_s(self) -> float:
        """From the first frame to the last [s]."""
        return float(self.time_s[-1])

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user must know before trusting the result, a line each."""
        if self.black:
            return ("the prompt is black from beginning to end: to the policy there is none",)
        if self.moves_s is None:
            return ("nothing moves in the prompt",)
        notes = []
        before, after = self.moves_s[0], self.duration_s - self.moves_s[1]
        if before + after > max(_STILL_S, _STILL_SHARE * self.duration_s):
            notes.append(
                f"nothing moves in the first {before:.1f} s and the last {after:.1f} s of the prompt's "
                f"{self.duration_s:.1f} s: --trim cuts them off"
            )
        if self.hand_frames is not None and self.looked_at is not None and self.hand_frames < self.looked_at / 2:
            notes.append(
                f"a hand was found in {self.hand_frames} of the {self.looked_at} frames of the prompt that the policy "
                "looks at (their middle square): it acts on pixels all the same, maybe not as the person meant"
            )
        return tuple(notes)

    def to_json(self) -> dict[str, Any]:
        """For a report."""
        return {
            "frames": len(self.time_s),
            "seconds": round(self.duration_s, 3),
            "moves_s": None if self.moves_s is None else [round(time, 3) for time in self.moves_s],
            "looked_at": self.looked_at,
            "hand_frames": self.hand_frames,
        }


def look_at_prompt(video: HumanVideo, count: int | None) -> PromptLook:
    """Read a prompt to its end and say what is in it.

    Args:
        video: from `open_video`.
        count: frames that the policy looks at; None for a policy that tracks the hand itself.

    Raises:
        BadVideo: it cannot be read to its end.
        PromptError: a single picture.
    """
    times = frame_times(video)
    if len(times) < 2:
        raise PromptError(f"{video.path}: it has {len(times)} frame: a prompt shows a motion: give a video of it")
    looks = np.unique(frames_at_even_times(times, int(times[-1] * _LOOKS_PER_S) + 2))
    grey = np.stack([_reduced(image) for _, image in read_frames(video, only=set(looks.tolist()))])
    chosen = None if count is None else np.unique(frames_at_even_times(times, count))
    can_track = find_spec("mediapipe") is not None and has_bundle()
    hands = None if chosen is None or not can_track else _hand_frames(video, set(chosen.tolist()))
    return PromptLook(
        video,
        times,
        moves_s=_moving_part(grey, times[looks]),
        black=bool(grey.max() < _BLACK),
        hand_frames=hands,
        looked_at=None if chosen is None else len(chosen),
    )


def trimmed(look: PromptLook, path: Path) -> HumanVideo:
    """The prompt without the stillness before and after, written to `path`: at most 30 frames a second, evenly.

    Raises:
        PromptError: nothing moves in it.
    """
    if look.moves_s is None:
        raise PromptError(f"{look.video.path}: nothing moves in it, so nothing would be left of it")
    start, end = look.moves_s
    inside = np.flatnonzero((look.time_s >= start) & (look.time_s <= end))
    fps = min(look.video.fps, _MAX_FPS)
    times = look.time_s[inside]
    numbers = inside[frames_at_even_times(times, max(2, round(float(times[-1] - times[0]) * fps) + 1))]
    chosen, times_shown = np.unique(numbers, return_counts=True)
    read = zip(read_frames(look.video, only=set(chosen.tolist())), times_shown, strict=True)
    write_video(path, (image for (_, image), count in read for _ in range(count)), fps)
    return open_video(path)


def _square(image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "S S 3"]:
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(image[top : top + side, left : left + side])


def _reduced(image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "64 64"]:
    grey = cv2.cvtColor(_square(image), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (_SIZE, _SIZE), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _moving_part(grey: UInt8[np.ndarray, "N 64 64"], time_s: Float[np.ndarray, " N"]) -> tuple[float, float] | None:
    """From the last frame that is still like the first to the first one that is already like the last."""
    unlike_first, unlike_last = (np.array([_differ(frame, other) for frame in grey]) for other in (grey[0], grey[-1]))
    moving = unlike_first | unlike_last
    if not moving.any():
        return None
    begins = np.flatnonzero(unlike_first)[0] if unlike_first.any() else np.flatnonzero(moving)[0]
    ends = np.flatnonzero(unlike_last)[-1] if unlike_last.any() else np.flatnonzero(moving)[-1]
    return float(time_s[max(begins - 1, 0)]), float(time_s[min(ends + 1, len(time_s) - 1)])


def _differ(a: UInt8[np.ndarray, "S S"], b: UInt8[np.ndarray, "S S"]) -> bool:
    change = a.astype(np.int16) - b.astype(np.int16)
    change -= np.int16(np.median(change))  # a camera that sets its exposure makes all of it brighter
    return int((np.abs(change) > _CHANGED).sum()) >= _MOVING_PIXELS


def _hand_frames(video: HumanVideo, numbers: set[int]) -> int:
    def squares() -> Iterator[tuple[float, UInt8[np.ndarray, "S S 3"]]]:
        for time_s, image in read_frames(video, only=numbers):
            yield time_s, _square(image)

    detections = detect_hands(squares())
    return int(np.isfinite(detections.pixels).all(axis=(2, 3)).any(axis=1).sum())
