"""What a hand that holds nothing acts with: the tips of the fingers that it keeps straight."""

import numpy as np
from jaxtyping import Float

__all__ = ["poke_point", "straight_fingers"]

_FINGERS = {"index": (5, 6, 7, 8), "middle": (9, 10, 11, 12)}
_STRAIGHT = 0.9
"""A finger is straight if its knuckle and tip are at least this share of its bones' length apart."""


def straight_fingers(keypoints: Float[np.ndarray, "T 21 3"]) -> tuple[str, ...]:
    """Of index and middle finger those that are straight in most frames; the index finger if neither is.

    A straight ring finger mostly goes along with them: counted in, it draws the point away from what they touch.
    """
    found = []
    for name, chain in _FINGERS.items():
        points = keypoints[:, list(chain)]
        bones = np.linalg.norm(np.diff(points, axis=1), axis=-1).sum(-1)
        share = np.linalg.norm(points[:, -1] - points[:, 0], axis=-1) / np.maximum(bones, 1e-9)
        if np.nanmedian(share) >= _STRAIGHT:
            found.append(name)
    return tuple(found) or ("index",)


def poke_point(keypoints: Float[np.ndarray, "T 21 3"]) -> Float[np.ndarray, "T 3"]:
    """Middle of the straight fingers' tips; NaN in gaps. Any frame [m]."""
    tips = [_FINGERS[name][-1] for name in straight_fingers(keypoints)]
    return np.asarray(keypoints[:, tips].mean(axis=1))
