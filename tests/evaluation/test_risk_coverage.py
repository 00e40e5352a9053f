"""Success over the share of prompts kept: known answers, ties, and the cells and chart made of it."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from understudy.errors import UnderstudyError
from understudy.evaluation.episode import Turn
from understudy.evaluation.result_file import make_report
from understudy.evaluation.risk_coverage import (
    familiarity_cells,
    group_of,
    kept,
    risk_coverage_area,
    risk_coverage_chart,
)
from understudy.evaluation.rows import Contestant
from understudy.evaluation.suites import get_suite
from understudy.evaluation.summary import Table

ROBOT, SEED = "xarm7_xhand", 1_000_000
TURN = Turn(Contestant("full", "full", (ROBOT,)), ROBOT, "push", SEED, "right")


def test_the_most_familiar_are_kept_and_ties_stay_together():
    familiarity = np.array([0.1, 0.9, 0.5, 0.5])
    assert kept(familiarity, 0.25).tolist() == [False, True, False, False]
    assert kept(familiarity, 0.5).tolist() == [False, True, True, True]
    assert kept(familiarity, 1.0).all()
    assert kept(np.full(7, 0.3), 0.1).all()


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30), st.floats(0.05, 1))
def test_at_least_the_share_is_kept_and_nobody_less_familiar(prompts, share):
    familiarity, followed = (np.array(values) for values in zip(*prompts, strict=True))
    chosen = kept(familiarity, share)
    assert chosen.mean() >= share - 1e-9
    assert chosen.all() or familiarity[chosen].min() > familiarity[~chosen].max()
    assert 0 <= risk_coverage_area(familiarity, followed) <= 1


def test_the_area_is_small_where_familiarity_tells():
    followed = np.array([True] * 5 + [False] * 5)
    knows, knows_not = np.linspace(1, 0, 10), np.full(10, 0.5)
    # Failures among the first i of ten: none up to the fifth, then (i - 5) / i.
    assert risk_coverage_area(knows, followed) == pytest.approx(sum((i - 5) / i for i in range(6, 11)) / 10)
    assert risk_coverage_area(knows_not, followed) == pytest.approx(0.5)
    assert risk_coverage_area(-knows, followed) > 0.5


def test_prompts_are_grouped_by_what_is_unusual_about_them():
    prompts = {
        "right": "right",
        "wrong": "wrong",
        "blank": "blank",
        "moved": "mismatched",
        "unseen_person": "mismatched",
    }
    assert {prompt: group_of(replace(TURN, prompt=prompt)) for prompt in prompts} == prompts
    assert group_of(replace(TURN, axis="object_type")) == "axis"


def episodes(seeds=1):
    """Ten familiar prompts that are followed and ten unfamiliar ones, of a held-out axis, that are not."""
    found = {}
    for number in range(seeds):
        row = replace(TURN.contestant, fingerprint=str(number))
        for layout in range(10):
            usual = replace(TURN, contestant=row, seed=SEED + layout)
            base = {"commit": "aaaaaaa"}
            found[usual] = base | {"familiarity": 0.5 + layout / 20, "asked": True}
            found[replace(usual, axis="scene")] = base | {"familiarity": layout / 40, "asked": False}
            words = Contestant("words", "words", (ROBOT,))
            found[replace(usual, contestant=words)] = base | {"familiarity": None, "asked": True}
    return Table(get_suite("video_prompt"), SEED, found)


@pytest.mark.parametrize("seeds", [1, 3])
def test_cells_count_layouts_at_every_share(seeds):
    cells = familiarity_cells(episodes(seeds))
    assert {cell.row for cell in cells} == {"full"}, "a row that tells no familiarity has no such cells"
    rates = {(cell.prompt, cell.column): cell for cell in cells if cell.metric == "followed_rate"}
    half, everything = rates["any", "kept_50"], rates["any", "kept_100"]
    assert (half.k, half.n) == (10 * seeds, 10 * seeds)
    assert (everything.k, everything.n) == (10 * seeds, 20 * seeds)
    assert rates["axis", "kept_10"].k == 0
    exact = binomtest(10, 20).proportion_ci(0.95, method="exact")
    assert (everything.low, everything.high) == pytest.approx((exact.low, exact.high)), "seeds add no trials"
    medians = {cell.prompt: cell.value for cell in cells if cell.metric == "familiarity_p50"}
    assert medians["right"] > medians["axis"]
    assert len({(c.row, c.metric, c.column, c.robot, c.prompt) for c in cells}) == len(cells)


def _told(turns, familiarity=0.5, asked=True):
    return {turn: {"familiarity": familiarity, "asked": asked, "commit": "aaaaaaa"} for turn in turns}


def test_a_blank_prompt_is_not_any_prompt():
    found = _told([TURN]) | _told([replace(TURN, prompt="blank")], asked=False)
    table = Table(get_suite("video_prompt"), SEED, found)
    rates = {c.prompt: (c.k, c.n) for c in familiarity_cells(table) if c.column == "kept_100"}
    assert rates == {"right": (1, 1), "blank": (0, 1), "any": (1, 1)}


def test_prompts_of_one_layout_are_no_trials_of_their_own():
    """Six layouts, in each of which all five prompts end alike: six trials, not thirty."""
    found = {}
    for layout in range(6):
        turns = [replace(TURN, seed=SEED + layout, prompt=prompt) for prompt in ("right", "moved", "distractors")]
        turns += [replace(turn, task="pour") for turn in turns[:2]]
        found |= _told(turns, asked=layout < 3)
    cells = familiarity_cells(Table(get_suite("video_prompt"), SEED, found))
    (every,) = [c for c in cells if (c.prompt, c.column) == ("any", "kept_100")]
    assert (every.k, every.n) == (15, 30)
    exact = binomtest(3, 6).proportion_ci(0.95, method="exact")
    assert every.low <= exact.low + 1e-9
    assert every.high >= exact.high - 1e-9


def test_policies_of_two_tasks_are_two_curves():
    """Each has a familiarity of its own: what one calls familiar must not crowd out the other."""
    found = {}
    for task, familiarity, followed in (("push", 0.9, False), ("pour", 0.1, True)):
        its = Contestant("full", f"full_{task}", (ROBOT,), fingerprint=task, task=task)
        turns = [replace(TURN, contestant=its, task=task, seed=SEED + layout) for layout in range(4)]
        found |= _told(turns, familiarity, followed)
    cells = familiarity_cells(Table(get_suite("video_prompt"), SEED, found))
    rates = {c.row: (c.k, c.n) for c in cells if (c.prompt, c.column) == ("right", "kept_10")}
    assert rates == {"full@push": (0, 4), "full@pour": (4, 4)}


def test_the_chart_has_a_line_for_each_kind_of_prompt():
    report = make_report("video_prompt", "c", 1.0, familiarity_cells(episodes()))
    drawn = risk_coverage_chart(report, "full", ROBOT)
    assert len(re.findall("<circle", drawn)) == 3 * 10
    assert "axis, 100 % kept: 0% of 10" in drawn
    with pytest.raises(UnderstudyError, match="row words on xarm7_xhand: tells no familiarity"):
        risk_coverage_chart(report, "words", ROBOT)
