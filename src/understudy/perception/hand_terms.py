"""What one frame says about the hand: landmarks, hand-centred shape and joints as a robust least-squares cost.

State of one frame, 26 coordinates: wrist position p [m], wrist rotation R (updated as R exp(d)), joints q [rad].

    x_i = R x_i(q) + p                                                        keypoint i in the camera frame
    E_pixels = w sum_i rho(|pi(x_i) - u_i|^2 / s_u^2),  rho = Geman-McClure   s_u grows with the hand in the image
    E_shape  = w sum_i ((ray . (x_i - mean x)) - k (ray . (W_i - mean W)))^2 / s_W^2     depth order, settles flips
    E_joints = w sum_j ((q_j - rest_j) / s_j)^2 + (coupling) + (beyond a limit)^2 / s_l^2

w = min(1, dt / tau): landmark errors last about tau, so frames closer than that are not fresh evidence. The optimum and
its covariance then do not depend on the frame rate.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.geometry.cameras import camera_ray
from understudy.geometry.rotations import skew
from understudy.perception.hand_jacobian import keypoints_with_jacobian
from understudy.perception.landmark_calibration import LandmarkConvention

__all__ = [
    "NUM_COORDINATES",
    "REST_POSE",
    "FrameTerms",
    "HandObservations",
    "HandState",
    "TermWeights",
    "aligned_shape",
    "apparent_scale",
    "joint_rows",
]

NUM_COORDINATES = 26

REST_POSE = np.array([0.0, 0.1, 0.3, 0.3] + [0.0, 0.5, 0.6, 0.35] * 4)
"""Relaxed hand [rad]: where joints go that the image says nothing about."""

_REST_STD = np.array([0.35, 0.35, 0.40, 0.45] + [0.16, 0.60, 0.60, 0.45] * 4)
_COUPLING = 0.67
"""Flexion of the last joint over that of the middle one (the two share a tendon)."""
_COUPLING_STD = 0.25
_LIMIT_STD = 0.03


@dataclass(frozen=True)
class TermWeights:
    """Standard deviations that turn residuals into evidence."""

    pixel_share: float = 0.013
    """Landmark error over the length of the hand in the image, for the surest keypoints."""
    outlier: float = 3.5
    """Residual in standard deviations at which a landmark has lost most of its say."""
    shape_share: float = 0.6
    """Error of the hand-centred depth over the length of the hand."""
    correlation_s: float = 0.5
    """How long landmark errors last [s]."""


@dataclass(frozen=True)
class HandObservations:
    """Landmarks of one right hand in N frames that saw it."""

    time_s: Float[np.ndarray, " N"]
    pixels: Float[np.ndarray, "N 21 2"]
    world: Float[np.ndarray, "N 21 3"]
    """Hand-centred, in camera axes [m]; only its proportions are used."""

    def __getitem__(self, part: slice) -> "HandObservations":
        return HandObservations(self.time_s[part], self.pixels[part], self.world[part])


@dataclass(frozen=True)
class HandState:
    """The fitted coordinates of N frames."""

    position: Float[np.ndarray, "N 3"]
    """Wrist in the camera frame [m]."""
    rotation: Float[np.ndarray, "N 3 3"]
    """R_camera_wrist."""
    joints: Float[np.ndarray, "N 20"]

    def __getitem__(self, part: slice) -> "HandState":
        return HandState(self.position[part], self.rotation[part], self.joints[part])


class FrameTerms:
    """Cost, gradient and Gauss-Newton Hessian of every frame by itself.

    Args:
        skeleton: the hand, its size included.
        convention: how the landmarks lie to the skeleton's keypoints.
        K: intrinsics [px].
        observations: what was seen.
        weights: standard deviations.
    """

    def __init__(
        self,
        skeleton: HandSkeleton,
        convention: LandmarkConvention,
        K: Float[np.ndarray, "3 3"],
        observations: HandObservations,
        weights: TermWeights,
    ) -> None:
        self._skeleton, self._convention, self._K, self._seen = skeleton, convention, K, observations
        self._weights = weights
        self._offsets = np.zeros_like(observations.world)
        self._outlier = weights.outlier
        ray = camera_ray(K, observations.pixels.mean(axis=1))
        self._ray = ray / np.linalg.norm(ray, axis=-1, keepdims=True)
        self._depth = shape_depth(observations, self._ray, skeleton)
        self._size_seen = apparent_scale(observations, self._ray, skeleton) * skeleton.hand_length_m
        self.evidence = _evidence(observations.time_s, weights.correlation_s)

    def trust_landmarks(self, factor: float) -> None:
        """Move the residual at which a landmark counts as an outlier to `factor` times that of the weights."""
        self._outlier = factor * self._weights.outlier

    def place_landmarks(self, state: HandState) -> None:
        """Evaluate the landmark convention at `state`; its offsets stay there until the next call."""
        self._offsets = self._convention.offsets(state.position, state.rotation, state.joints)

    def linearised(self, state: HandState) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cost (N,), gradient (N, 26) and Hessian (N, 26, 26), each half of the usual sum of squares."""
        points, J_joints = keypoints_with_jacobian(self._skeleton, state.joints, self._offsets)
        R = state.rotation[:, None]
        x = (R @ points[..., None])[..., 0] + state.position[:, None]
        J = np.empty((*x.shape, NUM_COORDINATES))
        J[..., :3] = np.eye(3)
        J[..., 3:6] = -R @ skew(points)
        J[..., 6:] = R @ J_joints
        rows = [self._pixel_rows(x, J), self._shape_rows(x, J), joint_rows(self._skeleton, state.joints)]
        cost = sum(row[2] for row in rows)
        residual = np.concatenate([row[0] for row in rows], axis=1)
        jacobian = np.concatenate([row[1] for row in rows], axis=1)
        weighted = jacobian * self.evidence[:, None, None]
        gradient = np.einsum("nri,nr->ni", weighted, residual)
        return cost * self.evidence, gradient, np.swapaxes(weighted, 1, 2) @ jacobian

    def pixel_error(self, state: HandState) -> Float[np.ndarray, "N 21"]:
        """Distance between projected and seen landmarks [px]."""
        points, _ = keypoints_with_jacobian(self._skeleton, state.joints, self._offsets)
        x = points @ np.swapaxes(state.rotation, 1, 2) + state.position[:, None]
        projected = x @ self._K.T
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.linalg.norm(projected[..., :2] / projected[..., 2:] - self._seen.pixels, axis=-1))

    def hand_size_px(self, state: HandState) -> Float[np.ndarray, " N"]:
        """Length that the straight hand would have in the image, held across the ray at its distance [px]."""
        distance = np.linalg.norm(state.position, axis=-1)
        return self._K[0, 0] * self._skeleton.hand_length_m / np.maximum(distance, 1e-3)

    def _pixel_rows(self, x: np.ndarray, J: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        focal = np.array([self._K[0, 0], self._K[1, 1]])
        z = np.maximum(x[..., 2:], 0.02)  # behind the camera nothing projects; the cost there is large and finite
        image = x[..., :2] / z
        sigma = self._weights.pixel_share * self._size_seen[:, None, None] * self._convention.spread[:, None]
        residual = (image * focal + self._K[:2, 2] - self._seen.pixels) / sigma
        J_image = (J[..., :2, :] - image[..., None] * J[..., 2:, :]) / z[..., None] * (focal / sigma)[..., None]
        # Geman-McClure: rho(e) = c e / (c + e); IRLS weight rho'(e) = (c / (c + e))^2
        squared = (residual**2).sum(-1)
        c = self._outlier**2
        cost = 0.5 * (c * squared / (c + squared)).sum(-1)
        root = (c / (c + squared))[..., None]
        num = len(x)
        return (residual * root).reshape(num, -1), (J_image * root[..., None]).reshape(num, -1, NUM_COORDINATES), cost

    def _shape_rows(self, x: np.ndarray, J: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        sigma = self._weights.shape_share * self._skeleton.hand_length_m
        depth = np.einsum("nki,ni->nk", x, self._ray)
        J_depth = np.einsum("nkij,ni->nkj", J, self._ray)
        residual = (depth - depth.mean(1, keepdims=True) - self._depth) / sigma
        return residual, (J_depth - J_depth.mean(1, keepdims=True)) / sigma, 0.5 * (residual**2).sum(-1)


def joint_rows(skeleton: HandSkeleton, q: Float[np.ndarray, "N 20"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """E_joints as residuals (N, M), their derivatives by the 26 coordinates (N, M, 26), and cost (N,)."""
    low, high = skeleton.limits.T
    beyond = (q - np.clip(q, low, high)) / _LIMIT_STD
    coupled = (q[:, 7::4] - _COUPLING * q[:, 6::4]) / _COUPLING_STD  # the four fingers; the thumb has no such tendon
    residual = np.concatenate([(q - REST_POSE) / _REST_STD, beyond, coupled], axis=1)
    J = np.zeros((*residual.shape, NUM_COORDINATES))
    joint = np.arange(20)
    J[:, joint, 6 + joint] = 1 / _REST_STD
    J[:, 20 + joint, 6 + joint] = (beyond != 0) / _LIMIT_STD
    for finger in range(4):
        J[:, 40 + finger, 6 + 7 + 4 * finger] = 1 / _COUPLING_STD
        J[:, 40 + finger, 6 + 6 + 4 * finger] = -_COUPLING / _COUPLING_STD
    return residual, J, 0.5 * (residual**2).sum(-1)


def _bone_length(points: Float[np.ndarray, "*N 21 3"]) -> Float[np.ndarray, "*N"]:
    """Sum of the 20 bones wrist - knuckles - tips: the size of a hand in any pose [units of the points]."""
    fingers = points[..., 1:, :].reshape(*points.shape[:-2], 5, 4, 3)
    inner = np.linalg.norm(np.diff(fingers, axis=-2), axis=-1).sum((-1, -2))
    return np.asarray(inner + np.linalg.norm(fingers[..., 0, :] - points[..., :1, :], axis=-1).sum(-1))


def shape_scale(observations: HandObservations, skeleton: HandSkeleton) -> Float[np.ndarray, " N"]:
    """Factor k that gives the network's hand-centred shape the bones of the skeleton."""
    return _bone_length(skeleton.keypoints(REST_POSE)) / _bone_length(observations.world)


def aligned_shape(
    observations: HandObservations,
    ray: Float[np.ndarray, "N 3"],
    skeleton: HandSkeleton,
) -> Float[np.ndarray, "N 21 3"]:
    """Centred hand shape in camera axes [m]: the network sees the hand as if the camera looked straight at it."""
    shape = observations.world * shape_scale(observations, skeleton)[:, None, None]
    shape = shape - shape.mean(1, keepdims=True)
    return shape @ np.swapaxes(_looking_along(ray), 1, 2)


def shape_depth(
    observations: HandObservations,
    ray: Float[np.ndarray, "N 3"],
    skeleton: HandSkeleton,
) -> Float[np.ndarray, "N 21"]:
    """Depth of each landmark along the ray, from their mean [m]."""
    return np.asarray(np.einsum("nki,ni->nk", aligned_shape(observations, ray, skeleton), ray))


def apparent_scale(
    observations: HandObservations,
    ray: Float[np.ndarray, "N 3"],
    skeleton: HandSkeleton,
) -> Float[np.ndarray, " N"]:
    """Pixels per metre at the hand: spread of the landmarks over the spread of the shape seen along the ray."""
    shape = aligned_shape(observations, ray, skeleton)
    across = shape - np.einsum("nki,ni->nk", shape, ray)[..., None] * ray[:, None]
    centred = observations.pixels - observations.pixels.mean(1, keepdims=True)
    return np.sqrt((centred**2).sum((1, 2)) / np.maximum((across**2).sum((1, 2)), 1e-12))


def _looking_along(ray: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3 3"]:
    """Smallest rotation that takes the optical axis to the ray."""
    x, y, z = ray.T
    a = 1 / (1 + z)
    rows = [1 - a * x * x, -a * x * y, x, -a * x * y, 1 - a * y * y, y, -x, -y, z]
    return np.stack(rows, axis=-1).reshape(-1, 3, 3)


def _evidence(time_s: Float[np.ndarray, " N"], correlation_s: float) -> Float[np.ndarray, " N"]:
    """min(1, dt / tau) with dt the mean of the gaps before and after."""
    if len(time_s) < 2:
        return np.ones(len(time_s))
    gaps = np.diff(time_s)
    dt = (np.r_[gaps[:1], gaps] + np.r_[gaps, gaps[-1:]]) / 2
    return np.minimum(1.0, dt / correlation_s)
