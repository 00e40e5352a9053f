"""When something was held and how, from what was moved: the scene is certain where tracked fingers are not.

Fingers hide each other while they hold, and their tracked tips are off by centimetres there. But a thing that was
carried from A to B was in the hand from the time when the hand was at A until it was at B, it was higher in between,
and in the meantime the hand's shape did not change, for the thing is rigid. A thing that is out of sight while the
hand is elsewhere was taken along: to the end of the clip, or until it stands where it stood before.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from understudy.geometry.hand_frame import wrist_frame
from understudy.perception.scene_change import Move, SceneChange
from understudy.perception.scene_objects import SceneObject
from understudy.retargeting.anchoring import Contact, pinch_point, ray_distance, stay_around
from understudy.retargeting.grasp import Grasps

__all__ = ["UPRIGHT", "Carry", "carry_contacts", "find_carry", "find_taken", "holding", "steady_grip"]

UPRIGHT = "straight down and up"
"""Reason of contacts over a thing, before it is held and after."""
_NEAR_M = 0.03
"""The ray through the pinching fingers passes this close to the middle of what they hold."""
_LIFT_M = 0.04
"""A thing that was carried was this much higher in between."""
_CLEAR_M = 0.06
"""Hands come down straight from this far over a thing's top, and go up straight as far."""
_UPRIGHT_S = 0.5
_EDGE_ON = 0.35
"""Sine of the angle between a ray and an upright plane below which the plane is seen edge on."""
_AGREES = 0.7
"""Share of the carried interval that a grasp seen in the fingers must cover to be preferred."""
_ELSEWHERE_M = 0.06
"""A hand whose rays pass a thing's place at this distance is elsewhere."""
_GONE_SHARE = 0.7
"""What is out of sight in this share of the frames in which the hand is elsewhere was taken along."""
_AT_IT_M = 0.012
_STAYED_S = 0.4
"""The ray through the pinching fingers comes this close to the middle of what is taken, and stays so long [s]."""
_BOTH_SEE = 0.5
"""Else this share of the time in which it is gone must be one in which the fingers are seen to grasp."""
_OPEN_M = 0.045
"""Before and after, the fingers are this much further apart than the thing is wide."""
_RAMP_S = 0.2
"""In which they open or close, and in which the tracked shape gives way to the steady one [s]."""


@dataclass(frozen=True)
class Carry:
    """First and last frame of the hand's stay at the thing's first place, and at its last."""

    at_start: tuple[int, int]
    at_end: tuple[int, int]
    """Of a thing that is held to the end, twice the last frame with a hand."""
    to_the_end: bool = False

    @property
    def interval(self) -> tuple[int, int]:
        """The hand is taken to close midway through the first stay, and to open midway through the last."""
        return sum(self.at_start) // 2, sum(self.at_end) // 2


def _middle(thing: SceneObject) -> Float[np.ndarray, "3"]:
    return np.array([*thing.xy, thing.base_m + thing.height_m / 2])


def find_carry(
    keypoints: Float[np.ndarray, "T 21 3"], valid: Bool[np.ndarray, " T"], move: Move, eye: Float[np.ndarray, "3"]
) -> Carry | None:
    """When the hand carried what was moved; None if it was not lifted. Keypoints and `eye` in the world [m]."""
    points = pinch_point(keypoints)
    from_start, from_end = (
        np.where(valid, ray_distance(points, eye, _middle(thing)), np.inf) for thing in (move.start, move.end)
    )
    arrived = int(np.argmin(from_end))
    if from_end[arrived] > _NEAR_M or not (from_start[:arrived] < _NEAR_M).any():
        return None
    carry = Carry(stay_around(from_start, int(np.argmin(from_start[:arrived]))), stay_around(from_end, arrived))
    first, last = carry.interval
    if last - first < 2:
        return None
    height = _heights(points[first : last + 1], eye, move)
    return carry if np.nanmax(height) > max(height[0], height[-1]) + _LIFT_M else None


def find_taken(
    keypoints: Float[np.ndarray, "T 21 3"],
    valid: Bool[np.ndarray, " T"],
    time_s: Float[np.ndarray, " T"],
    scene: SceneChange,
    seen: list[tuple[int, int]],
    eye: Float[np.ndarray, "3"],
) -> tuple[Carry, Move] | None:
    """What the hand took along and never set down elsewhere, and when; None without such a thing.

    Its place is out of sight while the hand is elsewhere, either to the end of the clip or until hand and thing are
    back. An arm may hide a place, too, so that the pinching fingers must have stayed right there, or be seen to grasp
    meanwhile (`seen`). Of several things it is the one they came nearest to. Keypoints and `eye` in the world [m].
    """
    points = pinch_point(keypoints)
    taken: list[tuple[float, Carry, Move]] = []
    for thing, unseen in zip(scene.objects, scene.unseen.T, strict=True):
        away = np.where(valid, ray_distance(points, eye, _middle(thing)), np.inf)
        carry = _absence(away, valid, unseen)
        if carry is None:
            continue
        first, last = carry.interval
        shared = sum(max(min(last, end) - max(first, start), 0) for start, end in seen)
        stayed = time_s[carry.at_start[1]] - time_s[carry.at_start[0]] >= _STAYED_S and away.min() < _AT_IT_M
        if stayed or shared > _BOTH_SEE * (last - first):
            taken.append((float(away.min()), carry, Move(thing, thing)))
    return min(taken, key=lambda found: found[0])[1:] if taken else None


def _absence(
    away: Float[np.ndarray, " T"], valid: Bool[np.ndarray, " T"], unseen: Bool[np.ndarray, " T"]
) -> Carry | None:
    """From the hand's stay at a thing's place to its return there or the clip's end, the thing being gone meanwhile."""
    near = np.flatnonzero(away < _NEAR_M)
    if not len(near):
        return None
    last_seen = int(np.flatnonzero(valid)[-1])
    best: Carry | None = None
    for begin, end in _stretches(valid & (away > _ELSEWHERE_M)):
        before, after = near[near < begin], near[near > end]
        if not len(before) or np.mean(unseen[begin : end + 1]) < _GONE_SHARE:
            continue
        at_start = stay_around(away, int(before[np.argmin(away[before])]))
        if len(after):
            carry = Carry(at_start, stay_around(away, int(after[np.argmin(away[after])])))
        elif unseen[last_seen]:
            carry = Carry(at_start, (last_seen, last_seen), to_the_end=True)
        else:
            continue
        longest = 1 if best is None else best.interval[1] - best.interval[0]
        if carry.interval[1] - carry.interval[0] > longest:
            best = carry
    return best


def _stretches(inside: Bool[np.ndarray, " T"]) -> list[tuple[int, int]]:
    """(first, last) of every unbroken run of True."""
    edges = np.flatnonzero(np.diff(inside.astype(int), prepend=0, append=0))
    return [(int(start), int(stop) - 1) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def _heights(points: Float[np.ndarray, "T 3"], eye: Float[np.ndarray, "3"], move: Move) -> Float[np.ndarray, " T"]:
    """Heights on the rays, on the upright plane through both places, or over the way if that is seen edge on."""
    ray = points - eye
    way = move.end.xy - move.start.xy
    normal = np.array([-way[1], way[0]]) / np.linalg.norm(way)
    across = ray[:, :2] @ normal
    if np.nanmin(np.abs(across) / np.linalg.norm(ray[:, :2], axis=-1)) > _EDGE_ON:
        along = (move.start.xy - eye[:2]) @ normal / across
    else:
        share = np.linspace(0.0, 1.0, len(points))[:, None]
        over = move.start.xy + share * way - eye[:2]
        along = np.einsum("td,td->t", over, ray[:, :2]) / np.einsum("td,td->t", ray[:, :2], ray[:, :2])
    return np.asarray(eye[2] + along * ray[:, 2])


def holding(num_frames: int, carry: Carry | None, seen: list[tuple[int, int]]) -> Grasps:
    """Which frames hold something: a grasp `seen` in the fingers if it agrees with `carry`, else the carry itself."""
    closed = np.zeros(num_frames, dtype=bool)
    if carry is not None:
        first, last = carry.interval
        overlap = [min(last, end) - max(first, start) for start, end in seen]
        agreeing = [grasp for grasp, shared in zip(seen, overlap, strict=True) if shared > _AGREES * (last - first)]
        start, end = agreeing[0] if agreeing else (first, last)
        start = int(np.clip(start, *carry.at_start))
        end = int(np.clip(end, *carry.at_end))
        closed[start : end + 1] = True
    return Grasps(closed, closed.astype(float), np.nan, np.nan)


def steady_grip(
    keypoints: Float[np.ndarray, "T 21 3"],
    time_s: Float[np.ndarray, " T"],
    carry: Carry,
    closed: Bool[np.ndarray, " T"],
    width_m: float,
) -> Float[np.ndarray, "T 21 3"]:
    """The hand in one shape from its stay at the first place to its stay at the last, fingers at the thing's width [m].

    The shape is the median, in the wrist's frame, of the closed frames; before closing and after opening the fingertips
    are further apart along the same line. Outside, the tracked shape comes back within `_RAMP_S`.
    """
    usable = np.isfinite(keypoints).all(axis=(1, 2))
    frames = np.full((len(keypoints), 4, 4), np.nan)
    frames[usable] = wrist_frame(keypoints[usable])
    local = np.einsum("tji,tkj->tki", frames[:, :3, :3], keypoints - frames[:, None, :3, 3])
    shape = np.median(local[closed & usable], axis=0)
    thumb, fingers = shape[4], 0.5 * (shape[8] + shape[12])
    across = (fingers - thumb) / np.linalg.norm(fingers - thumb)
    inside = np.flatnonzero(closed)
    outside_s = np.maximum(np.maximum(time_s[inside[0]] - time_s, time_s - time_s[inside[-1]]), 0.0)
    gap = width_m + _OPEN_M * np.minimum(outside_s / _RAMP_S, 1.0)
    pull = 0.5 * (np.linalg.norm(fingers - thumb) - gap)[:, None] * across
    shapes = np.repeat(shape[None], len(keypoints), axis=0)
    shapes[:, 4] += pull
    shapes[:, [8, 12, 16, 20]] -= pull[:, None]
    steady = np.einsum("tij,tkj->tki", frames[:, :3, :3], shapes) + frames[:, None, :3, 3]
    first, last = time_s[carry.at_start[0]], time_s[carry.at_end[1]]
    beyond_s = np.maximum(np.maximum(first - time_s, time_s - last), 0.0)
    weight = np.clip(1.0 - beyond_s / _RAMP_S, 0.0, 1.0)[:, None, None]
    return weight * steady + (1.0 - weight) * keypoints


def carry_contacts(
    keypoints: Float[np.ndarray, "T 21 3"],
    valid: Bool[np.ndarray, " T"],
    time_s: Float[np.ndarray, " T"],
    carry: Carry,
    move: Move,
    eye: Float[np.ndarray, "3"],
) -> list[Contact]:
    """The pinching fingers are at the thing's first place throughout the stay there, and at its last in the other one.

    Of what is held to the end the first place alone is known.

    How high they hold it is the median of what the rays say during the first stay, within the thing's height.
    """
    points = pinch_point(keypoints)
    stays = [[i for i in range(a, b + 1) if valid[i]] for a, b in (carry.at_start, carry.at_end)]
    rays = points[stays[0]] - eye
    along = (move.start.xy - eye[:2]) @ rays[:, :2].T / np.einsum("td,td->t", rays[:, :2], rays[:, :2])
    height = float(
        np.clip(np.median(eye[2] + along * rays[:, 2]), 0.3 * move.start.height_m, 0.7 * move.start.height_m)
    )
    contacts = []
    between = (stays[0][-1] + stays[1][0]) // 2
    known = [
        (stays[0], move.start, range(between), "held where it stood"),
        (stays[1], move.end, range(between, len(points)), "held where it came to rest"),
    ]
    for stay, thing, own, reason in known[:1] if carry.to_the_end else known:
        target = np.array([*thing.xy, height + max(thing.base_m - move.start.base_m, 0.0)])
        contacts += [Contact(i, points[i], target - points[i], reason) for i in stay]
        for edge in (stay[0], stay[-1]):
            near = valid & (np.abs(time_s - time_s[edge]) <= _UPRIGHT_S)
            frames = [int(i) for i in np.flatnonzero(near) if (i < edge if edge == stay[0] else i > edge) and i in own]
            contacts += _upright(points, time_s, frames, edge, target, thing)
    return contacts


def _upright(
    points: Float[np.ndarray, "T 3"],
    time_s: Float[np.ndarray, " T"],
    frames: list[int],
    edge: int,
    target: Float[np.ndarray, "3"],
    thing: SceneObject,
) -> list[Contact]:
    """Straight down to the thing or up from it: a robot's fingers are thicker than a hand's and would knock it over.

    Within `_UPRIGHT_S` of the frame `edge` of a stay the height runs smoothly to `_CLEAR_M` over the thing's top.
    """
    rise = thing.base_m + thing.height_m + _CLEAR_M - target[2]
    contacts = []
    for index in frames:
        share = min(abs(time_s[index] - time_s[edge]) / _UPRIGHT_S, 1.0)
        over = target + np.array([0.0, 0.0, rise * share**2 * (3 - 2 * share)])
        contacts.append(Contact(index, points[index], over - points[index], UPRIGHT))
    return contacts
