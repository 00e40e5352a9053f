"""Dots on a plane, coloured by what they are: as SVG for a page and as a PNG of several panels."""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from PIL import Image, ImageDraw, ImageFont

from understudy.evaluation.chart import CHART_WIDTH, chart_svg
from understudy.files import replacing

__all__ = ["Scatter", "by_class", "by_value", "scatter_svg", "write_scatters"]

_PALETTE = (
    "#2f6fde",
    "#d9731a",
    "#1c9a61",
    "#9a56ee",
    "#d1473c",
    "#0b9db5",
    "#b58a00",
    "#cf4f9a",
    "#75863f",
    "#8895a5",
)
_HEIGHT, _EDGE = 560, 16
_PANEL, _SCALE, _HEAD = 520, 2, 74
"""Side of a panel of the PNG [px], how much larger it is drawn, and the room above it for words."""


@dataclass(frozen=True)
class Scatter:
    """One plane of dots."""

    title: str
    xy: Float[np.ndarray, "N 2"]
    colours: Sequence[str]
    """Of every dot, `#rrggbb`."""
    legend: Sequence[tuple[str, str]]
    """Words and colour."""
    words: Sequence[str]
    """Of every dot, shown where the mouse rests on it."""
    runs: Int[np.ndarray, "M T"] | None = None
    """Dots that are joined by a line, in their order."""

    def places(self, width: int, height: int, edge: int) -> Float[np.ndarray, "N 2"]:
        """Where the dots land in a box [px]; both axes have the same scale, for only distances mean something."""
        low, high = self.xy.min(0), self.xy.max(0)
        scale = ((np.array([width, height]) - 2 * edge) / (high - low).clip(min=1e-9)).min()
        return np.array([width, height]) / 2 + (self.xy - (low + high) / 2) * scale * np.array([1, -1])


def by_class(names: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Colours of dots and their legend, one colour a name."""
    kinds = list(dict.fromkeys(sorted(names)))
    colour = {kind: _PALETTE[index % len(_PALETTE)] for index, kind in enumerate(kinds)}
    return [colour[name] for name in names], list(colour.items())


def by_value(values: Float[np.ndarray, " N"], unit: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Colours from blue (least) to red (greatest), and a legend of five of them."""
    low, high = float(values.min()), float(values.max())

    def colour(value: float) -> str:
        share = (value - low) / max(high - low, 1e-9)
        rgb = colorsys.hls_to_rgb(0.66 * (1 - share), 0.48, 0.72)
        return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)

    marks = np.linspace(low, high, 5)
    return [colour(float(value)) for value in values], [(f"{mark:.2g} {unit}".strip(), colour(mark)) for mark in marks]


def scatter_svg(scatter: Scatter) -> str:
    """A chart for a page."""
    places = scatter.places(CHART_WIDTH, _HEIGHT, _EDGE)
    parts = []
    for run in [] if scatter.runs is None else scatter.runs:
        line = "L".join(f"{x:.1f} {y:.1f}" for x, y in places[run])
        parts.append(f'<path d="M{line}" style="stroke:#8885;stroke-width:1"/>')
    for (x, y), colour, words in zip(places, scatter.colours, scatter.words, strict=True):
        title = f"<title>{escape(words)}</title>"
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}" opacity=".8">{title}</circle>')
    return chart_svg(parts, _HEIGHT, scatter.legend)


def write_scatters(scatters: Sequence[Scatter], columns: int, path: Path) -> None:
    """All panels in one PNG, row by row, on white; it appears whole or not at all."""
    rows = -(-len(scatters) // columns)
    width, height = columns * _PANEL, rows * (_PANEL + _HEAD)
    sheet = Image.new("RGB", (_SCALE * width, _SCALE * height), "white")
    draw = ImageDraw.Draw(sheet)
    for number, scatter in enumerate(scatters):
        row, column = divmod(number, columns)
        _draw(draw, scatter, column * _PANEL, row * (_PANEL + _HEAD))
    with replacing(path) as temporary:
        sheet.resize((width, height), Image.Resampling.LANCZOS).save(temporary, format="PNG")


def _draw(draw: ImageDraw.ImageDraw, scatter: Scatter, left: int, top: int) -> None:
    s, large, small = _SCALE, ImageFont.load_default(15 * _SCALE), ImageFont.load_default(11 * _SCALE)
    draw.text((s * (left + _EDGE), s * (top + 6)), scatter.title, "#1b2430", large)
    x, y = float(left + _EDGE), top + 32
    for words, colour in scatter.legend:
        length = 20 + draw.textlength(words, small) / s
        if x + length > left + _PANEL - _EDGE:
            x, y = left + _EDGE, y + 15
        draw.rectangle([s * x, s * (y + 3), s * (x + 9), s * (y + 11)], colour)
        draw.text((s * (x + 13), s * y), words, "#5d6b7c", small)
        x += length + 6
    places = s * (scatter.places(_PANEL, _PANEL, _EDGE) + np.array([left, top + _HEAD]))
    for run in [] if scatter.runs is None else scatter.runs:
        draw.line([(float(x), float(y)) for x, y in places[run]], "#d3d9e0", s)
    for (x, y), colour in zip(places.tolist(), scatter.colours, strict=True):
        draw.ellipse([x - 3.2 * s, y - 3.2 * s, x + 3.2 * s, y + 3.2 * s], colour)
    draw.rectangle(
        [s * (left + 4), s * (top + _HEAD), s * (left + _PANEL - 4), s * (top + _HEAD + _PANEL - 4)], None, "#dfe4ea", s
    )
