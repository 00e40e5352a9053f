"""Where MediaPipe puts its landmarks on a hand, relative to the skeleton's keypoints: one 3D offset per keypoint."""

import json
from functools import cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float

__all__ = ["landmark_offsets"]


@cache
def landmark_offsets() -> Float[np.ndarray, "21 3"]:
    """Offsets in the frames of `hand_jacobian.keypoint_frames` for an adult hand of scale 1 [m]."""
    text = (files("understudy.perception") / "landmark_offsets.json").read_text()
    return np.array(json.loads(text)["offsets_mm"]) * 1e-3
