"""Targets past contact: servos push on a thing only if their targets lie inside it.

A person's fingertip stops at the surface and presses; a robot whose target is that same surface touches it and does
nothing. So what is held is squeezed, and what is pressed from above is pressed through, by stated amounts.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.signal import find_peaks

from understudy.geometry.hand_frame import wrist_frame

__all__ = ["press_through", "squeeze_fingertips", "tuck_fingertips", "wrist_frames"]

_INDEX_TIP = 8
_TUCKED_M = 0.03
"""How far in front of its knuckle the tip of a curled finger lies [m]."""
_DIP_M = 0.02
"""A press comes down and goes up again by at least this much [m]."""
_LOW_M = 0.015
"""Frames whose index tip is within this height of the lowest one are the bottom of the dip [m]."""
_STILL_M = 0.04
"""A press stays within this circle; a longer way at the lowest height is a push [m]."""
_RAMP_M = (0.02, 0.05)
"""Heights above the lowest point between which the extra depth fades out [m]."""


def squeeze_fingertips(
    keypoints: Float[np.ndarray, "T 21 3"], closed: Bool[np.ndarray, " T"], squeeze_m: float
) -> Float[np.ndarray, "T 21 3"]:
    """Tips of thumb and fingers moved towards each other by `squeeze_m` in all, where something is held.

    Thumb and fingers move half each, along the line from the thumb to the middle of index and middle finger, never past
    each other.
    """
    goal = keypoints.copy()
    across = 0.5 * (keypoints[:, 8] + keypoints[:, 12]) - keypoints[:, 4]
    distance = np.linalg.norm(across, axis=-1, keepdims=True)
    shift = 0.5 * np.minimum(squeeze_m, distance) * across / np.maximum(distance, 1e-9) * closed[:, None]
    goal[:, 4] += shift
    goal[:, [8, 12, 16, 20]] -= shift[:, None]
    return goal


def press_through(
    keypoints: Float[np.ndarray, "T 21 3"], press_m: float, highest_m: float
) -> tuple[Float[np.ndarray, "T 21 3"], int]:
    """The hand lowered by `press_m` around every press, and how many there are (z is up, some frame is seen).

    A press is a dip of the index tip that comes down and goes up again by 20 mm or more, stays in place meanwhile and
    ends below `highest_m`: what is pressed stands on the table.
    """
    tip = keypoints[:, _INDEX_TIP]
    seen = np.flatnonzero(np.isfinite(tip).all(axis=-1))
    filled = np.stack([np.interp(np.arange(len(tip)), seen, tip[seen, axis]) for axis in range(3)], axis=-1)
    lowered, count = keypoints.copy(), 0
    for dip in find_peaks(-filled[:, 2], prominence=_DIP_M, plateau_size=1)[0].tolist():
        above = filled[:, 2] - filled[dip, 2]
        span = _stretch(above < _RAMP_M[1], dip)
        bottom = _stretch(above < _LOW_M, dip)
        still = np.linalg.norm(np.ptp(filled[bottom, :2], axis=0)) <= _STILL_M
        if not still or filled[dip, 2] > highest_m:
            continue
        share = np.clip((_RAMP_M[1] - above[span]) / (_RAMP_M[1] - _RAMP_M[0]), 0.0, 1.0)
        lowered[span, :, 2] -= press_m * (share**2 * (3 - 2 * share))[:, None]
        count += 1
    return lowered, count


def _stretch(inside: Bool[np.ndarray, " T"], index: int) -> slice:
    """The unbroken stretch of True around `index`."""
    before, after = np.flatnonzero(~inside[:index]), np.flatnonzero(~inside[index:])
    return slice(int(before[-1]) + 1 if len(before) else 0, index + int(after[0]) if len(after) else len(inside))


def tuck_fingertips(keypoints: Float[np.ndarray, "T 21 3"]) -> Float[np.ndarray, "T 21 3"]:
    """Tips of ring and little finger in front of their own knuckles, where a curled finger ends."""
    goal = keypoints.copy()
    palm = wrist_frames(keypoints)[:, :3, 2]
    goal[:, [16, 20]] = keypoints[:, [13, 17]] + _TUCKED_M * palm[:, None]
    return goal


def wrist_frames(keypoints: Float[np.ndarray, "T 21 3"]) -> Float[np.ndarray, "T 4 4"]:
    """Wrist frames of eq. 9-11; NaN where the keypoints are, or lie on one line."""
    frames = np.full((len(keypoints), 4, 4), np.nan)
    area = np.linalg.norm(np.cross(keypoints[:, 5] - keypoints[:, 0], keypoints[:, 9] - keypoints[:, 0]), axis=-1)
    usable = np.isfinite(keypoints).all(axis=(1, 2)) & (area > 1e-6)
    if usable.any():
        frames[usable] = wrist_frame(keypoints[usable])
    return frames
