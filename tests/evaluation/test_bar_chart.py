"""Bars stand where their rates say, and every count is drawn."""

import re
from xml.etree import ElementTree

import pytest

from understudy.evaluation.bar_chart import Bar, part_chart, rate_chart

SVG = "{http://www.w3.org/2000/svg}"


def heights(svg):
    groups = [g for g in ElementTree.fromstring(svg).iter(f"{SVG}g") if g.find(f"{SVG}path") is not None]
    return [float(g.find(f"{SVG}rect").get("height")) for g in groups]


def test_bars_are_as_high_as_their_rates():
    bars = {
        ("push", "a"): Bar(1.0, 0.9, 1.0, "a & b"),
        ("push", "b"): Bar(0.25, 0.1, 0.5),
        ("pick", "b"): Bar(0.0, 0.0, 0.1),
    }
    full, quarter, nothing = heights(rate_chart(["push", "pick"], ["a", "b"], bars))
    assert quarter == 0.25 * full
    assert nothing < 1


def test_more_rows_than_colours_have_a_lane_and_a_name_each():
    rows = [f"row_{number}" for number in range(9)]
    groups = ["pick", "push", "pour", "press", "flip", "all"]
    bars = {(g, row): Bar(i / 8, i / 16, (i + 8) / 16) for g in groups for i, row in enumerate(rows)}
    del bars["all", "row_3"]
    root = ElementTree.fromstring(rate_chart(groups, rows, bars))
    dots = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in root.iter(f"{SVG}circle")]
    assert len(dots) == len(bars)
    first = dots[:9]
    assert [x - first[0][0] for x, _ in first] == pytest.approx(
        [i * (first[8][0] - first[0][0]) / 8 for i in range(9)], abs=0.11
    )
    assert len({y for _, y in first}) == 9
    whiskers = [path.get("d") for path in root.iter(f"{SVG}path")][:9]
    ends = [[float(word) for word in re.fullmatch(r"M(\S+) \d+H(\S+)", whisker).groups()] for whisker in whiskers]
    left, right = first[0][0], first[8][0]
    for index, (low, high) in enumerate(ends):
        assert low == pytest.approx(left + (right - left) * index / 16, abs=0.11)
        assert high == pytest.approx(left + (right - left) * (index + 8) / 16, abs=0.11)
    assert all(dots[9 * panel + 8][0] < dots[9 * panel + 9][0] for panel in range(4))
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert words.count("row_3") == 1  # five panels beside each other, the sixth, where it has none, below
    assert words.count("row_4") == 2
    lowest = float(root.get("viewBox").split()[3])
    assert max(y for _, y in dots) < lowest


def test_parts_add_up_to_their_share_of_the_row():
    svg = part_chart(["x", "y"], [{"short": 3, "lost": 1}, {}], [8, 8])
    root = ElementTree.fromstring(svg)
    drawn = {rect.find(f"{SVG}title").text: float(rect.get("width")) for rect in root.iter(f"{SVG}rect") if len(rect)}
    assert drawn.keys() == {"short: 3 of 8", "lost: 1 of 8"}
    assert abs(drawn["short: 3 of 8"] - 3 * drawn["lost: 1 of 8"]) < 0.2
    assert re.search(r">4 of 8<", svg)
    assert re.search(r">0 of 8<", svg)
