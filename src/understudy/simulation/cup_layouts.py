"""Where cups stand or lie at reset: layouts of the tasks `pour` and `flip_cup`, sampled from a seed.

The near row holds what a hand takes, the far row what is poured into. The rows are wider apart than those of the usual
layout, because a hand that takes a cup from its side needs more room than one that comes from above.
"""

from dataclasses import replace

import numpy as np

from understudy.simulation.axes import on_axis
from understudy.simulation.layout import OBJECT_COLOURS, Item, Layout, layout_rng, spaced

__all__ = ["sample_flip_layout", "sample_pour_layout"]

_CUP_X = (0.41, 0.44)
_CUP_Y = (-0.17, 0.20)
_CUP_SPACING_Y = 0.19
_MUG_X = (0.60, 0.63)
_MUG_Y = (-0.19, 0.20)
_MUG_SPACING_Y = 0.17
_LYING_X = (0.42, 0.47)
_LYING_Y = (-0.22, 0.22)
_LYING_SPACING_Y = 0.17
_YAW = 0.25
_STREAM_POUR, _STREAM_FLIP = 11, 12


def sample_pour_layout(seed: int, axis: str | None = None) -> Layout:
    """Two full cups of different colours in the near row, two mugs in the far row."""
    rng = layout_rng(seed, _STREAM_POUR)
    colours = rng.permutation(OBJECT_COLOURS)
    mug_colours = rng.permutation(("white", "grey", "cream"))
    cups, mugs = [], []
    for y, colour in zip(spaced(rng, 2, *_CUP_Y, _CUP_SPACING_Y), colours[:2], strict=True):
        xy = _rounded(rng.uniform(*_CUP_X), y)
        cups.append(Item(f"{colour}_cup", "cup", str(colour), xy, round(float(rng.uniform(-np.pi, np.pi)), 4)))
    for i, y in enumerate(spaced(rng, 2, *_MUG_Y, _MUG_SPACING_Y)):
        mugs.append(Item(f"mug_{i}", "mug", str(mug_colours[i]), _rounded(rng.uniform(*_MUG_X), y)))
    return _on_axis(Layout(seed, tuple(cups), tuple(mugs), ()), axis)


def sample_flip_layout(seed: int, axis: str | None = None) -> Layout:
    """Three cups that lie in a row with their mouths to the left or to the right; two have the same colour."""
    rng = layout_rng(seed, _STREAM_FLIP)
    pair, single = (str(colour) for colour in rng.permutation(OBJECT_COLOURS)[:2])
    colours = rng.permutation((pair, pair, single))
    cups = []
    for i, y in enumerate(spaced(rng, 3, *_LYING_Y, _LYING_SPACING_Y)):
        xy = _rounded(rng.uniform(*_LYING_X), y)
        yaw = float(rng.choice((-1, 1)) * np.pi / 2 + rng.uniform(-_YAW, _YAW))
        cups.append(Item(f"{colours[i]}_cup_{i}", "fallen_cup", str(colours[i]), xy, round(yaw, 4)))
    return _on_axis(Layout(seed, tuple(cups), (), ()), axis)


def _rounded(x: float, y: float) -> tuple[float, float]:
    return round(float(x), 4), round(float(y), 4)


def _on_axis(layout: Layout, axis: str | None) -> Layout:
    """The layout on an axis. Cups do not move closer together on `scene`: a hand could not take them from the side."""
    changed = on_axis(layout, axis)
    return replace(changed, objects=layout.objects) if axis == "scene" else changed
