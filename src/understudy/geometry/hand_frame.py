"""The wrist frame of 21 keypoints, equations 9-11 of video_prompt, and how other conventions map to it.

x = (M - W) / |M - W|                              eq. 9   W wrist, M middle knuckle
z = (I - W) x (M - W) / |(I - W) x (M - W)|        eq. 10  I index knuckle; out of the palm of a right hand
y = z x x                                          eq. 11
"""

import numpy as np
from jaxtyping import Float

from understudy.geometry.rotations import (
    continuous_quaternions,
    quaternion_from_matrix,
    rotation_vector_from_matrix,
)
from understudy.geometry.transforms import make_transform
from understudy.records import Handedness

__all__ = [
    "FRAME_CONVENTIONS",
    "convert_wrist_rotation",
    "mirror_keypoints",
    "wrist_frame",
    "wrist_quaternion",
    "wrist_quaternions",
    "wrist_rotation_vector",
]

_WRIST, _INDEX_MCP, _MIDDLE_MCP = 0, 5, 9

FRAME_CONVENTIONS: dict[str, Float[np.ndarray, "3 3"]] = {
    "understudy": np.eye(3),
    # dex_retargeting's operator frame: x from the middle knuckle to the wrist, z towards the index finger's side.
    "dex_retargeting": np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, -1.0, 0.0]]),
    # MANO's right hand at rest: fingers along -x, the thumb's side along +z, the palm towards -y; the same axes.
    "mano_right": np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, -1.0, 0.0]]),
}
"""R_understudy_other: columns are the other convention's axes in our wrist frame (right hand)."""


def wrist_frame(
    keypoints: Float[np.ndarray, "*B 21 3"], handedness: Handedness = "right"
) -> Float[np.ndarray, "*B 4 4"]:
    """T_frame_wrist from 21 keypoints given in `frame` [m].

    For a left hand the cross product of eq. 10 points out of the back of the hand; it is negated, so that z leaves the
    palm for both hands.

    Raises:
        ValueError: if wrist, index and middle knuckle lie on one line.
    """
    wrist, index, middle = (keypoints[..., i, :] for i in (_WRIST, _INDEX_MCP, _MIDDLE_MCP))
    x = middle - wrist
    normal = np.cross(index - wrist, x)
    if handedness == "left":
        normal = -normal
    area = np.linalg.norm(normal, axis=-1)
    if np.any(area < 1e-9):
        raise ValueError("wrist, index knuckle and middle knuckle lie on one line: the wrist frame is not defined")
    x = x / np.linalg.norm(x, axis=-1, keepdims=True)
    z = normal / area[..., None]
    return make_transform(np.stack([x, np.cross(z, x), z], axis=-1), wrist)


_REACHING = np.array([0.0, 1.0, 0.0, -1.0]) / np.sqrt(2.0)
"""Quaternion of a hand whose fingers point straight down and whose palm faces the robot's base."""
_NEAR_HALF_A_TURN = 0.75 * np.pi


def wrist_quaternion(R_world_wrist: Float[np.ndarray, "*B 3 3"]) -> Float[np.ndarray, "*B 4"]:
    """Of the two quaternions, the one nearer to that of a hand reaching down.

    Hands over a table are about half a turn away from the world's axes, so that w is about 0: by its sign the same
    pose would be written now one way and now the other.
    """
    quaternion = quaternion_from_matrix(R_world_wrist)
    return np.where(quaternion @ _REACHING < 0.0, -1.0, 1.0)[..., None] * quaternion


def wrist_quaternions(R_world_wrist: Float[np.ndarray, "T 3 3"]) -> Float[np.ndarray, "T 4"]:
    """Along a sequence: continuous, and most of it on the side of `wrist_quaternion`."""
    quaternions = continuous_quaternions(quaternion_from_matrix(R_world_wrist))
    return quaternions if (quaternions @ _REACHING).sum() >= 0.0 else -quaternions


def wrist_rotation_vector(R_world_wrist: Float[np.ndarray, "*B 3 3"]) -> Float[np.ndarray, "*B 3"]:
    """Axis times angle [rad], near half a turn on the same side as `wrist_quaternion`; every number lies in -pi to pi.

    A rotation by somewhat more than half a turn is written so, and not as one by less about the opposite axis, wherever
    the numbers stay in their range: hands that reach over a table are turned so far.
    """
    vector = rotation_vector_from_matrix(R_world_wrist)
    angle = np.linalg.norm(vector, axis=-1, keepdims=True)
    other = vector * (1.0 - 2.0 * np.pi / np.maximum(angle, 1e-9))
    turn = (angle[..., 0] > _NEAR_HALF_A_TURN) & (vector @ _REACHING[1:] < 0.0) & (np.abs(other).max(axis=-1) <= np.pi)
    return np.where(turn[..., None], other, vector)


def convert_wrist_rotation(R_frame_other: Float[np.ndarray, "*B 3 3"], convention: str) -> Float[np.ndarray, "*B 3 3"]:
    """Rotation of our wrist frame, from that of another convention for the same hand."""
    if convention not in FRAME_CONVENTIONS:
        raise ValueError(f"unknown wrist convention {convention!r}: valid: {', '.join(FRAME_CONVENTIONS)}")
    return R_frame_other @ FRAME_CONVENTIONS[convention].T


def mirror_keypoints(keypoints: Float[np.ndarray, "*B 3"], axis: int = 0) -> Float[np.ndarray, "*B 3"]:
    """Reflect points in the plane through the origin normal to `axis`; a left hand becomes a right one."""
    mirrored = keypoints.copy()
    mirrored[..., axis] *= -1
    return mirrored
