"""The skeleton fitted to 21 points that are already in metres: joint angles for trackers that give none."""

import numpy as np
from jaxtyping import Float

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.geometry.rotations import skew
from understudy.perception.hand_jacobian import keypoints_with_jacobian
from understudy.perception.hand_solver import select, solve_frames
from understudy.perception.hand_start import START_POSES, align_palm
from understudy.perception.hand_terms import NUM_COORDINATES, HandState, joint_rows

__all__ = ["PointTerms", "joints_from_points"]

_POINT_STD_M = 0.006
"""How far another tracker's keypoints may lie from this skeleton's: proportions differ between hands and models."""


class PointTerms:
    """E = sum_i |R x_i(q) + p - X_i|^2 / s^2 + E_joints, with X_i given [m]."""

    def __init__(self, skeleton: HandSkeleton, points: Float[np.ndarray, "N 21 3"]) -> None:
        self._skeleton, self._points = skeleton, points

    def linearised(self, state: HandState) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cost (N,), gradient (N, 26) and Hessian (N, 26, 26)."""
        num = len(self._points)
        local, J_joints = keypoints_with_jacobian(self._skeleton, state.joints, np.zeros((num, 21, 3)))
        R = state.rotation[:, None]
        J = np.empty((*local.shape, NUM_COORDINATES))
        J[..., :3], J[..., 3:6], J[..., 6:] = np.eye(3), -R @ skew(local), R @ J_joints
        off = ((R @ local[..., None])[..., 0] + state.position[:, None] - self._points) / _POINT_STD_M
        rows = off.reshape(num, -1), (J / _POINT_STD_M).reshape(num, -1, NUM_COORDINATES)
        joint_off, joint_J, joint_cost = joint_rows(self._skeleton, state.joints)
        residual = np.concatenate([rows[0], joint_off], axis=1)
        jacobian = np.concatenate([rows[1], joint_J], axis=1)
        gradient = np.einsum("nri,nr->ni", jacobian, residual)
        return 0.5 * (rows[0] ** 2).sum(-1) + joint_cost, gradient, np.swapaxes(jacobian, 1, 2) @ jacobian


def joints_from_points(points: Float[np.ndarray, "N 21 3"], hand_length_m: float) -> Float[np.ndarray, "N 20"]:
    """Joint angles [rad] of right hands from their keypoints in any frame [m]; mirror left ones first."""
    skeleton = HandSkeleton(hand_length_m)
    terms = PointTerms(skeleton, points)
    best, least = solve_frames(terms, align_palm(points, skeleton, START_POSES[0]))
    for pose in START_POSES[1:]:
        state, cost = solve_frames(terms, align_palm(points, skeleton, pose))
        better = cost < least
        best, least = select(better, state, best), np.where(better, cost, least)
    return best.joints
