"""A mis-grasp is the near neighbour taken first, and nothing else; rows are compared where one can happen."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from understudy.evaluation.episode import Turn
from understudy.evaluation.mis_grasp import mis_grasp_cells
from understudy.evaluation.rows import Contestant
from understudy.evaluation.suites import get_suite
from understudy.evaluation.summary import Table
from understudy.evaluation.taken import TAKEN_M, FirstTaken, near_neighbours
from understudy.simulation.axes import sample_layout
from understudy.simulation.experts import scripted_expert
from understudy.simulation.state import TableState
from understudy.simulation.tabletop import Tabletop
from understudy.simulation.tasks import get_task

ROBOT, SEED = "xarm7_gripper", 1_000_601
CLOSE = sample_layout(SEED, "scene")
RIGHT, MIDDLE, LEFT = (item.name for item in CLOSE.objects)


def state(**carried_m):
    return TableState({}, carried_m=carried_m)


def seen(target, *states, layout=CLOSE):
    taken = FirstTaken(layout, target)
    for one in states:
        taken.see(one)
    return taken.mis_grasp


def test_neighbours_are_near_on_the_axis_scene_alone():
    assert near_neighbours(CLOSE, MIDDLE) == (RIGHT, LEFT)
    assert near_neighbours(CLOSE, RIGHT) == (MIDDLE,)
    for seed in range(SEED, SEED + 20):
        usual = sample_layout(seed)
        assert not any(near_neighbours(usual, item.name) for item in usual.objects)
        assert not near_neighbours(sample_layout(seed, "scene"), "button_0")


def test_what_is_taken_first_decides():
    assert seen(RIGHT) is False
    assert seen(RIGHT, state(**{MIDDLE: TAKEN_M * 0.9})) is False
    assert seen(RIGHT, state(**{MIDDLE: TAKEN_M})) is True
    assert seen(RIGHT, state(**{RIGHT: TAKEN_M}), state(**{RIGHT: TAKEN_M, MIDDLE: 0.3})) is False
    assert seen(RIGHT, state(**{MIDDLE: TAKEN_M}), state(**{MIDDLE: TAKEN_M, RIGHT: 0.3})) is True
    assert seen(RIGHT, state(**{MIDDLE: 0.03, RIGHT: 0.04})) is False
    assert seen(RIGHT, state(**{LEFT: 0.3})) is False, "no neighbour: it stands two places off"
    assert seen(RIGHT, state(**{MIDDLE: 0.3}), layout=replace(CLOSE, objects=CLOSE.objects[:1])) is None


def test_an_expert_that_goes_for_the_neighbour_mis_grasps():
    goals = {goal.target: goal for goal in get_task("pick_place").goals(CLOSE)}
    table = Tabletop("pick_place", SEED, ROBOT, layout=CLOSE, goal=goals[MIDDLE])
    right, wrong = FirstTaken(CLOSE, MIDDLE), FirstTaken(CLOSE, RIGHT)
    table.reset(observe=False)
    for action in scripted_expert(table):
        table.step(action, observe=False)
        for watcher in (right, wrong):
            watcher.see(table.state)
    assert (right.mis_grasp, wrong.mis_grasp) == (False, True)


def test_only_episodes_that_can_have_one_are_counted():
    suite = replace(get_suite("video_prompt"), axes=("scene",))
    episodes = {}
    for row, count in (("plain", 12), ("pdcp", 3)):
        for layout in range(20):
            turn = Turn(Contestant(row, row, ("xarm7_xhand",)), "xarm7_xhand", "push", SEED + layout, "right", "scene")
            episodes[turn] = {"mis_grasp": layout < count, "commit": "aaaaaaa"}
            episodes[replace(turn, axis=None)] = {"mis_grasp": None, "commit": "aaaaaaa"}
    cells = {(cell.row, cell.metric): cell for cell in mis_grasp_cells(Table(suite, SEED, episodes))}
    plain = cells["plain", "mis_grasp_rate"]
    assert (plain.k, plain.n, plain.column, plain.prompt, plain.commit) == (12, 20, "scene", "right", "aaaaaaa")
    exact = binomtest(12, 20).proportion_ci(0.95, method="exact")
    assert np.allclose((plain.low, plain.high), (exact.low, exact.high))
    difference = cells["plain_minus_pdcp", "mis_grasp_rate_difference"]
    assert difference.value == pytest.approx(0.45)
    assert difference.p == pytest.approx(2 / 2**9)
    assert len(cells) == 3
