"""Charts are valid SVG, keep gaps as gaps and lose no peak."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from understudy.evaluation.chart import Series, lane_chart, line_chart, status_chart

TIME_S = np.arange(50) / 10
SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg):
    return ElementTree.fromstring(svg)


def paths(svg):
    return [path.get("d") for path in parsed(svg).iter(f"{SVG}path")]


def test_a_gap_breaks_the_line():
    values = np.sin(TIME_S)
    values[20:30] = np.nan
    (line,) = paths(line_chart(TIME_S, [Series("a", values)], "m"))
    assert line.count("M") == 2
    assert line.count("L") == 40 - 2


def test_a_single_frame_between_gaps_is_drawn():
    values = np.full(50, np.nan)
    values[7] = 1.0
    (line,) = paths(line_chart(TIME_S, [Series("a", values)], "m"))
    assert re.fullmatch(r"M[\d.]+ [\d.]+h\.6", line)


def test_nothing_but_gaps_is_an_empty_chart():
    assert paths(line_chart(TIME_S, [Series("a", np.full(50, np.nan))], "m")) == [""]


def test_a_peak_of_one_frame_survives_thinning():
    time_s, values = np.arange(20_000) / 30, np.zeros(20_000)
    values[12_345] = 9.0
    (line,) = paths(line_chart(time_s, [Series("a", values)], "px"))
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", line)]
    assert len(heights) < 1500
    assert len(set(heights)) == 2


def test_a_band_has_its_half_width():
    svg = line_chart(TIME_S, [Series("a", np.zeros(50), np.full(50, 2.0))], "m")
    band, _ = paths(svg)
    heights = {float(y) for y in re.findall(r"[\d.]+ ([\d.]+)", band)}
    axis = {
        float(text.text): float(text.get("y")) - 4 for text in parsed(svg).iter(f"{SVG}text") if text.get("x") == "52"
    }
    assert sorted(heights) == pytest.approx([axis[2.0], axis[-2.0]], abs=0.1)


def test_a_joint_at_its_limit_lies_on_its_lanes_edge():
    values = np.stack([np.full(50, 1.5), np.full(50, -0.5)], axis=-1)
    limits = np.array([[-0.5, 1.5], [-0.5, 1.5]])
    svg = lane_chart(TIME_S, ["upper", "lower"], values, limits)
    edges = [float(line.get("y1")) for line in parsed(svg).iter(f"{SVG}line")]
    heights = [{float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", path)} for path in paths(svg)]
    assert heights == [{edges[1]}, {edges[2]}]


def test_status_strips_cover_every_frame_and_name_what_occurs():
    status = np.zeros(50, dtype=np.int8)
    status[10:20] = 1
    root = parsed(status_chart(TIME_S, [("tracking", status)]))
    bars = [rect for rect in root.iter(f"{SVG}rect") if rect.get("rx") is None]
    assert sum(float(bar.get("width")) for bar in bars) == pytest.approx(760 - 12 - 130, abs=0.2)
    words = {text.text for text in root.iter(f"{SVG}text")}
    assert {"solved", "no hand seen"} <= words
    assert "too fast" not in words


def test_names_are_escaped():
    assert "a<b" not in line_chart(TIME_S, [Series("a<b", TIME_S), Series("c", TIME_S)], "m")
