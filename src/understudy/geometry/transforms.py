"""Rigid transforms T_a_b as (..., 4, 4) arrays: map coordinates of frame b into frame a."""

import numpy as np
from jaxtyping import Float

__all__ = ["apply_transform", "inverse_transform", "make_transform"]


def make_transform(R: Float[np.ndarray, "*B 3 3"], p: Float[np.ndarray, "*B 3"]) -> Float[np.ndarray, "*B 4 4"]:
    """T from rotation R and translation p [m]."""
    T = np.zeros((*np.broadcast_shapes(R.shape[:-2], p.shape[:-1]), 4, 4))
    T[..., :3, :3] = R
    T[..., :3, 3] = p
    T[..., 3, 3] = 1.0
    return T


def inverse_transform(T_a_b: Float[np.ndarray, "*B 4 4"]) -> Float[np.ndarray, "*B 4 4"]:
    """T_b_a."""
    R_b_a = np.swapaxes(T_a_b[..., :3, :3], -1, -2)
    return make_transform(R_b_a, -(R_b_a @ T_a_b[..., :3, 3:])[..., 0])


def apply_transform(
    T_a_b: Float[np.ndarray, "*#B 4 4"], p_b: Float[np.ndarray, "*#B N 3"]
) -> Float[np.ndarray, "*#B N 3"]:
    """Points of frame b expressed in frame a [m]; batch axes of T broadcast over the points."""
    return p_b @ np.swapaxes(T_a_b[..., :3, :3], -1, -2) + T_a_b[..., None, :3, 3]
