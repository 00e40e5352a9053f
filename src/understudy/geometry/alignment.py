"""Bring points of one space into another: Human2Robot's shared frame from three points, and least squares for more."""

import numpy as np
from jaxtyping import Float

from understudy.geometry.transforms import make_transform

__all__ = ["align_points", "shared_frame", "three_point_alignment"]


def shared_frame(points: Float[np.ndarray, "3 3"]) -> tuple[Float[np.ndarray, "4 4"], float]:
    """Frame and scale that three marked points define (Human2Robot, section 3.1).

    Origin at the first point, x towards the second, the third in the x-y plane with y > 0. The scale is the distance
    from the first to the second [m].

    Raises:
        ValueError: if the points lie on one line.
    """
    origin, along, side = points
    x = along - origin
    normal = np.cross(x, side - origin)
    if np.linalg.norm(normal) < 1e-9 * max(float(np.linalg.norm(x)) ** 2, 1e-12):
        raise ValueError("the three points lie on one line: mark a third point beside it")
    scale = float(np.linalg.norm(x))
    x = x / scale
    z = normal / np.linalg.norm(normal)
    return make_transform(np.stack([x, np.cross(z, x), z], axis=-1), origin), scale


def three_point_alignment(
    human_points: Float[np.ndarray, "3 3"], robot_points: Float[np.ndarray, "3 3"]
) -> tuple[Float[np.ndarray, "4 4"], float]:
    """T_robot_human and scale s from the same three places marked in both spaces: p_robot = T (s p_human)."""
    T_human, scale_human = shared_frame(human_points)
    T_robot, scale_robot = shared_frame(robot_points)
    scale = scale_robot / scale_human
    R = T_robot[:3, :3] @ T_human[:3, :3].T
    return make_transform(R, T_robot[:3, 3] - R @ (scale * T_human[:3, 3])), scale


def align_points(
    source: Float[np.ndarray, "N 3"], target: Float[np.ndarray, "N 3"], with_scale: bool = False
) -> tuple[Float[np.ndarray, "4 4"], float]:
    """Least-squares T_target_source and scale (Umeyama 1991): target = T (s source). At least three points."""
    if len(source) < 3:
        raise ValueError(f"{len(source)} points: an alignment needs at least 3")
    source_mean, target_mean = source.mean(0), target.mean(0)
    source_centred, target_centred = source - source_mean, target - target_mean
    U, S, Vt = np.linalg.svd(target_centred.T @ source_centred)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(U @ Vt))])
    R = U @ np.diag(signs) @ Vt
    scale = float((S * signs).sum() / (source_centred**2).sum()) if with_scale else 1.0
    return make_transform(R, target_mean - scale * R @ source_mean), scale
