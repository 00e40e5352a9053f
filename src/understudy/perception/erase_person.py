"""A person's scene without the person: hand and forearm are taken out of a clip's first frame.

Where they were, other frames show what is behind them; what no frame shows is filled in from around it. No network and
no segmentation: the tracked landmarks outline the hand, and the forearm goes on behind the wrist to the image's edge.
Small images are what this is for.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

__all__ = ["erase_person", "person_mask"]

_FINE = 4
"""Masks are drawn in so many times the size."""
_AROUND = 0.16
"""Flesh around the landmarks, as a share of the wrist's distance from the middle knuckle."""
_ARM = (0.62, 0.8)
"""Half the forearm's width at the wrist and far behind it, as a share of that distance."""
_WRIST, _INDEX_KNUCKLE, _MIDDLE_KNUCKLE, _LITTLE_KNUCKLE = 0, 5, 9, 17
_DARKER, _SAME_COLOUR = 0.93, 0.03
"""A shadow is darker than this share of what other frames show, in the same shares of red, green and blue."""
_SHADOW_SHARE = 0.1
"""Shadows are looked for within this share of the image's side around the person."""


def person_mask(landmarks_px: Float[np.ndarray, "21 2"], size: int) -> Bool[np.ndarray, "S S"]:
    """Pixels of a square image that hand and forearm may cover; none without a hand (NaN)."""
    mask = np.zeros((size * _FINE, size * _FINE), np.uint8)
    if not np.isfinite(landmarks_px).all():
        return mask[::_FINE, ::_FINE].astype(bool)
    points = landmarks_px * _FINE
    wrist, back = points[_WRIST], points[_WRIST] - points[_MIDDLE_KNUCKLE]
    palm = float(np.linalg.norm(points[_INDEX_KNUCKLE] - points[_LITTLE_KNUCKLE]))
    length = max(float(np.linalg.norm(back)), palm, 1.0)
    back = back / max(float(np.linalg.norm(back)), 1e-6)
    side = length * np.array([-back[1], back[0]])
    begin, end = wrist - 0.3 * length * back, wrist + 2 * size * _FINE * back
    arm = [begin + _ARM[0] * side, end + _ARM[1] * side, end - _ARM[1] * side, begin - _ARM[0] * side]
    cv2.fillConvexPoly(mask, np.round(arm).astype(np.int32), 1)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(points).astype(np.int32)), 1)
    reach = max(round(_AROUND * length), _FINE // 2)
    mask = cv2.dilate(mask, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    return cv2.resize(mask.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA) > 0.02


def erase_person(
    frames: UInt8[np.ndarray, "T S S 3"], landmarks_px: Float[np.ndarray, "T 21 2"]
) -> UInt8[np.ndarray, "S S 3"]:
    """The first frame without the person.

    Args:
        frames: a clip by a camera that stands still.
        landmarks_px: where the hand is in each of them, in pixels of these images; NaN where none was seen: such a
            frame says nothing, for an arm may be in it.
    """
    size, first = frames.shape[1], frames[0]
    seen = np.isfinite(landmarks_px).all(axis=(1, 2))
    if not seen.any():
        return first.copy()
    masks = np.stack([person_mask(points, size) for points in landmarks_px])
    # Before the hand is first seen it is taken to be where it was seen first.
    covered = masks[int(np.argmax(seen))]
    behind, free = _behind(frames[seen], masks[seen])
    if not free.all():
        behind = np.asarray(cv2.inpaint(behind, (~free).astype(np.uint8), 3, cv2.INPAINT_TELEA))
    replaced = covered | _shadow(first, behind, covered)
    weight = cv2.blur(replaced.astype(np.float32), (2, 2))[..., None]
    return np.round(first * (1 - weight) + behind * weight).astype(np.uint8)


def _behind(
    frames: UInt8[np.ndarray, "T S S 3"], masks: Bool[np.ndarray, "T S S"]
) -> tuple[UInt8[np.ndarray, "S S 3"], Bool[np.ndarray, "S S"]]:
    """Median of what frames show that the person does not cover, and where there is any."""
    order = np.argsort(np.where(masks[..., None], 256, frames.astype(np.int16)), axis=0)
    count = (~masks).sum(axis=0)
    middle = np.broadcast_to(np.maximum(count - 1, 0)[None, ..., None] // 2, (1, *frames.shape[1:]))
    index = np.take_along_axis(order, middle, axis=0)
    median = np.take_along_axis(frames, index, axis=0)[0]
    return np.where(count[..., None] > 0, median, 0).astype(np.uint8), count > 0


def _shadow(
    first: UInt8[np.ndarray, "S S 3"], behind: UInt8[np.ndarray, "S S 3"], covered: Bool[np.ndarray, "S S"]
) -> Bool[np.ndarray, "S S"]:
    """Pixels near the person that are as later but darker."""
    reach = 2 * round(_SHADOW_SHARE * len(first)) + 1
    near = cv2.dilate(covered.astype(np.uint8), np.ones((reach, reach), np.uint8)).astype(bool)
    now, later = first.astype(np.float32), behind.astype(np.float32)
    total_now, total_later = now.sum(-1), later.sum(-1)
    shares = np.abs(now / (total_now + 1)[..., None] - later / (total_later + 1)[..., None]).max(-1)
    return near & (total_now < _DARKER * total_later) & (shares < _SAME_COLOUR)
