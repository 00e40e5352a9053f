"""Where a tracker puts its landmarks on a hand, relative to the skeleton's keypoints, and how far to trust each.

MediaPipe marks places on the visible surface, pulls hidden fingers towards seen ones, and does both differently as the
hand turns. The offset of landmark i in the frame of its bone is therefore linear in a few features of view and pose:

    o_i = s sum_f C_if phi_f      phi = (1, v, v x v (5), c, c v)      v view direction in the wrist frame (unit),
                                                                       c mean flexion of the finger [rad], s hand scale

The coefficients of `MEDIAPIPE` were fitted on rendered clips (`benchmarks/landmark_calibration.py`). They describe
MediaPipe on our rendered hands; whether they describe a given video better than no offset at all is asked of that
video's own landmarks (see `track.track_hand`).
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float

from understudy.records import NUM_KEYPOINTS

__all__ = ["NUM_FEATURES", "LandmarkConvention", "convention_features", "mediapipe_convention", "plain_convention"]

NUM_FEATURES = 13
_FILE = "landmark_convention.json"


@dataclass(frozen=True)
class LandmarkConvention:
    """How a tracker's landmarks lie to the skeleton's keypoints, and how sure each is."""

    coefficients: Float[np.ndarray, "21 13 3"]
    """C, in the frames of `hand_jacobian.keypoint_frames`, for an adult hand of scale 1 [m]."""
    spread: Float[np.ndarray, "21"]
    """Error of each landmark over that of the surest ones, 1 or more."""
    shrink: float = 0.0
    """Share by which the landmarks lie nearer to each other than the keypoints do, on the whole."""

    def offsets(
        self,
        position: Float[np.ndarray, "N 3"],
        rotation: Float[np.ndarray, "N 3 3"],
        joints: Float[np.ndarray, "N 20"],
    ) -> Float[np.ndarray, "N 21 3"]:
        """o_i / s at wrist pose (camera frame, right hand) and joints [m]."""
        return np.einsum("nkf,kfi->nki", convention_features(position, rotation, joints), self.coefficients)


def convention_features(
    position: Float[np.ndarray, "N 3"], rotation: Float[np.ndarray, "N 3 3"], joints: Float[np.ndarray, "N 20"]
) -> Float[np.ndarray, "N 21 13"]:
    """Phi of every landmark; the wrist has the mean flexion of the four fingers."""
    ray = position / np.linalg.norm(position, axis=-1, keepdims=True)
    v = np.einsum("nij,ni->nj", rotation, ray)
    x, y, z = v.T
    view = np.stack([np.ones(len(v)), x, y, z, x * x - z * z, y * y - z * z, x * y, x * z, y * z], axis=-1)
    curl = joints.reshape(-1, 5, 4)[..., 1:3].mean(-1)
    curls = np.concatenate([curl[:, 1:].mean(1, keepdims=True), np.repeat(curl, 4, axis=1)], axis=1)[..., None]
    views = np.broadcast_to(view[:, None], (len(v), NUM_KEYPOINTS, view.shape[1]))
    return np.concatenate([views, curls, curls * v[:, None]], axis=-1)


@cache
def mediapipe_convention() -> LandmarkConvention:
    """As fitted on rendered clips of training seeds."""
    content = json.loads((files("understudy.perception") / _FILE).read_text())
    return LandmarkConvention(
        np.array(content["coefficients_mm"]) * 1e-3, np.array(content["spread"]), content["shrink"]
    )


def plain_convention() -> LandmarkConvention:
    """Landmarks taken for the keypoints themselves; the spread is that of MediaPipe."""
    return LandmarkConvention(np.zeros((NUM_KEYPOINTS, NUM_FEATURES, 3)), mediapipe_convention().spread)
