"""Hands move smoothly: second differences of pose and joints, for any spacing of the frames in time.

A hand driven by white-noise acceleration of power S has the cost, between frames h seconds apart,

    a_t = (d_t / h_t - d_{t-1} / h_{t-1}) / h,   h = (h_t + h_{t-1}) / 2,     E = 1/2 sum_t h |a_t|^2 / S

with d_t = x_{t+1} - x_t for position and joints, and d_t = log(R_t^T R_{t+1}) for the rotation.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from understudy.geometry.rotations import rotation_vector_from_matrix, skew
from understudy.perception.hand_terms import NUM_COORDINATES, HandState

__all__ = ["MotionTerms", "MotionWeights"]


@dataclass(frozen=True)
class MotionWeights:
    """Power of the accelerations that people's hands have (acceleration squared times how long it lasts)."""

    position: float = 0.2
    """[m^2/s^3]"""
    rotation: float = 15.0
    """[rad^2/s^3]"""
    joints: float = 100.0
    """[rad^2/s^3]"""


class MotionTerms:
    """Cost, gradient and Gauss-Newton blocks of the second differences over N frames at `time_s`."""

    def __init__(self, time_s: Float[np.ndarray, " N"], weights: MotionWeights) -> None:
        self._gaps = np.diff(time_s)
        power = np.repeat([weights.position, weights.rotation, weights.joints], [3, 3, 20])
        mean_gap = (self._gaps[1:] + self._gaps[:-1]) / 2
        self._gain = 1 / np.sqrt(mean_gap[:, None] * power)

    def cost(self, state: HandState) -> float:
        """E."""
        return 0.5 * float((self._residual(_steps(state)) ** 2).sum())

    def linearised(self, state: HandState) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Gradient (N, 26) and the Hessian's blocks (t, t), (t + 1, t), (t + 2, t)."""
        num = len(state.position)
        size = NUM_COORDINATES
        gradient = np.zeros((num, size))
        diagonal = np.zeros((num, size, size))
        first, second = np.zeros((max(num - 1, 0), size, size)), np.zeros((max(num - 2, 0), size, size))
        if num < 3:
            return gradient, diagonal, first, second
        steps = _steps(state)
        residual = self._residual(steps)
        J_from, J_to = _step_jacobians(steps[:, 3:6])
        gain, gaps = self._gain[:, :, None], self._gaps[:, None, None]
        J_to, J_from = J_to / gaps, J_from / gaps
        J = (-gain * J_from[:-1], gain * (J_from[1:] - J_to[:-1]), gain * J_to[1:])  # by frames t - 1, t, t + 1
        middle = num - 2
        for i in range(3):
            JT = np.swapaxes(J[i], 1, 2)
            gradient[i : i + middle] += (JT @ residual[..., None])[..., 0]
            diagonal[i : i + middle] += JT @ J[i]
        first[:middle] += np.swapaxes(J[1], 1, 2) @ J[0]
        first[1 : 1 + middle] += np.swapaxes(J[2], 1, 2) @ J[1]
        second += np.swapaxes(J[2], 1, 2) @ J[0]
        return gradient, diagonal, first, second

    def _residual(self, steps: Float[np.ndarray, "M 26"]) -> Float[np.ndarray, "A 26"]:
        speed = steps / self._gaps[:, None]
        return self._gain * np.diff(speed, axis=0)


def _steps(state: HandState) -> Float[np.ndarray, "M 26"]:
    turn = np.swapaxes(state.rotation[:-1], 1, 2) @ state.rotation[1:]
    parts = [np.diff(state.position, axis=0), rotation_vector_from_matrix(turn), np.diff(state.joints, axis=0)]
    return np.concatenate(parts, axis=1)


def _step_jacobians(
    turn: Float[np.ndarray, "M 3"],
) -> tuple[Float[np.ndarray, "M 26 26"], Float[np.ndarray, "M 26 26"]]:
    """Of a step by its first and its second frame: -I and I, but for w = log(R_t^T R_{t+1}) -Jr^-1(-w) and Jr^-1(w)."""
    to = np.tile(np.eye(NUM_COORDINATES), (len(turn), 1, 1))
    start = -to
    to[:, 3:6, 3:6] = _inverse_right_jacobian(turn)
    start[:, 3:6, 3:6] = -_inverse_right_jacobian(-turn)
    return start, to


def _inverse_right_jacobian(vector: Float[np.ndarray, "M 3"]) -> Float[np.ndarray, "M 3 3"]:
    """Jr^-1(w) = I + W/2 + (1/|w|^2 - (1 + cos|w|) / (2 |w| sin|w|)) W^2, W = skew(w)."""
    angle = np.linalg.norm(vector, axis=-1)[:, None, None]
    small = angle < 1e-3
    safe = np.where(small, 1.0, np.minimum(angle, np.pi - 1e-3))
    c = np.where(small, 1 / 12, 1 / safe**2 - (1 + np.cos(safe)) / (2 * safe * np.sin(safe)))
    W = skew(vector)
    return np.eye(3) + W / 2 + c * (W @ W)
