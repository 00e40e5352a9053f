"""Bars as SVG text: rates with their intervals side by side, and counts as parts of a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from understudy.evaluation.chart import CHART_WIDTH, COLOURS, chart_svg

__all__ = ["Bar", "part_chart", "rate_chart"]

_LEFT, _RIGHT, _TOP, _HEIGHT = 44, 8, 16, 240
_BASE = _HEIGHT - 24
_MARK = "stroke:var(--ink);stroke-width:1.4"
_MOST_ROWS = 8
"""More bars side by side could not be told apart by their colours."""
_NAMES, _LANE, _PANELS = 190, 20, 5


@dataclass(frozen=True)
class Bar:
    """A rate, 0 to 1, with its interval."""

    value: float
    low: float
    high: float
    note: str = ""
    """Shown when the mouse rests on it."""


def rate_chart(groups: Sequence[str], rows: Sequence[str], bars: Mapping[tuple[str, str], Bar]) -> str:
    """One group of bars per name in `groups`, one bar per row in it where (group, row) has one.

    Of more than eight rows each has a lane with its name instead, and each group a panel.
    """
    if len(rows) > _MOST_ROWS:
        return _panels(groups, rows, bars)
    parts = []
    for percent in range(0, 101, 25):
        y = _y(percent / 100)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{CHART_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{percent}</text>')
    room = (CHART_WIDTH - _LEFT - _RIGHT) / len(groups)
    for index, group in enumerate(groups):
        start = _LEFT + index * room
        there = [(number, bars[group, row]) for number, row in enumerate(rows) if (group, row) in bars]
        width = min(0.84 * room / max(len(there), 1), 46.0)
        x = start + (room - width * len(there)) / 2
        for number, bar in there:
            parts.append(_bar(bar, x, width, COLOURS[number % len(COLOURS)]))
            x += width
        middle = start + room / 2
        parts.append(f'<text x="{middle:.1f}" y="{_BASE + 17}" text-anchor="middle">{escape(group)}</text>')
    legend = [(row, COLOURS[number % len(COLOURS)]) for number, row in enumerate(rows)]
    return chart_svg(parts, _HEIGHT, legend, "%")


def _y(rate: float) -> float:
    return _BASE - rate * (_BASE - _TOP)


def _bar(bar: Bar, x: float, width: float, colour: str) -> str:
    top, low, high, middle = _y(bar.value), _y(bar.low), _y(bar.high), x + 0.46 * width
    shape = f'x="{x:.1f}" y="{top:.1f}" width="{0.92 * width:.1f}" height="{max(_BASE - top, 0.8):.1f}"'
    cap = f"M{middle - 4:.1f} {low:.1f}h8M{middle - 4:.1f} {high:.1f}h8M{middle:.1f} {low:.1f}V{high:.1f}"
    # The number stands beside the whisker, on the bar's shoulder, or inside a bar that reaches the top.
    words_y = high - 4 if high - 4 > _TOP else _TOP - 4
    words = f'<text x="{middle:.1f}" y="{words_y:.1f}" text-anchor="middle">{100 * bar.value:.0f}</text>'
    title = f"<title>{escape(bar.note)}</title>" if bar.note else ""
    return f'<g>{title}<rect {shape} rx="2" fill="{colour}"/><path d="{cap}" style="{_MARK}"/>{words}</g>'


def _panels(groups: Sequence[str], rows: Sequence[str], bars: Mapping[tuple[str, str], Bar]) -> str:
    """Panels beside each other, at most five, then below: a dot and a whisker in the lane of each row."""
    parts, top = [], 0
    for first in range(0, len(groups), _PANELS):
        some = groups[first : first + _PANELS]
        shown = [row for row in rows if any((group, row) in bars for group in some)]
        for lane, row in enumerate(shown):
            y = top + 40 + lane * _LANE
            parts.append(f'<text x="{_NAMES - 10}" y="{y + 4}" text-anchor="end">{escape(row)}</text>')
        room = (CHART_WIDTH - _NAMES) / len(some)
        for index, group in enumerate(some):
            lanes = {lane: bars[group, row] for lane, row in enumerate(shown) if (group, row) in bars}
            parts.append(_panel(group, lanes, _NAMES + index * room, room - 44, top, len(shown)))
        top += 54 + _LANE * len(shown)
    return chart_svg(parts, top, [])


def _panel(group: str, lanes: Mapping[int, Bar], left: float, width: float, top: int, num_lanes: int) -> str:
    """0 to 100 % from `left` on, the number of each lane to the right of it."""
    bottom = top + 30 + _LANE * num_lanes
    parts = [f'<text x="{left + width / 2:.1f}" y="{top + 14}" text-anchor="middle">{escape(group)}, %</text>']
    for rate in (0.0, 0.5, 1.0):
        x = left + rate * width
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top + 24}" y2="{bottom}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{100 * rate:.0f}</text>')
    for lane, bar in lanes.items():
        y = top + 40 + lane * _LANE
        low, value, high = (left + rate * width for rate in (bar.low, bar.value, bar.high))
        title = f"<title>{escape(bar.note)}</title>" if bar.note else ""
        dot = f'<circle cx="{value:.1f}" cy="{y}" r="4" fill="{COLOURS[0]}"/>'
        words = f'<text x="{left + width + 10:.1f}" y="{y + 4}">{100 * bar.value:.0f}</text>'
        parts.append(f'<g>{title}<path d="M{low:.1f} {y}H{high:.1f}" style="{_MARK}"/>{dot}{words}</g>')
    return "".join(parts)


def part_chart(rows: Sequence[str], counts: Sequence[Mapping[str, int]], totals: Sequence[int]) -> str:
    """One horizontal bar per row, as long as its total, cut into named counts: the same name has the same colour."""
    names = sorted({name for count in counts for name in count}, key=lambda name: -sum(c.get(name, 0) for c in counts))
    colour = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}
    left, lane = 250, 24
    parts = []
    for index, (row, count, total) in enumerate(zip(rows, counts, totals, strict=True)):
        y, x = 6 + index * lane, float(left)
        scale = (CHART_WIDTH - left - 60) / max(total, 1)
        parts.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{escape(row)}</text>')
        for name in names:
            width = count.get(name, 0) * scale
            if width:
                box = f'x="{x:.1f}" y="{y}" width="{width:.1f}" height="{lane - 6}"'
                title = f"<title>{escape(name)}: {count[name]} of {total}</title>"
                parts.append(f'<rect {box} fill="{colour[name]}">{title}</rect>')
                x += width
        end = left + total * scale
        parts.append(f'<path d="M{left} {y}H{end:.1f}V{y + lane - 6}H{left}Z" style="stroke:var(--line)"/>')
        words = f"{sum(count.values())} of {total}"
        parts.append(f'<text x="{end + 6:.1f}" y="{y + 13}">{words}</text>')
    return chart_svg(parts, 12 + lane * len(rows), [(name, colour[name]) for name in names])
