"""What the table, the room, the light and the things look like: sampled from a seed.

Test seeds draw from pools that no training or validation seed draws from, for everything that is only about looks;
the axes that change the background draw from a pool that no other episode draws from. The axis `varied` draws any
colour and most lights, but keeps away from those pools: it is what training may use to see more than a few tables.
Colours that a label names keep their names; their shade varies within the pool.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from understudy.simulation.axes import get_axis
from understudy.simulation.layout import layout_rng
from understudy.simulation.seeds import split_of

__all__ = ["COLOURS", "Looks", "Surface", "sample_looks", "table_texture"]

Rgb = tuple[float, float, float]
Surface = Literal["wood", "cloth", "tiles", "stripes", "stone"]
"""Tiles are of the background's pool alone, stripes and stone of the axis `varied` alone."""

COLOURS: dict[str, Rgb] = {
    "red": (0.78, 0.13, 0.11),
    "green": (0.13, 0.52, 0.24),
    "blue": (0.11, 0.29, 0.72),
    "yellow": (0.93, 0.74, 0.10),
    "orange": (0.92, 0.42, 0.06),
    "purple": (0.45, 0.20, 0.58),
    "white": (0.93, 0.93, 0.91),
    "grey": (0.55, 0.57, 0.60),
    "cream": (0.90, 0.84, 0.70),
    "teal": (0.05, 0.50, 0.52),
    "pink": (0.93, 0.48, 0.62),
    "brown": (0.38, 0.24, 0.14),
    "mint": (0.66, 0.90, 0.76),
    "lilac": (0.78, 0.68, 0.90),
    "sand": (0.80, 0.68, 0.46),
}
"""Linear RGB in [0, 1] of every colour that a layout names."""

_TABLES: dict[str, tuple[tuple[Surface, Rgb], ...]] = {
    "train": (
        ("wood", (0.60, 0.45, 0.31)),
        ("wood", (0.71, 0.58, 0.43)),
        ("wood", (0.43, 0.31, 0.22)),
        ("cloth", (0.47, 0.53, 0.57)),
        ("cloth", (0.66, 0.64, 0.59)),
        ("cloth", (0.33, 0.42, 0.40)),
    ),
    "test": (
        ("wood", (0.66, 0.50, 0.38)),
        ("wood", (0.52, 0.41, 0.30)),
        ("cloth", (0.40, 0.46, 0.56)),
        ("cloth", (0.57, 0.54, 0.52)),
    ),
    "background": (
        ("tiles", (0.62, 0.66, 0.70)),
        ("tiles", (0.52, 0.36, 0.30)),
        ("cloth", (0.46, 0.28, 0.30)),
        ("wood", (0.78, 0.72, 0.66)),
    ),
}
_WALLS: dict[str, tuple[Rgb, ...]] = {
    "train": ((0.78, 0.79, 0.80), (0.72, 0.76, 0.80), (0.80, 0.77, 0.72), (0.66, 0.70, 0.68)),
    "test": ((0.75, 0.78, 0.74), (0.70, 0.70, 0.76), (0.82, 0.79, 0.76)),
    "background": ((0.36, 0.44, 0.56), (0.62, 0.42, 0.34), (0.38, 0.50, 0.36)),
}
_LIGHTS = {
    "train": ((-2.6, -0.6), (52.0, 70.0), (0.46, 0.60)),
    "test": ((-2.6, -0.6), (52.0, 70.0), (0.46, 0.60)),
    "background": ((1.3, 2.3), (44.0, 51.0), (0.64, 0.74)),
}
"""Azimuth [rad], elevation [degrees] and strength of the main light; light is not held out but on the axes."""
_AMBIENT = (0.34, 0.40)
_SHADE = (0.92, 1.08)
_VARIED_SURFACES: tuple[Surface, ...] = ("wood", "cloth", "stripes", "stone")
_VARIED_LIGHT = ((2.5, 7.4), (52.0, 80.0), (0.38, 0.62))
"""As `_LIGHTS`: from any side but that of the background's pool, higher and weaker than there."""
_VARIED_AMBIENT = (0.28, 0.44)
_VARIED_SHADE = (0.85, 1.15)
_APART = 0.1
"""Least distance (of linear RGB) of a colour of the axis `varied` from those of test and background."""
_STREAM_LOOKS = 2
_TEXTURE_SIZE = 256


@dataclass(frozen=True)
class Looks:
    """Everything that changes the picture and not the physics."""

    surface: Surface
    table: Rgb
    wall: Rgb
    floor: Rgb
    light_direction: tuple[float, float, float]
    """Direction in which the main light shines, world."""
    light: float
    """Strength of the main light, about 0.45 to 0.6."""
    ambient: float
    shade: float
    """Factor on the objects' colours, about 0.9 to 1.1."""
    texture_seed: int


def sample_looks(seed: int, axis: str | None = None) -> Looks:
    """The looks of a seed: from the test pool for test seeds, else from the training pool.

    An axis of `axes.AXES` that changes the background has a pool of its own.
    """
    rng = layout_rng(seed, _STREAM_LOOKS)
    if axis is not None and get_axis(axis).varied:
        return _varied_looks(rng)
    pool = "test" if split_of(seed) == "test" else "train"
    if axis is not None and get_axis(axis).background:
        pool = "background"
    surface, table = _TABLES[pool][rng.integers(len(_TABLES[pool]))]
    wall = _WALLS[pool][rng.integers(len(_WALLS[pool]))]
    return _looks(rng, (surface, table, wall), _LIGHTS[pool], _AMBIENT, _SHADE)


def _looks(
    rng: np.random.Generator,
    room: tuple[Surface, Rgb, Rgb],
    light: tuple[tuple[float, float], ...],
    ambient: tuple[float, float],
    shade: tuple[float, float],
) -> Looks:
    """A table and a wall under a light from ranges of azimuth, elevation and strength."""
    surface, table, wall = room
    azimuths, elevations, strengths = light
    azimuth, elevation = rng.uniform(*azimuths), np.radians(rng.uniform(*elevations))
    direction = (np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), -np.sin(elevation))
    return Looks(
        surface=surface,
        table=table,
        wall=wall,
        floor=(wall[0] * 0.8, wall[1] * 0.8, wall[2] * 0.8),
        light_direction=(float(direction[0]), float(direction[1]), float(direction[2])),
        light=float(rng.uniform(*strengths)),
        ambient=float(rng.uniform(*ambient)),
        shade=float(rng.uniform(*shade)),
        texture_seed=int(rng.integers(2**31)),
    )


def _varied_looks(rng: np.random.Generator) -> Looks:
    """Any table and wall but those of test and background."""
    surface = _VARIED_SURFACES[rng.integers(len(_VARIED_SURFACES))]
    table = _colour_apart(rng, [colour for pool in ("test", "background") for _, colour in _TABLES[pool]])
    wall = _colour_apart(rng, [colour for pool in ("test", "background") for colour in _WALLS[pool]])
    return _looks(rng, (surface, table, wall), _VARIED_LIGHT, _VARIED_AMBIENT, _VARIED_SHADE)


def _colour_apart(rng: np.random.Generator, kept: list[Rgb]) -> Rgb:
    """A colour of any hue and most strengths, at a distance from those kept for others."""
    while True:
        grey, tint = rng.uniform(0.2, 0.8), rng.uniform(-1, 1, 3)
        colour = np.clip(grey + 0.22 * tint, 0.08, 0.92)
        if np.linalg.norm(np.array(kept) - colour, axis=1).min() > _APART:
            return (float(colour[0]), float(colour[1]), float(colour[2]))


def _smooth_noise(rng: np.random.Generator, cells: tuple[int, int], size: int) -> np.ndarray:
    """Periodic value noise of `cells` cells per side, in [-1, 1], shape (size, size)."""
    grid = rng.uniform(-1, 1, cells)
    result = grid
    for axis, count in enumerate(cells):
        position = np.arange(size) * count / size
        left = position.astype(int)
        t = position - left
        t = t * t * (3 - 2 * t)
        t = t[:, None] if axis == 0 else t[None, :]
        result = np.take(result, left, axis) * (1 - t) + np.take(result, (left + 1) % count, axis) * t
    return np.asarray(result)


def table_texture(looks: Looks) -> UInt8[np.ndarray, "256 256 3"]:
    """Grain of wood, weave of cloth, joints of tiles, stripes or mottled stone, made from numbers alone."""
    rng = np.random.default_rng(looks.texture_seed)
    size = _TEXTURE_SIZE
    if looks.surface == "wood":
        rings = np.sin(2 * np.pi * (np.arange(size)[:, None] / size * 9 + 0.9 * _smooth_noise(rng, (4, 2), size)))
        fibre = _smooth_noise(rng, (128, 6), size)
        relief = 0.055 * rings + 0.06 * fibre + 0.05 * _smooth_noise(rng, (5, 2), size)
        tint = np.array([1.0, 1.05, 1.1])
    elif looks.surface == "tiles":
        joint = np.arange(size) % (size // 2) < 6
        relief = 0.05 * _smooth_noise(rng, (16, 16), size) - 0.3 * (joint[:, None] | joint[None, :])
        tint = np.ones(3)
    elif looks.surface == "stripes":
        across = np.arange(size) * int(rng.integers(2, 9)) // size % 2
        stripes = across[:, None] if rng.random() < 0.5 else across[None, :]
        relief = rng.uniform(0.1, 0.3) * (stripes - 0.5) + 0.03 * _smooth_noise(rng, (64, 64), size)
        tint = rng.uniform(0.4, 1.6, 3)
    elif looks.surface == "stone":
        scales = [rng.uniform(0.02, 0.1) * _smooth_noise(rng, (cells, cells), size) for cells in (3, 9, 27, 81)]
        relief = np.sum(scales, axis=0)
        tint = rng.uniform(0.4, 1.6, 3)
    else:
        warp = np.sin(2 * np.pi * np.arange(size) * 32 / size)
        relief = 0.03 * warp[:, None] * warp[None, :] + 0.03 * _smooth_noise(rng, (128, 128), size)
        relief = relief + 0.03 * _smooth_noise(rng, (6, 6), size)
        tint = np.ones(3)
    image = np.array(looks.table) * (1 + relief[..., None] * tint)
    return (np.clip(image, 0, 1) * 255).astype(np.uint8)
