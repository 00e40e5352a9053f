"""What became of the things on a table in a demonstration: which were moved and where to, which were unseen when."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from understudy.perception.scene_objects import SceneObject, beside_hand, find_objects, foreground, locate
from understudy.records import Camera

__all__ = ["Move", "SceneChange", "find_moves", "watch_scene"]

_GONE_SHARE = 0.5
"""A thing has left its place if at least this share of its pixels changed."""
_COLOUR_DISTANCE = 0.075
"""Largest distance of colour shares (r, g, b over their sum) between a thing's pixels before and after."""
_RADIUS_M, _HEIGHT_M = 0.012, 0.02
"""Largest differences of the fitted size between before and after; beyond them it is another thing."""
_FLAT_M = 0.02
"""Things lower than this may carry others."""
_FREE_SHARE = 0.1
"""What stands this share of the hand's extent away from the resting hand stands free of it."""
_SAME_SHARE = 0.6
"""What stands in another view and in the clip alike has changed in less than this share of its pixels: the hand and its
shadow may cover some."""


@dataclass(frozen=True)
class Move:
    """A thing that stood at `start` before and stands at `end` after."""

    start: SceneObject
    end: SceneObject

    @property
    def distance_m(self) -> float:
        """On the table."""
        return float(np.linalg.norm(self.end.xy - self.start.xy))


@dataclass(frozen=True, eq=False)
class SceneChange:
    """The things of a clip's first frame, and what became of them."""

    objects: list[SceneObject]
    moves: list[Move]
    """Those that stand elsewhere in the last frame."""
    unseen: Bool[np.ndarray, "T N"]
    """Frames in which half of a thing's pixels or more are not as in the first: it is hidden, or gone."""


def watch_scene(
    frames: Iterable[UInt8[np.ndarray, "H W 3"]],
    camera: Camera,
    first_px: Float[np.ndarray, "21 2"],
    last_px: Float[np.ndarray, "21 2"],
    view: UInt8[np.ndarray, "S S 3"] | None = None,
) -> SceneChange:
    """What stands on the table in the first frame, and what became of it until the last, the hand's places apart.

    Args:
        frames: of the clip, one by one; first and last alone are kept.
        camera: with its pose, for images of that size.
        first_px: the hand's landmarks in the first frame [px]; NaN without a hand.
        last_px: those in the last.
        view: the same scene without the person, by the same camera, where there is one: what stands beside the
            resting hand is looked up there.

    Raises:
        ValueError: no frame.
    """
    images = iter(frames)
    before = next(images, None)
    if before is None:
        raise ValueError("a clip without frames")
    after = before
    objects = [thing for thing in find_objects(before, camera) if not beside_hand(thing.mask, first_px, _FREE_SHARE)]
    if view is not None and 2 * view.shape[0] >= before.shape[0]:
        objects += _beside(before, view, first_px, camera)
    boxes = [_box(thing.mask) for thing in objects]
    unseen = [[False] * len(objects)]
    for after in images:
        gone = [
            (foreground(after[box], before[box])[0] & thing.mask[box]).sum() >= _GONE_SHARE * thing.mask.sum()
            for thing, box in zip(objects, boxes, strict=True)
        ]
        unseen.append(gone)
    moves = find_moves(before, after, objects, camera)
    moves = [move for move in moves if not beside_hand(move.end.mask, last_px)]
    return SceneChange(objects, moves, np.array(unseen, dtype=bool).reshape(len(unseen), len(objects)))


def _beside(
    before: UInt8[np.ndarray, "H W 3"],
    view: UInt8[np.ndarray, "S S 3"],
    first_px: Float[np.ndarray, "21 2"],
    camera: Camera,
) -> list[SceneObject]:
    """Things of `view` beside the hand that the clip's first frame shows alike."""
    height, width = before.shape[:2]
    view = np.asarray(cv2.resize(view, (width, height), interpolation=cv2.INTER_AREA))
    changed, _ = foreground(before, view)
    hidden = [thing for thing in find_objects(view, camera) if beside_hand(thing.mask, first_px)]
    return [thing for thing in hidden if (changed & thing.mask).sum() < _SAME_SHARE * thing.mask.sum()]


def _box(mask: Bool[np.ndarray, "H W"]) -> tuple[slice, slice]:
    """Rows and columns of a region, with two pixels around it."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return slice(max(rows[0] - 2, 0), rows[-1] + 3), slice(max(columns[0] - 2, 0), columns[-1] + 3)


def find_moves(
    before: UInt8[np.ndarray, "H W 3"], after: UInt8[np.ndarray, "H W 3"], objects: list[SceneObject], camera: Camera
) -> list[Move]:
    """Things of `before` that stand elsewhere in `after`; what is hidden there (by a hand, say) is not reported."""
    changed, _ = foreground(after, before)
    moves = []
    for thing in objects:
        if (changed & thing.mask).sum() < _GONE_SHARE * thing.mask.sum():
            continue
        candidates = [
            found
            for mask in _same_colour(after, changed, thing)
            if (found := _fit(mask, after, objects, thing, camera))
        ]
        if candidates:
            moves.append(Move(thing, min(candidates, key=lambda found: _size_difference(found, thing))))
    return moves


def _shares(colour: Float[np.ndarray, "*B 3"]) -> Float[np.ndarray, "*B 3"]:
    return colour / np.maximum(colour.sum(-1, keepdims=True), 1.0)


def _same_colour(
    after: UInt8[np.ndarray, "H W 3"], changed: Bool[np.ndarray, "H W"], thing: SceneObject
) -> list[Bool[np.ndarray, "H W"]]:
    """Connected regions of changed pixels in the thing's colour, not much smaller or larger than it was."""
    distance = np.linalg.norm(_shares(after.astype(float)) - _shares(thing.colour), axis=-1)
    # Where the thing overlaps its old place, its pixels may not have changed: its colour there counts as well.
    alike = ((distance < _COLOUR_DISTANCE) & (changed | thing.mask)).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.morphologyEx(alike, cv2.MORPH_OPEN, kernel))
    area = float(thing.mask.sum())
    return [labels == label for label in range(1, count) if 0.4 * area <= stats[label][4] <= 2.5 * area]


def _fit(
    mask: Bool[np.ndarray, "H W"],
    image: UInt8[np.ndarray, "H W 3"],
    objects: list[SceneObject],
    thing: SceneObject,
    camera: Camera,
) -> SceneObject | None:
    """The thing at its new place, on the table or on a flat thing there; None if its size is another's."""
    found = locate(mask, image, camera)
    if found is None:
        return None
    xy = found.xy
    below = [o for o in objects if o.height_m < _FLAT_M and np.linalg.norm(o.xy - xy) < o.radius_m]
    if below and (raised := locate(mask, image, camera, below[0].height_m)):
        found = raised
    alike = abs(found.radius_m - thing.radius_m) < _RADIUS_M and abs(found.height_m - thing.height_m) < _HEIGHT_M
    return found if alike else None


def _size_difference(a: SceneObject, b: SceneObject) -> float:
    return abs(a.radius_m - b.radius_m) + abs(a.height_m - b.height_m)
