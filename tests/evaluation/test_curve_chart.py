"""Points land where their numbers say, and a suite's rows become one curve a column."""

import re

import pytest

from understudy.evaluation.curve_chart import Point, curve_chart
from understudy.evaluation.result_file import make_report, rate_cell
from understudy.evaluation.suite_page import curve_svg
from understudy.evaluation.suites import get_suite


def circles(drawn):
    return [(float(x), float(y)) for x, y in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', drawn)]


def test_points_are_in_proportion():
    points = [Point(x, value, value, value) for x, value in ((0.0, 0.0), (75.0, 0.5), (300.0, 1.0))]
    (x0, y0), (x1, y1), (x2, y2) = circles(curve_chart([("push", points)], (0.0, 40.0, 300.0), "demonstrations <n>"))
    assert (x1 - x0) / (x2 - x0) == pytest.approx(0.25, abs=1e-3)
    assert (y1 - y0) / (y2 - y0) == pytest.approx(0.5, abs=1e-2)
    assert "demonstrations &lt;n&gt;" in curve_chart([("push", points)], (0.0, 300.0), "demonstrations <n>")


def test_rows_become_a_curve_for_each_skill():
    suite, robot = get_suite("video_prompt_human_demos"), "xarm7_xhand"
    cells = [
        rate_cell(row, k, 20, column=skill, robot=robot, prompt=prompt)
        for k, row in enumerate(suite.named_rows)
        for skill in (*suite.tasks, "all")
        for prompt in ("right", "moved", "blank")
    ]
    drawn = curve_svg(suite, make_report("video_prompt_human_demos", "c", 1.0, cells), robot)
    assert len(circles(drawn)) == len(suite.named_rows) * len(suite.tasks) * 2, "right and moved, and not over all"
    assert "human_300, hold, moved: 20% (4/20" in drawn
    assert "human_300, hold: 20% (4/20" in drawn
    assert curve_svg(get_suite("watch"), make_report("watch", "c", 1.0, cells), robot) == ""
