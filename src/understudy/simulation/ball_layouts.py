"""Where balls and lines lie at reset: layouts of the task `flick_ball`, sampled from a seed.

Two balls of different colours lie in the near row beside one thing of the usual kinds, and two short lines before them
are turned a little outwards. The far row is the usual one of that seed, so that other tasks are possible, too.
"""

from dataclasses import replace

from understudy.simulation import layout as usual
from understudy.simulation.axes import on_axis
from understudy.simulation.layout import OBJECT_COLOURS, Item, Kind, Layout, layout_rng

__all__ = ["sample_flick_layout"]

_BALL_X = (0.412, 0.430)
_MIDDLE_Y = (-0.05, 0.05)
_BALL_FROM_MIDDLE = (0.057, 0.066)
_BLOCK_FROM_BALL = (0.14, 0.16)
_LINE_X = (0.535, 0.545)
_LINE_FROM_MIDDLE = (0.058, 0.066)
_LINE_YAW = (0.22, 0.34)
_YAW = 0.25
_STREAM_FLICK = 13


def sample_flick_layout(seed: int, axis: str | None = None) -> Layout:
    """Two balls, a cube or a cylinder on the wider side of them, two lines, and the usual far row."""
    rng = layout_rng(seed, _STREAM_FLICK)
    colours = [str(colour) for colour in rng.permutation(OBJECT_COLOURS)[:3]]
    middle, apart = rng.uniform(*_MIDDLE_Y), rng.uniform(*_BALL_FROM_MIDDLE)
    balls = [
        Item(f"{colour}_ball", "ball", colour, _rounded(rng.uniform(*_BALL_X), middle + side * apart))
        for colour, side in zip(colours[:2], (-1.0, 1.0), strict=True)
    ]
    kind: Kind = "cube" if rng.random() < 0.6 else "cylinder"
    side = 1.0 if middle < 0 else -1.0
    y = middle + side * (apart + rng.uniform(*_BLOCK_FROM_BALL))
    yaw = round(float(rng.uniform(-_YAW, _YAW)), 4)
    block = Item(f"{colours[2]}_{kind}", kind, colours[2], _rounded(rng.uniform(*_BALL_X), y), yaw)
    lines = tuple(
        Item(
            f"line_{i}",
            "line",
            "white",
            _rounded(rng.uniform(*_LINE_X), middle + side * rng.uniform(*_LINE_FROM_MIDDLE)),
            round(float(side * rng.uniform(*_LINE_YAW)), 4),
        )
        for i, side in enumerate((-1.0, 1.0))
    )
    objects = tuple(sorted((*balls, block), key=lambda item: item.xy[1]))
    layout = replace(usual.sample_layout(seed), objects=objects, lines=lines)
    changed = on_axis(layout, axis)
    # Balls do not move closer together on `scene`: their ways would cross other things.
    return replace(changed, objects=layout.objects) if axis == "scene" else changed


def _rounded(x: float, y: float) -> tuple[float, float]:
    return round(float(x), 4), round(float(y), 4)
