"""A left hand drives a right-handed robot as its mirror image.

Two mirrors. `robot`: the x-z plane of the robot's base; the whole motion changes sides, as in a looking glass. `hand`:
in every frame the plane through wrist, thumb tip and index tip; what the fingertips touch stays where it is, and the
other fingers and the palm change sides. The second is the one for objects that stand on a table.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from understudy.geometry.hand_frame import mirror_keypoints

__all__ = ["mirror_left_hand"]

_WRIST, _THUMB_TIP, _INDEX_TIP = 0, 4, 8
_SMOOTH_FRAMES = 4.0
"""The plane turns with noise in the fingertips; its normal is smoothed over this many frames."""


def mirror_left_hand(
    keypoints_base: Float[np.ndarray, "T 21 3"], about: Literal["robot", "hand"] = "robot"
) -> tuple[Float[np.ndarray, "T 21 3"], str]:
    """A right hand from a left one, both in the robot's base frame [m] (NaN stays NaN), and the note that says so."""
    if about == "robot":
        return mirror_keypoints(keypoints_base, axis=1), "left hand mirrored in the robot's x-z plane"
    mirrored = keypoints_base.copy()
    seen = np.isfinite(keypoints_base).all(axis=(1, 2))
    if seen.any():
        points = keypoints_base[seen]
        origin = points[:, _WRIST]
        to_thumb, to_index = points[:, _THUMB_TIP] - origin, points[:, _INDEX_TIP] - origin
        steady = gaussian_filter1d(np.cross(to_thumb, to_index), _SMOOTH_FRAMES, axis=0, mode="nearest")
        # The smoothed normal is made normal to the line from wrist to index tip again, which then stays in place.
        along = to_index / np.linalg.norm(to_index, axis=-1, keepdims=True)
        normal = steady - np.sum(steady * along, axis=-1, keepdims=True) * along
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        height = np.einsum("tki,ti->tk", points - origin[:, None], normal)
        mirrored[seen] = points - 2 * height[..., None] * normal[:, None]
    return mirrored, "left hand mirrored in place: index tip and wrist stay, palm and other fingers change sides"
