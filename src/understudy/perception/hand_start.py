"""A first guess for every frame by itself: orientation from the network's hand shape, distance from its size."""

import numpy as np
from jaxtyping import Float

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.geometry.cameras import camera_ray
from understudy.perception.hand_terms import REST_POSE, HandObservations, HandState, aligned_shape, apparent_scale

__all__ = ["START_POSES", "align_palm", "first_guess"]

START_POSES = (REST_POSE, np.array([0.2, 0.5, 0.5, 0.5] + [0.0, 1.4, 1.6, 0.9] * 4))
"""Relaxed hand and fist [rad]: from either one alone, some of the other's frames end in a wrong fold."""

_PALM = [0, 1, 5, 9, 13, 17]
"""Keypoints that move as one with the wrist (the thumb's base included)."""


def first_guess(
    observations: HandObservations,
    K: Float[np.ndarray, "3 3"],
    skeleton: HandSkeleton,
    pose: Float[np.ndarray, "20"],
) -> HandState:
    """Joints as in `pose`; palm aligned with the shape by rotation; scaled orthographic distance z = f / (px per m)."""
    ray = camera_ray(K, observations.pixels.mean(1))
    unit = ray / np.linalg.norm(ray, axis=-1, keepdims=True)
    distance = np.sqrt(K[0, 0] * K[1, 1]) / apparent_scale(observations, unit, skeleton)
    shape = aligned_shape(observations, unit, skeleton) + (unit * distance[:, None])[:, None]
    return align_palm(shape, skeleton, pose)


def align_palm(points: Float[np.ndarray, "N 21 3"], skeleton: HandSkeleton, pose: Float[np.ndarray, "20"]) -> HandState:
    """Joints as in `pose`, wrist on the wrist, and the rotation that brings the palm's keypoints onto `points` [m]."""
    joints = np.tile(pose, (len(points), 1))
    own = skeleton.keypoints(joints)
    palm, target = own[:, _PALM], points[:, _PALM]
    R = _kabsch(palm - palm.mean(1, keepdims=True), target - target.mean(1, keepdims=True))
    return HandState(points[:, 0] - (R @ own[:, 0, :, None])[..., 0], R, joints)


def _kabsch(source: Float[np.ndarray, "N P 3"], target: Float[np.ndarray, "N P 3"]) -> Float[np.ndarray, "N 3 3"]:
    """Rotations that bring centred `source` onto centred `target` in the least-squares sense."""
    U, _, Vt = np.linalg.svd(np.swapaxes(target, 1, 2) @ source)
    signs = np.ones((len(source), 3))
    signs[:, 2] = np.sign(np.linalg.det(U @ Vt))
    return (U * signs[:, None]) @ Vt
