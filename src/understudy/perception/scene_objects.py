"""Things standing on a table, from one image of a camera whose pose over the table is known.

No class names and no trained detector: what differs from the table's own local colour, shade apart, is a thing.
Its place comes from its outline: the upright cylinder (x, y, radius, height) whose projection has the same box.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy.optimize import least_squares

from understudy.geometry.cameras import intersect_plane_z, project
from understudy.geometry.transforms import apply_transform, inverse_transform
from understudy.records import Camera

__all__ = ["SceneObject", "beside_hand", "find_objects", "foreground", "locate"]

_CHROMA = 0.16
"""Relative difference of a colour ratio from its mean over the channels that no shadow makes."""
_DARK, _BRIGHT = 0.60, 1.35
"""Brightness relative to the table outside which it is no shadow or sheen."""
_MIN_AREA, _MAX_AREA = 6e-4, 0.06
"""Area of a thing, relative to the image."""
_MAX_ELONGATION = 4.0
"""Longer things are marks and edges."""
_COLOURED_SHARE = 0.4
"""If at least this share of a thing differs in colour ratio, the rest (dark, no colour of its own) is its shadow."""
_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 16, False)), np.sin(np.linspace(0, 2 * np.pi, 16, False))], -1)


@dataclass(frozen=True)
class SceneObject:
    """A thing on the table."""

    xy: Float[np.ndarray, "2"]
    """Centre of its footprint, world [m]."""
    radius_m: float
    """Half its width as seen."""
    height_m: float
    """Of its top over the table."""
    colour: Float[np.ndarray, "3"]
    """Median RGB, 0 to 255."""
    residual_px: float
    """How far the cylinder's bounding box is from the thing's."""
    mask: Bool[np.ndarray, "H W"]
    """Its pixels."""
    base_m: float = 0.0
    """Height of what it stands on."""


def foreground(
    image: UInt8[np.ndarray, "H W 3"], background: UInt8[np.ndarray, "H W 3"]
) -> tuple[Bool[np.ndarray, "H W"], Bool[np.ndarray, "H W"]]:
    """Pixels that differ from `background` beyond what a shadow does, and those of them that differ in colour ratio."""
    ratio = (image.astype(np.float32) + 8) / (background.astype(np.float32) + 8)
    brightness = ratio.mean(-1)
    coloured = _clean(np.abs(ratio / brightness[..., None] - 1).max(-1) > _CHROMA)
    return coloured | _clean((brightness < _DARK) | (brightness > _BRIGHT)), coloured


def _clean(mask: Bool[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    return cv2.morphologyEx(opened, cv2.MORPH_CLOSE, kernel).astype(bool)


def find_objects(image: UInt8[np.ndarray, "H W 3"], camera: Camera, reach_m: float = 0.8) -> list[SceneObject]:
    """Things on the table within `reach_m` of the world's origin; `camera` must match the image and know its pose."""
    side = min(image.shape[:2])
    kernel = int(side * 0.4) | 1
    table = cv2.medianBlur(np.ascontiguousarray(image), min(kernel, 255))
    different, coloured = foreground(image, table)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(different.astype(np.uint8))
    found = []
    for label in range(1, count):
        left, top, width, height, area = stats[label]
        at_edge = left == 0 or top == 0 or left + width == image.shape[1] or top + height == image.shape[0]
        if at_edge or not _MIN_AREA <= area / image[..., 0].size <= _MAX_AREA:
            continue
        mask = labels == label
        if (mask & coloured).sum() > _COLOURED_SHARE * area:
            mask &= coloured
        (_, _), (a, b), _ = cv2.minAreaRect(np.argwhere(mask).astype(np.float32))
        if max(a, b) > _MAX_ELONGATION * max(min(a, b), 1.0):
            continue
        thing = locate(mask, image, camera)
        if thing is not None and np.linalg.norm(thing.xy) <= reach_m:
            found.append(thing)
    return found


def beside_hand(mask: Bool[np.ndarray, "H W"], landmarks_px: Float[np.ndarray, "21 2"], share: float = 0.3) -> bool:
    """Whether a region comes within `share` of the hand's extent of a hand's landmarks: it may be hand, or its shadow.

    Without a hand (landmarks of NaN) nothing is beside it.
    """
    if not np.isfinite(landmarks_px).all():
        return False
    near = share * float(np.ptp(landmarks_px, axis=0).max())
    pixels = np.argwhere(mask)[::4, ::-1]
    return bool(np.linalg.norm(pixels[:, None] - landmarks_px, axis=-1).min() < near)


def locate(
    mask: Bool[np.ndarray, "H W"], image: UInt8[np.ndarray, "H W 3"], camera: Camera, base_m: float = 0.0
) -> SceneObject | None:
    """Fit an upright cylinder that stands at z = `base_m` to the bounding box of `mask`; None above the horizon."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = np.array([columns[0] - 0.5, rows[0] - 0.5, columns[-1] + 0.5, rows[-1] + 0.5])
    middle = np.array([(box[0] + box[2]) / 2, box[3] - 0.25 * (box[3] - box[1])])
    start = intersect_plane_z(camera, middle, base_m)
    if not np.isfinite(start).all():
        return None
    T_camera_world = inverse_transform(np.asarray(camera.T_world_camera))

    def outline(parameters: Float[np.ndarray, "4"]) -> Float[np.ndarray, "4"]:
        x, y, radius, height = parameters
        ring = np.stack([x + radius * _CIRCLE[:, 0], y + radius * _CIRCLE[:, 1], np.full(16, base_m)], -1)
        points = np.concatenate([ring, ring + np.array([0, 0, height])])
        pixels = project(camera.K, apply_transform(T_camera_world, points))
        return np.concatenate([pixels.min(0), pixels.max(0)]) - box

    guess = np.array([start[0], start[1], 0.03, 0.03])
    bounds = ([-np.inf, -np.inf, 0.005, 0.002], [np.inf, np.inf, 0.15, 0.30])
    fit = least_squares(outline, guess, bounds=bounds, x_scale=[0.01, 0.01, 0.01, 0.01], diff_step=1e-4)
    colour = np.median(image[mask], axis=0).astype(float)
    return SceneObject(
        fit.x[:2], float(fit.x[2]), float(fit.x[3]), colour, float(np.sqrt(np.mean(fit.fun**2))), mask, base_m
    )
