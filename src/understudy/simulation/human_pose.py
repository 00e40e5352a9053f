"""Poses of a person's hand that put given fingertips on given points: damped least squares over wrist and fingers.

Everything here is a right hand; a left one is its mirror image.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.geometry.rotations import matrix_from_rotation_vector
from understudy.geometry.transforms import apply_transform, make_transform

__all__ = ["HandPose", "hand_rotation", "posture", "solve_pose"]

_TIP_SCALE_M = 0.0005
_ROTATION_SCALE = 0.30
_JOINT_SCALE = 0.30
_CLEARANCE_M = 0.016
_CLEARANCE_SCALE_M = 0.0007
_ITERATIONS = 60
_STEP = 1e-6


@dataclass(frozen=True)
class HandPose:
    """Wrist pose and finger joints."""

    T_world_wrist: Float[np.ndarray, "4 4"]
    joints: Float[np.ndarray, "20"]

    def keypoints(self, skeleton: HandSkeleton) -> Float[np.ndarray, "21 3"]:
        """In the world [m]."""
        return apply_transform(self.T_world_wrist, skeleton.keypoints(self.joints))

    def moved(self, offset: Float[np.ndarray, "3"]) -> "HandPose":
        """The same pose shifted by `offset` [m]."""
        T = self.T_world_wrist.copy()
        T[:3, 3] += offset
        return HandPose(T, self.joints)


def hand_rotation(yaw: float, pitch: float, roll: float) -> Float[np.ndarray, "3 3"]:
    """R_world_wrist of a hand that points along +x with its palm down, then is turned [rad].

    `roll` turns the palm to the left (handshake), `pitch` points the fingers down, `yaw` turns all to the left.
    """
    palm_down = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]])
    turns = np.array([[0.0, 0.0, yaw], [0.0, pitch, 0.0], [roll, 0.0, 0.0]])
    Rz, Ry, Rx = matrix_from_rotation_vector(turns)
    return Rz @ Ry @ Rx @ palm_down


def posture(thumb: tuple[float, ...], *fingers: tuple[float, ...]) -> Float[np.ndarray, "20"]:
    """20 joints [rad]: four of the thumb, then (flexion, middle, end) of index, middle, ring and little finger."""
    return np.concatenate([thumb, *[(0.0, *finger) for finger in fingers]])


def solve_pose(
    skeleton: HandSkeleton,
    start: HandPose,
    tips: Mapping[int, Float[np.ndarray, "3"]],
) -> tuple[HandPose, float]:
    """The pose nearest to `start` whose keypoints `tips` (index -> world point [m]) lie on those points.

    Minimises |k_i - target|^2 / (0.5 mm)^2 + |turn|^2 / 0.3^2 + |q - q_start|^2 / 0.3^2, with every keypoint kept 16 mm
    above the table and joints in their limits. Returns the pose and the largest distance left [m].
    """
    index = list(tips)
    targets = np.stack([tips[i] for i in index])
    limits = skeleton.limits
    R0 = start.T_world_wrist[:3, :3]

    def residual(x: Float[np.ndarray, "B 26"]) -> Float[np.ndarray, "B M"]:
        T = make_transform(matrix_from_rotation_vector(x[:, 3:6]) @ R0, x[:, :3])
        points = apply_transform(T, skeleton.keypoints(x[:, 6:]))
        low = np.minimum(points[..., 2] - _CLEARANCE_M, 0.0) / _CLEARANCE_SCALE_M
        low[:, index] = 0.0
        off = ((points[:, index] - targets) / _TIP_SCALE_M).reshape(len(x), -1)
        return np.concatenate([off, x[:, 3:6] / _ROTATION_SCALE, (x[:, 6:] - start.joints) / _JOINT_SCALE, low], axis=1)

    # The wrist's position is free: start it where the tips already have the right mean.
    x = np.concatenate([start.T_world_wrist[:3, 3], np.zeros(3), np.clip(start.joints, *limits.T)])
    x[:3] += (targets - start.keypoints(skeleton)[index]).mean(0)
    damping, current = 1e-2, residual(x[None])[0]
    for _ in range(_ITERATIONS):
        jacobian = (residual(x + _STEP * np.eye(26)) - current).T / _STEP
        H, g = jacobian.T @ jacobian, jacobian.T @ current
        step = np.linalg.solve(H + damping * np.diag(np.diag(H) + 1e-3), -g)
        trial = x + step
        trial[6:] = np.clip(trial[6:], *limits.T)
        value = residual(trial[None])[0]
        if value @ value < current @ current:
            gain = current @ current - value @ value
            x, current, damping = trial, value, damping / 3
            if gain < 1e-6 * (current @ current + 1e-9):
                break
        else:
            damping *= 4
    pose = HandPose(make_transform(matrix_from_rotation_vector(x[3:6]) @ R0, x[:3]), x[6:])
    error = np.linalg.norm(pose.keypoints(skeleton)[index] - targets, axis=1).max()
    return pose, float(error)
