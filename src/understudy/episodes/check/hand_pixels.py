"""Where the palm is in the image, for data sets that know: from keypoints in pixels, or in metres with a camera."""

import numpy as np
from jaxtyping import Float, Int

from understudy.episodes.check.subject import Subject
from understudy.geometry.cameras import project

__all__ = ["PALM", "PERSON", "has_hand_pixels", "is_person", "palm_pixels"]

PERSON = "human_hand"
PALM = (0, 5, 9, 13, 17)
"""Wrist and knuckles: their mean lies on the back of the hand or in the palm."""
_IN_METRES = ("truth.keypoints", "tracked.keypoints")
_IN_PIXELS = "truth.keypoints_px"


def is_person(subject: Subject) -> bool:
    """Whether people act in the data set."""
    return subject.reader.robot_type == PERSON


def has_hand_pixels(subject: Subject, index: int) -> bool:
    """Whether `palm_pixels` can tell."""
    return bool(subject.videos) and _source(subject, index) is not None


def palm_pixels(subject: Subject, index: int, places: Int[np.ndarray, " N"]) -> tuple[str, Float[np.ndarray, "N 2"]]:
    """(the video, pixel (u, v) of the palm in those frames of it); NaN where the keypoints are fillers."""
    name = _source(subject, index)
    assert name is not None, "ask has_hand_pixels first"
    video = subject.videos[0]
    rows = subject.column(name, index)[places].astype(float)
    if name == _IN_PIXELS:
        pixels = rows.reshape(len(rows), 21, 2)[:, PALM].mean(axis=1)
    else:
        palm = rows.reshape(len(rows), 21, 3)[:, PALM].mean(axis=1)
        height, width, _ = subject.reader.features[video].shape
        camera = subject.cameras[index]
        assert camera is not None  # as the source is in metres
        scale = np.array([width / camera.width, height / camera.height])
        pixels = np.full((len(rows), 2), np.nan)
        ahead = palm[:, 2] > 0
        pixels[ahead] = project(camera.K, palm[ahead]) * scale
    pixels[~subject.valid(name, index)[places]] = np.nan
    return video, pixels


def _source(subject: Subject, index: int) -> str | None:
    features = subject.reader.features
    if _IN_PIXELS in features and features[_IN_PIXELS].shape == (42,):
        return _IN_PIXELS
    if subject.cameras[index] is None:
        return None
    return next((name for name in _IN_METRES if name in features and features[name].shape == (63,)), None)
