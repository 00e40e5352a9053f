"""Put a tracked hand where it must have been: at the things that it touched, on a table whose place is known.

A hand fitted to plain RGB is right across the image and wrong along the ray, by centimetres. Things on the table are
located to millimetres from the same pixels (`perception.scene_objects`), so each contact tells the error at its moment:

- carry:  the point between the pinching fingertips is at the thing while the hand stays at its first place, and where
          it came to rest while the hand stays there, as high over it (`holding.py`);
- push:   the tips that act together go straight from behind the thing's first place to behind its last;
- press:  they are at the bottom of their dip over the nearest thing, at that thing's top.

An unknown hand length shows as a distance that is wrong by the same factor everywhere: it is corrected first. Between
contacts the correction is interpolated in time; outside it is kept. It moves the whole hand, never its shape.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.signal import find_peaks

from understudy.perception.scene_change import Move
from understudy.perception.scene_objects import SceneObject
from understudy.retargeting.poke import acting_fingertips, poke_point

__all__ = [
    "LEAD_S",
    "Contact",
    "anchor_keypoints",
    "pinch_point",
    "press_contacts",
    "push_contacts",
    "ray_distance",
    "scale_to_contacts",
    "stay_around",
]

LEAD_S = 0.4
"""A push or a press is followed from this long before its first contact until this long after its last; further from
a contact the hand's place is less certain, and the way is the robot's own."""
_THUMB_TIP, _INDEX_TIP = 4, 8
_BEHIND = 0.85
"""A finger tip that pushes a thing is this share of the thing's fitted radius behind its centre (1 for a cylinder,
about 0.75 for a cube met at a face), and `_FLESH_M` more."""
_FLESH_M = 0.003
_PRESS_M = 0.010
"""A press goes this far below the top of what is pressed."""
_STAY_M = 0.012
"""While the hand stays at a place, its rays pass it within this much of their smallest distance."""
_SCALE = (0.85, 1.15)
"""Hands of adults differ in length by this much from the mean at most."""
_DIP_M = 0.01
"""Smallest dip in height that is taken for a press."""
_MAX_SHIFT_M = 0.25
"""A contact that would move the hand further than this is not believed."""


@dataclass(frozen=True, eq=False)
class Contact:
    """One moment at which the hand's place is known."""

    index: int
    """Frame."""
    point: Float[np.ndarray, "3"]
    """What touches, as tracked, world [m]."""
    shift: Float[np.ndarray, "3"]
    """From the tracked to the known place, world [m]."""
    reason: str


def pinch_point(keypoints: Float[np.ndarray, "*B 21 3"]) -> Float[np.ndarray, "*B 3"]:
    """Midway between the tips of thumb and index finger."""
    return (keypoints[..., _THUMB_TIP, :] + keypoints[..., _INDEX_TIP, :]) / 2


def _to_axis(
    point: Float[np.ndarray, "3"], eye: Float[np.ndarray, "3"], xy: Float[np.ndarray, "2"], height: tuple[float, float]
) -> Float[np.ndarray, "3"]:
    """Shift `point` along its ray from `eye` until it is nearest the vertical axis at `xy`, then sideways onto it.

    The resulting height is kept within `height` [m].
    """
    ray = point - eye
    along = (xy - eye[:2]) @ ray[:2] / (ray[:2] @ ray[:2])
    z = np.clip(eye[2] + along * ray[2], *height)
    return np.array([*xy, z]) - point


def _nearest(point: Float[np.ndarray, "3"], eye: Float[np.ndarray, "3"], objects: list[SceneObject]) -> SceneObject:
    """The thing whose middle is nearest the ray from `eye` through `point`; between such, the nearer to `point`."""
    direction = (point - eye) / np.linalg.norm(point - eye)

    def distance(thing: SceneObject) -> float:
        offset = np.array([*thing.xy, thing.height_m / 2]) - point
        along = float(offset @ direction)
        across = float(np.linalg.norm(offset - along * direction))
        return float(np.hypot(across, 0.25 * along))

    return min(objects, key=distance)


def ray_distance(
    points: Float[np.ndarray, "T 3"], eye: Float[np.ndarray, "3"], target: Float[np.ndarray, "3"]
) -> Float[np.ndarray, " T"]:
    """Distance of `target` from the rays from `eye` through `points` [m]: what does not depend on their depth."""
    direction = (points - eye) / np.linalg.norm(points - eye, axis=-1, keepdims=True)
    return np.asarray(np.linalg.norm(np.cross(target - eye, direction), axis=-1))


def stay_around(away: Float[np.ndarray, " T"], index: int) -> tuple[int, int]:
    """Unbroken run of frames around `index` in which the hand is hardly further away than at `index`."""
    outside = np.flatnonzero(~(away < away[index] + _STAY_M))
    before, after = outside[outside < index], outside[outside > index]
    return int(before[-1]) + 1 if before.size else 0, int(after[0]) - 1 if after.size else len(away) - 1


def push_contacts(
    keypoints: Float[np.ndarray, "T 21 3"],
    valid: Bool[np.ndarray, " T"],
    time_s: Float[np.ndarray, " T"],
    move: Move,
    eye: Float[np.ndarray, "3"],
) -> list[Contact]:
    """Every frame of a push that carried `move.start` to `move.end`. Keypoints and `eye` in the world [m].

    The fingertips go straight from behind the thing's first place to behind its last; how far they are in each frame is
    where that line passes nearest their ray.
    """
    direction = (move.end.xy - move.start.xy) / move.distance_m
    behind = (_BEHIND * move.start.radius_m + _FLESH_M) * direction
    height = move.start.height_m / 2
    first, last = (np.array([*(thing.xy - behind), height]) for thing in (move.start, move.end))

    def span(tip: Float[np.ndarray, "T 3"]) -> tuple[int, int]:
        from_first, from_last = (np.where(valid, ray_distance(tip, eye, place), np.inf) for place in (first, last))
        end = int(np.argmin(from_last))
        return min(stay_around(from_first, int(np.argmin(from_first[: end + 1])))[1], end), end

    begin, end = span(poke_point(keypoints))
    tip = _acting_tip(keypoints, time_s, begin, end)
    contacts = []
    for index in (i for i in range(begin, end + 1) if valid[i]):
        share = float(np.clip(_nearest_share(first, last, tip[index] - eye, eye), 0.0, 1.0))
        shift = first + share * (last - first) - tip[index]
        contacts.append(Contact(index, tip[index], shift, "push from behind the first place to behind the last"))
    return contacts


def _nearest_share(
    a: Float[np.ndarray, "3"], b: Float[np.ndarray, "3"], ray: Float[np.ndarray, "3"], eye: Float[np.ndarray, "3"]
) -> float:
    """Where the line from `a` (0) to `b` (1) passes nearest a ray from `eye`."""
    across = np.cross(ray, b - a)
    normal = np.cross(ray, across)
    return float(normal @ (eye - a) / (normal @ (b - a)))


def press_contacts(
    keypoints: Float[np.ndarray, "T 21 3"],
    valid: Bool[np.ndarray, " T"],
    time_s: Float[np.ndarray, " T"],
    objects: list[SceneObject],
    eye: Float[np.ndarray, "3"],
) -> list[Contact]:
    """The moment at which the straight fingers' tips dip, over the thing nearest to it. World [m]."""
    lowest = _dip(poke_point(keypoints), valid)
    tip = _acting_tip(keypoints, time_s, lowest, lowest)
    thing = _nearest(tip[lowest], eye, objects)
    top = thing.height_m - _PRESS_M
    shift = _to_axis(tip[lowest], eye, thing.xy, (top, top))
    return [Contact(lowest, tip[lowest], shift, "press at the nearest thing's top")]


def _acting_tip(
    keypoints: Float[np.ndarray, "T 21 3"], time_s: Float[np.ndarray, " T"], begin: int, end: int
) -> Float[np.ndarray, "T 3"]:
    """Middle of the tips that act together while the hand is followed: what the robot's own tip will stand for."""
    followed = (time_s >= time_s[begin] - LEAD_S) & (time_s <= time_s[end] + LEAD_S)
    return np.asarray(keypoints[:, list(acting_fingertips(keypoints[followed]))].mean(axis=1))


def _dip(tip: Float[np.ndarray, "T 3"], valid: Bool[np.ndarray, " T"]) -> int:
    """Frame of the most marked dip in height: down and up again, which the lowest point of all need not be."""
    seen = np.flatnonzero(valid)
    height = tip[seen, 2]
    dips, properties = find_peaks(-height, prominence=_DIP_M, plateau_size=1)
    best = dips[np.argmax(properties["prominences"])] if len(dips) else np.argmin(height)
    return int(seen[best])


def scale_to_contacts(
    keypoints: Float[np.ndarray, "T 21 3"], contacts: list[Contact], eye: Float[np.ndarray, "3"]
) -> tuple[Float[np.ndarray, "T 21 3"], float]:
    """Hand and distance from `eye` made larger or smaller together, as the contacts say, and by how much.

    The image fixes the ratio of a hand's size to its distance. Contacts fix the distance, hence the size: an unknown
    hand length is found here. The scale is kept within what people's hands differ by.
    """
    rays = [(contact.point - eye, contact.point + contact.shift - eye) for contact in contacts]
    scales = [float(known @ tracked / (tracked @ tracked)) for tracked, known in rays]
    scale = float(np.clip(np.median(scales), *_SCALE)) if scales else 1.0
    return eye + scale * (keypoints - eye), scale


def anchor_keypoints(
    keypoints: Float[np.ndarray, "T 21 3"], time_s: Float[np.ndarray, " T"], contacts: list[Contact]
) -> tuple[Float[np.ndarray, "T 21 3"], tuple[str, ...]]:
    """Keypoints moved so that every believed contact holds, and a note for each kind."""
    believed = [contact for contact in contacts if np.linalg.norm(contact.shift) <= _MAX_SHIFT_M]
    notes = []
    for reason in dict.fromkeys(contact.reason for contact in contacts):
        alike = [contact for contact in contacts if contact.reason == reason]
        shift_mm = 1000 * np.median([np.linalg.norm(contact.shift) for contact in alike])
        doubt = "" if any(contact in believed for contact in alike) else " - not believed"
        notes.append(f"{reason}: moved {shift_mm:.0f} mm at {time_s[alike[0].index]:.2f} s{doubt}")
    if not believed:
        return keypoints, tuple(notes)
    believed = sorted(believed, key=lambda contact: contact.index)
    times = time_s[[contact.index for contact in believed]]
    shifts = np.stack([contact.shift for contact in believed])
    shift = np.stack([np.interp(time_s, times, shifts[:, axis]) for axis in range(3)], axis=-1)
    return keypoints + shift[:, None], tuple(notes)
