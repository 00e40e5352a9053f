"""Where the palm is in the image, for data sets that know: from keypoints in pixels, or in metres with a camera."""

from typing import Any

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
    return bool(subject.videos) and _source(subject, subject.about[index].get("camera")) is not None


def palm_pixels(subject: Subject, index: int, places: Int[np.ndarray, " N"]) -> tuple[str, Float[np.ndarray, "N 2"]]:
    """(the video, pixel (u, v) of the palm in those frames of it); NaN where the keypoints are fillers."""
    camera: Any = subject.about[index].get("camera")
    name = _source(subject, camera)
    assert name is not None, "ask has_hand_pixels first"
    video = subject.videos[0]
    rows = subject.column(name, index)[places].astype(float)
    if name == _IN_PIXELS:
        pixels = rows.reshape(len(rows), 21, 2)[:, PALM].mean(axis=1)
    else:
        palm = rows.reshape(len(rows), 21, 3)[:, PALM].mean(axis=1)
        height, width, _ = subject.reader.features[video].shape
        scale = np.array([width / camera["width"], height / camera["height"]])
        pixels = np.full((len(rows), 2), np.nan)
        ahead = palm[:, 2] > 0
        pixels[ahead] = project(np.array(camera["K"], dtype=float), palm[ahead]) * scale
    pixels[~subject.valid(name, index)[places]] = np.nan
    return video, pixels


def _source(subject: Subject, camera: Any) -> str | None:  # noqa: ANN401 - metadata of others may be anything
    features = subject.reader.features
    if _IN_PIXELS in features:
        return _IN_PIXELS
    if not isinstance(camera, dict) or not {"K", "width", "height"} <= set(camera):
        return None
    return next((name for name in _IN_METRES if name in features and features[name].shape == (63,)), None)
