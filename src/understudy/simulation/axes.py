"""Axes of generalisation: named changes of the layout generator."""

from collections.abc import Callable

from understudy.errors import UnknownName
from understudy.simulation import layout as usual
from understudy.simulation.layout import Layout

__all__ = ["AXES", "sample_layout"]

AXES: dict[str, Callable[[int], Layout]] = {}
"""Name -> the layout of a seed on this axis."""


def sample_layout(seed: int, axis: str | None = None) -> Layout:
    """The layout of a seed on an axis; without an axis, that of the usual range: bit for bit the same on every call."""
    if axis is None:
        return usual.sample_layout(seed)
    if axis not in AXES:
        raise UnknownName("axis", axis, AXES)
    return AXES[axis](seed)
