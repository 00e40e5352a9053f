"""Charts as SVG text: readable by themselves, inside a page, in light and in dark. No plotting library, no script.

Gaps (NaN) stay gaps. Long series are thinned to the extremes of each pixel column, so that no peak is lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from jaxtyping import Float, Int8

from understudy.records import FrameStatus

__all__ = [
    "CHART_WIDTH",
    "COLOURS",
    "STATUS_WORDS",
    "Series",
    "chart_svg",
    "lane_chart",
    "line_chart",
    "status_chart",
]

STATUS_WORDS = {
    FrameStatus.OK: "solved",
    FrameStatus.NO_HAND: "no hand seen",
    FrameStatus.UNSOLVED: "unsolved",
    FrameStatus.OUT_OF_REACH: "out of reach",
    FrameStatus.TOO_FAST: "too fast",
}
CHART_WIDTH = 760
"""Width of every chart's view box."""
COLOURS = tuple(f"var(--c{index})" for index in range(10))
"""Colours that differ in light and in dark."""
_RIGHT, _TOP, _BOTTOM = 12, 14, 32
_COLUMNS = 700
_STYLE = """
.chart{--ink:#1b2430;--soft:#5d6b7c;--line:#dfe4ea;--c0:#2759c4;--c1:#c2571a;--c2:#137a4b;--c3:#8a3ffc;--c4:#b3372f;--c5:#8895a5;
--c6:#0a8a9f;--c7:#a67c00;--c8:#c2408f;--c9:#5a6a2f;font:12px system-ui,sans-serif;background:none}
@media(prefers-color-scheme:dark){.chart{--ink:#e8edf3;--soft:#9aa8b8;--line:#2c3541;--c0:#8fb2ff;--c1:#ffab70;--c2:#4cc38a;
--c3:#c4a1ff;--c4:#ff8f85;--c5:#718096;--c6:#5cc8d8;--c7:#e0bb4f;--c8:#f08cc8;--c9:#b3c37a}}
.chart text{fill:var(--soft)}.chart .grid{stroke:var(--line)}.chart .limit{stroke:var(--c4);stroke-dasharray:4 3}
.chart path{fill:none;stroke-width:1.6;stroke-linejoin:round}.chart .band{stroke:none;opacity:.2}
"""
_STATUS_COLOURS = {status: f"var(--c{colour})" for status, colour in zip(FrameStatus, (2, 5, 4, 3, 1), strict=True)}

Values = Float[np.ndarray, " N"]


@dataclass(frozen=True)
class Series:
    """One line of a chart."""

    label: str
    values: Float[np.ndarray, " T"]
    half_width: Float[np.ndarray, " T"] | None = None
    """Half the height of a band around the line, in the units of the values."""

    @property
    def colour_values(self) -> list[np.ndarray]:
        """Everything that the vertical axis must hold."""
        if self.half_width is None:
            return [self.values]
        return [self.values - self.half_width, self.values + self.half_width]


@dataclass(frozen=True)
class _Axes:
    """Where data lands on the picture [px]."""

    time_s: Float[np.ndarray, " T"]
    left: int
    height: int
    low: float = 0.0
    high: float = 1.0
    top: int = _TOP
    bottom: int = 0

    def x(self, time_s: Values) -> Values:
        first, last = self.time_s[0], self.time_s[-1]
        return np.asarray(self.left + (time_s - first) / max(last - first, 1e-9) * (CHART_WIDTH - _RIGHT - self.left))

    def y(self, values: Values) -> Values:
        return np.asarray(self.bottom - (values - self.low) / (self.high - self.low) * (self.bottom - self.top))

    def level(self, value: float, kind: str) -> str:
        y = float(self.y(np.array([value]))[0])
        return f'<line class="{kind}" x1="{self.left}" x2="{CHART_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'

    def line(self, values: Values, colour: str) -> str:
        """The line through the finite values; runs of NaN leave a gap."""
        time_s, values = _thinned(self.time_s, values)
        x, y = self.x(time_s), self.y(values)
        points = []
        for index in np.flatnonzero(np.isfinite(y)):
            start = index == 0 or not np.isfinite(y[index - 1])
            points.append(f"{'M' if start else 'L'}{x[index]:.1f} {y[index]:.1f}")
            if start and (index + 1 == len(y) or not np.isfinite(y[index + 1])):
                points.append("h.6")  # a single frame between gaps is seen too
        return f'<path d="{"".join(points)}" stroke="{colour}"/>'

    def band(self, series: Series, colour: str) -> str:
        """One polygon per run of finite values."""
        lower, upper = series.colour_values
        step = max(1, len(lower) // _COLUMNS)
        x, low, high = self.x(self.time_s[::step]), self.y(lower[::step]), self.y(upper[::step])
        shapes = []
        for run in _runs(np.isfinite(low)):
            there = [f"{a:.1f} {b:.1f}" for a, b in zip(x[run], high[run], strict=True)]
            back = [f"{a:.1f} {b:.1f}" for a, b in zip(x[run][::-1], low[run][::-1], strict=True)]
            shapes.append("M" + "L".join(there + back) + "Z")
        return f'<path class="band" d="{"".join(shapes)}" style="fill:{colour}"/>'

    def time_axis(self) -> str:
        """Ticks in seconds along the bottom."""
        first, last = float(self.time_s[0]), float(self.time_s[-1])
        y = self.height - 12
        ticks = [tick for tick in _ticks(first, last) if first - 1e-9 <= tick <= last + 1e-9]
        places = np.minimum(self.x(np.array(ticks)), CHART_WIDTH - _RIGHT - 14.0)
        words = [f"{tick:g}" for tick in ticks[:-1]] + [f"{ticks[-1]:g} s"]
        return "".join(
            f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{word}</text>'
            for x, word in zip(places, words, strict=True)
        )


def line_chart(time_s: Float[np.ndarray, " T"], series: Sequence[Series], unit: str, limit: float | None = None) -> str:
    """Lines over time, each with an optional band; `limit` draws a dashed line. The vertical axis has `unit`."""
    height = 230
    values = np.concatenate([part for line in series for part in line.colour_values] + [np.array([limit or 0.0])])
    finite = values[np.isfinite(values)]
    ticks = _ticks(float(finite.min()), float(finite.max()))
    low, high = min(ticks[0], float(finite.min())), max(ticks[-1], float(finite.max()))
    high = high if high > low else low + 1.0
    axes = _Axes(time_s, 58, height, low, high, bottom=height - _BOTTOM)
    parts = [axes.time_axis()]
    for tick in ticks:
        y = float(axes.y(np.array([tick]))[0]) + 4
        parts.append(axes.level(tick, "grid") + f'<text x="52" y="{y:.1f}" text-anchor="end">{tick:g}</text>')
    legend = [(line.label, f"var(--c{index % 5})") for index, line in enumerate(series)]
    for line, (_, colour) in zip(series, legend, strict=True):
        parts.append((axes.band(line, colour) if line.half_width is not None else "") + axes.line(line.values, colour))
    if limit is not None:
        parts.append(axes.level(limit, "limit"))
    return chart_svg(parts, height, legend if len(legend) > 1 else [], unit)


def lane_chart(
    time_s: Float[np.ndarray, " T"],
    names: Sequence[str],
    values: Float[np.ndarray, "T N"],
    limits: Float[np.ndarray, "N 2"],
) -> str:
    """One lane per name; its edges are the limits, so a line along an edge is a joint at its stop."""
    lane, left = 30, 130
    height = _TOP + lane * len(names) + _BOTTOM
    parts = [_Axes(time_s, left, height).time_axis()]
    for index, (name, (low, high)) in enumerate(zip(names, limits, strict=True)):
        top, bottom = _TOP + lane * index, _TOP + lane * index + lane - 6
        axes = _Axes(time_s, left, height, float(low), float(high), top, bottom)
        parts.append(f'<text x="{left - 8}" y="{(top + bottom) / 2 + 4:.0f}" text-anchor="end">{escape(name)}</text>')
        parts.append(axes.level(float(low), "grid") + axes.level(float(high), "grid"))
        parts.append(axes.line(np.clip(values[:, index], low, high), "var(--c0)"))
    return chart_svg(parts, height, [])


def status_chart(time_s: Float[np.ndarray, " T"], rows: Sequence[tuple[str, Int8[np.ndarray, " T"]]]) -> str:
    """One strip per (name, status of each frame), coloured by what became of the frame."""
    lane, left = 30, 130
    height = _TOP + lane * len(rows) + _BOTTOM
    parts, present = [_Axes(time_s, left, height).time_axis()], set()
    for index, (name, status) in enumerate(rows):
        top, scale = _TOP + lane * index, (CHART_WIDTH - _RIGHT - left) / len(status)
        parts.append(f'<text x="{left - 8}" y="{top + 16}" text-anchor="end">{escape(name)}</text>')
        for value in FrameStatus:
            runs = _runs(status == value)
            present |= {value} if runs else set()
            for run in runs:
                x, width = left + run.start * scale, max((run.stop - run.start) * scale, 0.6)
                shape = f'x="{x:.1f}" y="{top}" width="{width:.1f}" height="{lane - 8}"'
                parts.append(f'<rect {shape} fill="{_STATUS_COLOURS[value]}"/>')
    legend = [(STATUS_WORDS[value], _STATUS_COLOURS[value]) for value in FrameStatus if value in present]
    return chart_svg(parts, height, legend)


def chart_svg(parts: Sequence[str], height: int, legend: Sequence[tuple[str, str]], unit: str = "") -> str:
    """The whole picture: drawn parts below a legend of (words, colour), which wraps.

    Args:
        parts: SVG elements in a box `CHART_WIDTH` wide.
        height: of that box.
        legend: what the colours mean.
        unit: of the vertical axis, written above it.
    """
    x, y, labels = 58, 12, []
    if unit:
        labels.append(f'<text x="4" y="{y}">{escape(unit)}</text>')
    for label, colour in legend:
        if x + 17 + 7 * len(label) > CHART_WIDTH:
            x, y = 58, y + 18
        labels.append(f'<rect x="{x}" y="{y - 9}" width="12" height="9" rx="2" fill="{colour}"/>')
        labels.append(f'<text x="{x + 17}" y="{y}">{escape(label)}</text>')
        x += 34 + 7 * len(label)
    head = y + 10 if labels else 0
    box = f"0 {-head} {CHART_WIDTH} {height + head}"
    return (
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="{box}" role="img">'
        f'<style>{_STYLE}</style><g transform="translate(0 {-head + 2})">{"".join(labels)}</g>{"".join(parts)}</svg>'
    )


def _runs(mask: np.ndarray) -> list[slice]:
    """Maximal runs of true, as slices."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [slice(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]


def _thinned(time_s: Values, values: Values) -> tuple[Float[np.ndarray, " M"], Float[np.ndarray, " M"]]:
    """At most two points per pixel column: the least and the greatest of its values, in order of time."""
    if len(values) <= 2 * _COLUMNS:
        return time_s, values
    keep = []
    for column in np.array_split(np.arange(len(values)), _COLUMNS):
        finite = column[np.isfinite(values[column])]
        extremes = {finite[values[finite].argmin()], finite[values[finite].argmax()]} if finite.size else {column[0]}
        keep += sorted(extremes)
    return time_s[keep], values[keep]


def _ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers from at or below `low` to at or above `high`."""
    span = max(high - low, 1e-6)
    power = 10.0 ** np.floor(np.log10(span / 4))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= 6)
    return [round(index * step, 9) for index in range(int(np.floor(low / step)), int(np.ceil(high / step)) + 1)]
