"""A judge reads success off the state that the task reads it off, and wants it to last."""

import numpy as np
import pytest

from understudy.evaluation.judge import HOLD_STEPS, Judge, goals_of_label
from understudy.simulation.layout import sample_layout
from understudy.simulation.state import ObjectState, TableState
from understudy.simulation.tasks import get_task

SEED = 5
LAYOUT = sample_layout(SEED)


def pushed(goal, short_m=0.0):
    """Everything where it was, but the target at the goal's place, or `short_m` before it."""
    objects = {item.name: ObjectState(np.array([*item.xy, 0.025]), np.eye(3)) for item in LAYOUT.objects}
    x, y = goal.place_xy
    objects[goal.target] = ObjectState(np.array([x - short_m, y, 0.025]), np.eye(3))
    return TableState(objects)


def test_success_has_to_last():
    goal = get_task("push").goals(LAYOUT)[0]
    judge = Judge("push", [goal], LAYOUT)
    for step in range(HOLD_STEPS):
        assert not judge.lasts
        judge.see(pushed(goal))
        assert judge.holds, step
    assert judge.lasts
    judge.see(pushed(goal, short_m=0.05))
    assert (judge.holds, judge.lasts, judge.lasted) == (False, False, True)


def test_a_moment_is_not_enough():
    goal = get_task("push").goals(LAYOUT)[0]
    judge = Judge("push", [goal], LAYOUT)
    for short_m in (0.0, 0.05) * HOLD_STEPS:
        judge.see(pushed(goal, short_m))
    assert not judge.lasted


@pytest.mark.parametrize("task", ["pick_place", "push", "press_button"])
def test_words_may_mean_every_goal_of_their_label(task):
    goals = get_task(task).goals(LAYOUT)
    meant = goals_of_label(task, goals[0], LAYOUT)
    assert goals[0] in meant
    assert len(meant) == 2  # either plate, line or button
    assert {goal.label for goal in meant} == {goals[0].label}
    assert not any(goal.label == goals[0].label for goal in set(goals) - set(meant))


def test_words_are_fulfilled_by_the_other_line_and_the_goal_is_not():
    goal, other = goals_of_label("push", get_task("push").goals(LAYOUT)[0], LAYOUT)
    words, exact = Judge("push", (goal, other), LAYOUT), Judge("push", [goal], LAYOUT)
    for judge in (words, exact):
        judge.see(pushed(other))
    assert words.holds
    assert not exact.holds
    assert words.failure(pushed(other)) == ""
    assert exact.failure(pushed(other)) in ("short", "too_far")
