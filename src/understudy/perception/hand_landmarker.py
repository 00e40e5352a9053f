"""MediaPipe's HandLandmarker over a whole video: up to two hands a frame, landmarks in pixels and hand-centred metres.

The Tasks API names hands as they are in unmirrored video (the older `solutions` API assumed a mirrored selfie).

MediaPipe's C++ parts write a dozen lines to the process's standard error while a landmarker starts, before any log
level of theirs is read. File descriptor 2 points to the null device during creation and the first detection only, and
is put back even on failure; Python's own exceptions are not affected.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from understudy.errors import UnderstudyError
from understudy.perception.bundle import ensure_bundle
from understudy.records import NUM_KEYPOINTS

__all__ = ["MAX_HANDS", "HandDetections", "detect_hands"]

MAX_HANDS = 2
_LONG_SIDE_PX = 1280
"""Larger images are reduced to this before detection: the networks see 192 and 224 px crops anyway."""

_DETECTION_CONFIDENCE = 0.3
"""Of the palm detector, which only proposes: what it proposes must still pass the landmark network (at 0.5)."""


@dataclass(frozen=True)
class HandDetections:
    """What the detector saw in T frames: slots of a frame are in no order and NaN where empty."""

    time_s: Float[np.ndarray, " T"]
    """Presentation time of each frame [s]."""
    pixels: Float[np.ndarray, "T H 21 2"]
    """Landmarks (u, v) [px] in the upright image; the centre of the top-left pixel is (0, 0)."""
    world: Float[np.ndarray, "T H 21 3"]
    """Hand-centred shape, axes as the camera's [m]; its absolute size is the network's guess."""
    score: Float[np.ndarray, "T H"]
    """Confidence of the handedness label, 0.5 to 1."""
    right: Float[np.ndarray, "T H"]
    """Probability that it is a right hand, 0 to 1."""

    @property
    def num_frames(self) -> int:
        """T."""
        return len(self.time_s)


def detect_hands(
    frames: Iterable[tuple[float, UInt8[np.ndarray, "H W 3"]]], progress: Callable[[int], None] | None = None
) -> HandDetections:
    """Run the detector over (time [s], RGB image) pairs in order of time.

    Args:
        frames: streamed; only the landmarks are kept (about 2 kB a frame).
        progress: called with the number of frames done, after every frame.

    Raises:
        UnderstudyError: MediaPipe is not installed, or its model is not there and cannot be fetched.
    """
    vision, mediapipe = _import_mediapipe()
    times: list[float] = []
    pixels: list[np.ndarray] = []
    world: list[np.ndarray] = []
    score: list[np.ndarray] = []
    right: list[np.ndarray] = []
    with _landmarker(vision, mediapipe) as landmarker:
        last_ms = -1
        for number, (time_s, image) in enumerate(frames):
            last_ms = max(last_ms + 1, round(1000 * time_s))
            packed = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=_reduced(image))
            if number == 0:
                with _quiet_stderr():
                    result = landmarker.detect_for_video(packed, last_ms)
            else:
                result = landmarker.detect_for_video(packed, last_ms)
            times.append(time_s)
            for rows, row in zip((pixels, world, score, right), _arrays(result, image.shape), strict=True):
                rows.append(row)
            if progress is not None:
                progress(number + 1)
    shape = (len(times), MAX_HANDS)
    return HandDetections(
        np.array(times, dtype=float),
        np.array(pixels, dtype=float).reshape(*shape, NUM_KEYPOINTS, 2),
        np.array(world, dtype=float).reshape(*shape, NUM_KEYPOINTS, 3),
        np.array(score, dtype=float).reshape(shape),
        np.array(right, dtype=float).reshape(shape),
    )


def _import_mediapipe() -> tuple[Any, Any]:
    try:
        import mediapipe
        from mediapipe.tasks.python import vision
    except ImportError as error:
        raise UnderstudyError("hand tracking needs MediaPipe: pip install 'understudy[hands]'") from error
    return vision, mediapipe


@contextmanager
def _landmarker(vision: Any, mediapipe: Any) -> Iterator[Any]:  # noqa: ANN401 (MediaPipe has no stubs)
    options = vision.HandLandmarkerOptions(
        base_options=mediapipe.tasks.BaseOptions(model_asset_path=str(ensure_bundle())),
        running_mode=vision.RunningMode.VIDEO,
        num_hands=MAX_HANDS,
        min_hand_detection_confidence=_DETECTION_CONFIDENCE,
    )
    with _quiet_stderr():
        landmarker = vision.HandLandmarker.create_from_options(options)
    try:
        yield landmarker
    finally:
        landmarker.close()


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def _reduced(image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "h w 3"]:
    scale = _LONG_SIDE_PX / max(image.shape[:2])
    if scale >= 1:
        return np.ascontiguousarray(image)
    import cv2

    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _arrays(result: Any, shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:  # noqa: ANN401
    """Slots of one frame. MediaPipe's coordinates run from 0 to 1 over the image's outer edges."""
    height, width = shape[:2]
    pixels = np.full((MAX_HANDS, NUM_KEYPOINTS, 2), np.nan)
    world = np.full((MAX_HANDS, NUM_KEYPOINTS, 3), np.nan)
    score = np.zeros(MAX_HANDS)
    right = np.full(MAX_HANDS, np.nan)
    found = zip(result.hand_landmarks, result.hand_world_landmarks, result.handedness, strict=True)
    for slot, (marks, shape_marks, labels) in enumerate(found):
        pixels[slot] = [(mark.x * width - 0.5, mark.y * height - 0.5) for mark in marks]
        world[slot] = [(mark.x, mark.y, mark.z) for mark in shape_marks]
        score[slot] = labels[0].score
        right[slot] = labels[0].score if labels[0].category_name == "Right" else 1 - labels[0].score
    return pixels, world, score, right
