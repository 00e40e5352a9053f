"""Which thing was moved, and where to: from one image before and one after a demonstration."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from understudy.perception.scene_objects import SceneObject, foreground, locate
from understudy.records import Camera

__all__ = ["Move", "find_moves"]

_GONE_SHARE = 0.5
"""A thing has left its place if at least this share of its pixels changed."""
_COLOUR_DISTANCE = 0.075
"""Largest distance of colour shares (r, g, b over their sum) between a thing's pixels before and after."""
_RADIUS_M, _HEIGHT_M = 0.012, 0.02
"""Largest differences of the fitted size between before and after; beyond them it is another thing."""
_FLAT_M = 0.02
"""Things lower than this may carry others."""


@dataclass(frozen=True)
class Move:
    """A thing that stood at `start` before and stands at `end` after."""

    start: SceneObject
    end: SceneObject

    @property
    def distance_m(self) -> float:
        """On the table."""
        return float(np.linalg.norm(self.end.xy - self.start.xy))


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
    below = [o for o in objects if o.height_m < _FLAT_M and np.linalg.norm(o.xy - found.xy) < o.radius_m]
    if below:
        found = locate(mask, image, camera, below[0].height_m)
    alike = abs(found.radius_m - thing.radius_m) < _RADIUS_M and abs(found.height_m - thing.height_m) < _HEIGHT_M
    return found if alike else None


def _size_difference(a: SceneObject, b: SceneObject) -> float:
    return abs(a.radius_m - b.radius_m) + abs(a.height_m - b.height_m)
