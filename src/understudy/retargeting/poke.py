"""What a hand that holds nothing acts with: the index finger, and the fingers whose tips it keeps beside it."""

from itertools import pairwise

import numpy as np
from jaxtyping import Float

from understudy.retargeting.contact import wrist_frames

__all__ = ["acting_fingertips", "poke_point"]

_TIPS = (8, 12, 16)
_BESIDE_M = 0.028
"""Tips of fingers held together are 15 to 20 mm apart, a bent ring finger's 40 mm, a curled finger's 80 mm [m]."""


def acting_fingertips(keypoints: Float[np.ndarray, "T 21 3"]) -> tuple[int, ...]:
    """Keypoints of the tips that act together: index, then middle and ring finger while each keeps beside the last.

    Judged by their median places in the hand over all frames, which noise does not spread. Any frame of reference [m];
    NaN in gaps.
    """
    R = wrist_frames(keypoints)[:, :3, :3]
    acting = [_TIPS[0]]
    for before, tip in pairwise(_TIPS):
        apart = np.einsum("tji,tj->ti", R, keypoints[:, tip] - keypoints[:, before])
        if np.linalg.norm(np.nanmedian(apart, axis=0)) > _BESIDE_M:
            break
        acting.append(tip)
    return tuple(acting)


def poke_point(keypoints: Float[np.ndarray, "T 21 3"]) -> Float[np.ndarray, "T 3"]:
    """Middle of the acting fingers' tips; NaN in gaps. Any frame [m]."""
    return np.asarray(keypoints[:, list(acting_fingertips(keypoints))].mean(axis=1))
