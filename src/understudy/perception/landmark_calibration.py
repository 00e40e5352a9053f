"""Where MediaPipe puts its landmarks on a hand, relative to the skeleton's keypoints: one 3D offset per keypoint."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float

from understudy.records import NUM_KEYPOINTS

__all__ = ["LandmarkConvention", "mediapipe_convention", "plain_convention"]

_FILE = "landmark_convention.json"


@dataclass(frozen=True)
class LandmarkConvention:
    """How a tracker's landmarks lie to the skeleton's keypoints, and how sure each is."""

    offsets: Float[np.ndarray, "21 3"]
    """In the frames of `hand_jacobian.keypoint_frames`, for an adult hand of scale 1 [m]."""
    spread: Float[np.ndarray, "21"]
    """Error of each landmark over that of the surest ones, 1 or more."""


@cache
def mediapipe_convention() -> LandmarkConvention:
    """As calibrated on rendered clips of training seeds by `benchmarks/landmark_calibration.py`."""
    content = json.loads((files("understudy.perception") / _FILE).read_text())
    return LandmarkConvention(np.array(content["offsets_mm"]) * 1e-3, np.array(content["spread"]))


def plain_convention() -> LandmarkConvention:
    """Landmarks taken for the keypoints themselves, all equally sure."""
    return LandmarkConvention(np.zeros((NUM_KEYPOINTS, 3)), np.ones(NUM_KEYPOINTS))
