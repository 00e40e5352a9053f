"""Rates over a number as SVG text: lines with their 95 % intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from understudy.evaluation.chart import CHART_WIDTH, COLOURS, chart_svg

__all__ = ["Point", "curve_chart"]

_LEFT, _RIGHT, _TOP, _HEIGHT = 44, 20, 16, 280
_BASE = _HEIGHT - 44


@dataclass(frozen=True)
class Point:
    """A rate, 0 to 1, with its interval, at a number."""

    x: float
    value: float
    low: float
    high: float
    note: str = ""
    """Shown when the mouse rests on it."""


def curve_chart(curves: Sequence[tuple[str, Sequence[Point]]], ticks: Sequence[float], title: str) -> str:
    """One line per (name, points), in order of x.

    Args:
        curves: what is drawn.
        ticks: numbers that are written below the chart; the first and the last are its ends.
        title: what they are.
    """
    first, last = min(ticks), max(ticks)

    def across(x: float) -> float:
        return _LEFT + (x - first) / max(last - first, 1e-9) * (CHART_WIDTH - _LEFT - _RIGHT)

    parts = []
    for percent in range(0, 101, 25):
        y = _y(percent / 100)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{CHART_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{percent}</text>')
    below = f'y="{_BASE + 17}" text-anchor="middle"'
    parts += [f'<text x="{across(tick):.1f}" {below}>{tick:g}</text>' for tick in ticks]
    middle = (_LEFT + CHART_WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle:.0f}" y="{_BASE + 36}" text-anchor="middle">{escape(title)}</text>')
    for number, (_, points) in enumerate(curves):
        colour = COLOURS[number % len(COLOURS)]
        places = [(across(point.x), _y(point.value)) for point in points]
        upper = [(across(point.x), _y(point.high)) for point in points]
        lower = [(across(point.x), _y(point.low)) for point in points]
        parts.append(f'<path class="band" d="{_path([*upper, *lower[::-1]])}Z" style="fill:{colour}"/>')
        parts.append(f'<path d="{_path(places)}" stroke="{colour}"/>')
        for point, (x, y) in zip(points, places, strict=True):
            note = f"<title>{escape(point.note)}</title>" if point.note else ""
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}">{note}</circle>')
    return chart_svg(parts, _HEIGHT, [(name, COLOURS[i % len(COLOURS)]) for i, (name, _) in enumerate(curves)], "%")


def _y(rate: float) -> float:
    return _BASE - rate * (_BASE - _TOP)


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
