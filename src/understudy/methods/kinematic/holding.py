"""When something was held, from what was moved: the hand's rays pass through the thing's first place, then its last.

The opening of tracked fingers is noisy where they hide each other. The scene is not: a thing that was carried from A to
B was in the hand from the time the hand was at A until it was at B, and was above the table in between.
"""

import numpy as np
from jaxtyping import Bool, Float

from understudy.methods.kinematic.anchoring import pinch_point
from understudy.perception.scene_change import Move
from understudy.perception.scene_objects import SceneObject
from understudy.retargeting.grasp import Grasps

__all__ = ["carried_interval", "close_on", "holding"]

_NEAR_M = 0.03
"""The ray through the pinching fingers passes this close to the middle of what they hold."""
_LIFT_M = 0.04
"""A thing that was carried was this much higher in between."""
_AGREES = 0.7
"""Share of the carried interval that a grasp seen in the fingers must cover to be preferred."""


def _distance_to_ray(
    points: Float[np.ndarray, "T 3"], eye: Float[np.ndarray, "3"], target: Float[np.ndarray, "3"]
) -> Float[np.ndarray, " T"]:
    direction = (points - eye) / np.linalg.norm(points - eye, axis=-1, keepdims=True)
    return np.asarray(np.linalg.norm(np.cross(target - eye, direction), axis=-1))


def _run(near: Bool[np.ndarray, " T"], index: int) -> tuple[int, int]:
    """First and last frame of the unbroken run of True around `index`."""
    outside = np.flatnonzero(~near)
    before, after = outside[outside < index], outside[outside > index]
    return int(before[-1]) + 1 if before.size else 0, int(after[0]) - 1 if after.size else len(near) - 1


def carried_interval(
    keypoints: Float[np.ndarray, "T 21 3"], valid: Bool[np.ndarray, " T"], move: Move, eye: Float[np.ndarray, "3"]
) -> tuple[int, int] | None:
    """First and last frame in which the hand carried what was moved; None if it was not lifted.

    Keypoints and `eye` in the world [m]. The hand is taken to close midway through its stay at the first place, and to
    open midway through its stay at the last.
    """
    points = pinch_point(keypoints)
    away = [np.where(valid, _distance_to_ray(points, eye, _middle(thing)), np.inf) for thing in (move.start, move.end)]
    arrived = int(np.argmin(away[1]))
    left = np.flatnonzero(away[0][:arrived] < _NEAR_M)
    if left.size == 0 or away[1][arrived] > _NEAR_M:
        return None
    first = sum(_run(away[0] < _NEAR_M, int(left[-1]))) // 2
    last = sum(_run(away[1] < _NEAR_M, arrived)) // 2
    if last <= first:
        return None
    # Heights as seen at the right distance: the hand is on its rays, over the straight way from A to B.
    share = (np.arange(first, last + 1) - first) / (last - first)
    way = move.start.xy + share[:, None] * (move.end.xy - move.start.xy)
    ray = points[first : last + 1] - eye
    along = np.einsum("td,td->t", way - eye[:2], ray[:, :2]) / np.einsum("td,td->t", ray[:, :2], ray[:, :2])
    height = eye[2] + along * ray[:, 2]
    return (first, last) if np.nanmax(height) > max(height[0], height[-1]) + _LIFT_M else None


def _middle(thing: SceneObject) -> Float[np.ndarray, "3"]:
    return np.array([*thing.xy, thing.base_m + thing.height_m / 2])


def holding(num_frames: int, carried: tuple[int, int] | None, seen: list[tuple[int, int]]) -> Grasps:
    """Which frames hold something: a grasp `seen` in the fingers if it agrees with `carried`, else `carried` itself."""
    closed = np.zeros(num_frames, dtype=bool)
    if carried is not None:
        first, last = carried
        overlap = [min(last, end) - max(first, start) for start, end in seen]
        agreeing = [grasp for grasp, shared in zip(seen, overlap, strict=True) if shared > _AGREES * (last - first)]
        start, end = agreeing[0] if agreeing else carried
        closed[start : end + 1] = True
    return Grasps(closed, closed.astype(float), np.nan, np.nan)


def close_on(
    keypoints: Float[np.ndarray, "T 21 3"], closed: Bool[np.ndarray, " T"], width_m: float
) -> Float[np.ndarray, "T 21 3"]:
    """Tips of thumb and fingers drawn together to `width_m` where they hold a thing of that width [m]."""
    result = keypoints.copy()
    across = 0.5 * (keypoints[:, 8] + keypoints[:, 12]) - keypoints[:, 4]
    distance = np.linalg.norm(across, axis=-1, keepdims=True)
    shift = 0.5 * np.maximum(distance - width_m, 0.0) * across / np.maximum(distance, 1e-9) * closed[:, None]
    result[:, 4] += shift
    result[:, [8, 12, 16, 20]] -= shift[:, None]
    return result
