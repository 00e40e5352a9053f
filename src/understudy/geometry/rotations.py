"""Rotations as matrices, quaternions (w, x, y, z), rotation vectors and the 6D form; hemisphere handled in one place.

SciPy does the conversions; what is ours is the hemisphere convention and vectorised exponentials for the solvers.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

__all__ = [
    "canonical_quaternion",
    "continuous_quaternions",
    "in_hemisphere",
    "matrix_from_quaternion",
    "matrix_from_rotation_6d",
    "matrix_from_rotation_vector",
    "quaternion_from_matrix",
    "rotation_6d_from_matrix",
    "rotation_angle",
    "rotation_vector_from_matrix",
    "skew",
]

_EPS = 1e-12


def canonical_quaternion(quaternion: Float[np.ndarray, "*B 4"]) -> Float[np.ndarray, "*B 4"]:
    """The representative with w >= 0 (first non-zero component positive where w = 0), normalised."""
    unit = quaternion / np.linalg.norm(quaternion, axis=-1, keepdims=True)
    first = np.argmax(np.abs(unit) > _EPS, axis=-1)
    sign = np.where(np.abs(unit[..., 0]) > _EPS, unit[..., 0], np.take_along_axis(unit, first[..., None], -1)[..., 0])
    return unit * np.where(sign < 0, -1.0, 1.0)[..., None]


def continuous_quaternions(quaternions: Float[np.ndarray, "T 4"]) -> Float[np.ndarray, "T 4"]:
    """Flip signs so that neighbours lie in one hemisphere; the first has w >= 0. Rows of NaN (gaps) are skipped."""
    result = np.array(quaternions, dtype=float)
    valid = np.flatnonzero(np.isfinite(result).all(-1))
    if valid.size == 0:
        return result
    result[valid[0]] = canonical_quaternion(result[valid[0]])
    rows = result[valid]
    turns = np.sign(np.einsum("ti,ti->t", rows[1:], rows[:-1]))
    turns[turns == 0] = 1.0
    rows[1:] *= np.cumprod(turns)[:, None]
    result[valid] = rows
    return result


def in_hemisphere(quaternion: Float[np.ndarray, "*B 4"], of: Float[np.ndarray, "4"]) -> Float[np.ndarray, "*B 4"]:
    """Signs flipped so that every quaternion lies on the side of `of`: one for one rotation, in all episodes."""
    return np.where((quaternion @ of)[..., None] < 0, -quaternion, quaternion)


def quaternion_from_matrix(R: Float[np.ndarray, "*B 3 3"]) -> Float[np.ndarray, "*B 4"]:
    """Canonical (w >= 0) quaternion (w, x, y, z) of a rotation matrix."""
    flat = Rotation.from_matrix(R.reshape(-1, 3, 3)).as_quat(scalar_first=True)
    return canonical_quaternion(flat.reshape(*R.shape[:-2], 4))


def matrix_from_quaternion(quaternion: Float[np.ndarray, "*B 4"]) -> Float[np.ndarray, "*B 3 3"]:
    """Rotation matrix of a quaternion (w, x, y, z) of any non-zero length."""
    flat = Rotation.from_quat(quaternion.reshape(-1, 4), scalar_first=True).as_matrix()
    return flat.reshape(*quaternion.shape[:-1], 3, 3)


def rotation_vector_from_matrix(R: Float[np.ndarray, "*B 3 3"]) -> Float[np.ndarray, "*B 3"]:
    """Axis times angle [rad], angle in [0, pi]."""
    return Rotation.from_matrix(R.reshape(-1, 3, 3)).as_rotvec().reshape(*R.shape[:-2], 3)


def matrix_from_rotation_vector(vector: Float[np.ndarray, "*B 3"]) -> Float[np.ndarray, "*B 3 3"]:
    """Rodrigues' formula, exact at zero; vectorised for the solvers' inner loops."""
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    K = skew(vector)
    small = angle < 1e-6
    safe = np.where(small, 1.0, angle)
    a = np.where(small, 1.0 - angle**2 / 6, np.sin(safe) / safe)
    b = np.where(small, 0.5 - angle**2 / 24, (1 - np.cos(safe)) / safe**2)
    return np.eye(3) + a * K + b * (K @ K)


def rotation_6d_from_matrix(R: Float[np.ndarray, "*B 3 3"]) -> Float[np.ndarray, "*B 6"]:
    """First two columns (Zhou et al. 2019)."""
    return np.concatenate([R[..., :, 0], R[..., :, 1]], axis=-1)


def matrix_from_rotation_6d(rotation_6d: Float[np.ndarray, "*B 6"]) -> Float[np.ndarray, "*B 3 3"]:
    """Gram-Schmidt of the two columns; inverse of `rotation_6d_from_matrix`."""
    first, second = rotation_6d[..., :3], rotation_6d[..., 3:]
    x = first / np.linalg.norm(first, axis=-1, keepdims=True)
    y = second - np.sum(x * second, axis=-1, keepdims=True) * x
    y = y / np.linalg.norm(y, axis=-1, keepdims=True)
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def rotation_angle(Ra: Float[np.ndarray, "*B 3 3"], Rb: Float[np.ndarray, "*B 3 3"]) -> Float[np.ndarray, "*B"]:
    """Angle between two rotations [rad], in [0, pi]."""
    return np.asarray(np.linalg.norm(rotation_vector_from_matrix(np.swapaxes(Ra, -1, -2) @ Rb), axis=-1))


def skew(vector: Float[np.ndarray, "*B 3"]) -> Float[np.ndarray, "*B 3 3"]:
    """Cross-product matrix S of a: S @ b = a x b."""
    x, y, z = np.moveaxis(vector, -1, 0)
    zero = np.zeros_like(x)
    return np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*vector.shape[:-1], 3, 3)
