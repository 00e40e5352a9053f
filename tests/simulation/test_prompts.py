import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.errors import UnderstudyError
from understudy.simulation.human import record_human
from understudy.simulation.layout import sample_layout
from understudy.simulation.prompts import moved_layout, same_goal, wrong_prompt
from understudy.simulation.tabletop import Tabletop
from understudy.simulation.tasks import TASKS, get_task, goal_of

SEEDS = st.integers(0, 2_999_999)
USUAL = ("pick_place", "push", "press_button")


def possible(layout):
    return [(name, goal) for name, task in TASKS.items() for goal in task.goals(layout)]


@given(SEEDS)
@settings(max_examples=50, deadline=None)
def test_a_goal_of_a_seed_is_one_of_the_goals(seed):
    layout = sample_layout(seed)
    for name in USUAL:
        goals = TASKS[name].goals(layout)
        assert goal_of(TASKS[name], layout) in goals
        assert len(set(goals)) == len(goals) >= 2
        labels = [goal.label for goal in goals]
        assert all(labels.count(label) >= 2 for label in labels), "each goal has its minimal pair"


@given(SEEDS, st.integers(0, 10**6))
@settings(max_examples=50, deadline=None)
def test_a_wrong_prompt_is_possible_and_means_something_else(seed, choice):
    layout = sample_layout(seed)
    for task, goal in possible(layout):
        other_task, other = wrong_prompt(task, layout, goal, choice)
        assert (other_task, other) == wrong_prompt(task, layout, goal, choice)
        assert other in get_task(other_task).goals(layout)
        assert other.label != goal.label


@pytest.mark.parametrize("task", USUAL)
def test_doing_what_a_wrong_prompt_shows_fulfils_no_goal_of_the_label(task):
    for seed in range(3):
        layout = sample_layout(seed)
        goal = goal_of(get_task(task), layout)
        other_task, other = wrong_prompt(task, layout, goal, seed)
        end = record_human(other_task, seed, size=64, goal=other).final_state
        assert get_task(other_task).reached(other, layout, end)[-1]
        for same_words in (g for g in get_task(task).goals(layout) if g.label == goal.label):
            assert not get_task(task).reached(same_words, layout, end)[-1]


def test_wrong_prompts_keep_to_the_tasks_that_are_allowed_and_reach_all_of_them():
    layout = sample_layout(5)
    goal = goal_of(get_task("push"), layout)
    drawn = {wrong_prompt("push", layout, goal, seed, USUAL)[0] for seed in range(60)}
    assert drawn == set(USUAL)
    assert {wrong_prompt("push", layout, goal, seed, ["push"])[0] for seed in range(9)} == {"push"}
    with pytest.raises(UnderstudyError, match=r"no wrong prompt for 'press a button' .* among pull"):
        wrong_prompt("press_button", layout, layout_button(layout), 0, ["pull"])


def test_where_words_say_the_same_of_all_the_wrong_prompt_is_the_other_of_a_minimal_pair():
    layout = sample_layout(5)
    one, other = get_task("press_button").goals(layout)
    assert wrong_prompt("press_button", layout, one, 0, ["press_button"]) == ("press_button", other)
    assert wrong_prompt("press_button", layout, other, 0, ["press_button"]) == ("press_button", one)
    drawn = {wrong_prompt("press_button", layout, one, seed, ["press_button", "push"])[0] for seed in range(20)}
    assert drawn == {"push"}


def layout_button(layout):
    return get_task("press_button").goals(layout)[0]


@given(SEEDS, st.integers(0, 10**6))
@settings(max_examples=50, deadline=None)
def test_a_moved_layout_has_the_same_things_at_other_places(seed, choice):
    layout = sample_layout(seed)
    moved = moved_layout(layout, choice)
    assert moved == moved_layout(layout, choice)
    assert moved.seed == layout.seed
    assert moved.items.keys() == layout.items.keys()
    for name, item in layout.items.items():
        assert (moved.item(name).kind, moved.item(name).colour) == (item.kind, item.colour)
        assert moved.item(name).xy != item.xy
    assert np.all(np.diff([item.xy[1] for item in moved.objects]) > 0.1)
    for task, goal in possible(layout):
        assert same_goal(task, goal, moved).label == goal.label


def test_goal_and_layout_replace_what_the_seed_gives():
    seed = 11
    layout = moved_layout(sample_layout(seed), 3)
    goal = get_task("push").goals(layout)[4]
    demonstration = record_human("push", seed, size=64, goal=goal, layout=layout)
    assert (demonstration.layout, demonstration.goal, demonstration.label) == (layout, goal, goal.label)
    assert get_task("push").reached(goal, layout, demonstration.final_state)[-1]
    table = Tabletop("push", seed, "xarm7_gripper", goal=goal, layout=layout)
    assert (table.layout, table.goal) == (layout, goal)
    assert table.data.model.body(goal.target).pos[:2] == pytest.approx(layout.item(goal.target).xy)


def test_a_goal_that_the_other_layout_lacks_is_named():
    goal = get_task("push").goals(sample_layout(0))[0]
    with pytest.raises(UnderstudyError, match=f"push: no goal {goal.target} to {goal.place} in the layout of seed 1"):
        same_goal("push", goal, sample_layout(1))


@pytest.mark.parametrize("task", ["pour", "flip_cup"])
@given(SEEDS, st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_layouts_of_a_task_s_own_generator_have_wrong_prompts_and_can_be_moved(task, seed, choice):
    layout = get_task(task).sample_layout(seed)
    goal = goal_of(get_task(task), layout)
    other_task, other = wrong_prompt(task, layout, goal, choice)
    assert other_task == task
    assert other.label != goal.label
    moved = moved_layout(layout, choice)
    assert {(item.name, item.kind, item.colour) for item in moved.items.values()} == {
        (item.name, item.kind, item.colour) for item in layout.items.values()
    }
    assert same_goal(task, goal, moved).label == goal.label
