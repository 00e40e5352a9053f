"""Suites name only what there is, and can be planned as they stand."""

import pytest

from understudy.evaluation.prompts import PROMPTS
from understudy.evaluation.run_suite import SuiteOptions, plan
from understudy.evaluation.suites import SUITES, get_suite
from understudy.simulation.axes import get_axis
from understudy.simulation.tasks import get_task


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_can_be_planned_and_names_what_there_is(name):
    suite = get_suite(name)
    assert suite.name == name
    assert set(suite.prompts) <= set(PROMPTS)
    assert not any(get_axis(axis).prompt_only for axis in suite.axes)
    for task in suite.tasks:
        assert set(suite.robots) & set(get_task(task).embodiments)
        for axis in (suite.layouts, *suite.axes):
            get_task(task).sample_layout(1_000_000, axis)
    if name != "watch":  # which is of replay alone
        assert {"kinematic", "oracle"} <= set(suite.rows)
        assert {"right", "wrong", "blank"} <= set(suite.prompts)
    turns = plan(suite, SuiteOptions(episodes=2, policies=("oracle",)))
    assert {turn.axis for turn in turns} == {suite.layouts, *suite.axes}
    assert set(suite.curve) <= set(suite.named_rows)
    assert {turn.task for turn in turns} == set(suite.tasks)
    columns = {*suite.tasks, *suite.axes, "all"}
    assert {column for _, column in suite.paper} <= columns
    assert all(0 <= rate <= 1 for rate in suite.paper.values())
    assert set(suite.paper_score) <= set(suite.paper)
    assert all(1 < score <= 100 for score in suite.paper_score.values()), "scores are of 100"
