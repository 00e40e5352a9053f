"""Chunked control: how much of a chunk is carried out, and what ends an episode."""

from functools import partial

import numpy as np
import pytest

from understudy.evaluation.judge import HOLD_STEPS, Judge
from understudy.evaluation.rollout import run_rollout
from understudy.simulation.tabletop import Tabletop
from understudy.simulation.tasks import get_task

TASK, ROBOT, SEED = "press_button", "xarm7_gripper", 1_000_000
EXECUTE = 8


@pytest.fixture(scope="module")
def table():
    scene = Tabletop(TASK, SEED, ROBOT, image_size=16)
    yield scene
    scene.close()


def test_a_policy_is_asked_again_after_its_part_of_the_chunk_until_time_is_up(table, still):
    policy = still(ROBOT)
    result = run_rollout(table, policy, None)
    assert result.num_steps == table.max_steps
    assert policy.num_acts == -(-table.max_steps // EXECUTE)
    assert (result.success, result.score, result.failure) == (False, 0.0, "not_approached")


def test_an_episode_ends_once_what_was_asked_lasts(table, by_heart):
    result = run_rollout(table, by_heart(ROBOT), "press a button")
    assert result.success
    assert (result.score, result.failure) == (100.0, "")
    assert HOLD_STEPS < result.num_steps < table.max_steps
    assert result.num_steps % EXECUTE == 0


def test_the_longer_time_limit_of_the_two_tasks_counts(table, still):
    longer = Judge("push", get_task("push").goals(table.layout), table.layout)
    assert longer.time_limit_s * 10 > table.max_steps
    assert run_rollout(table, still(ROBOT), None, asked=longer).num_steps == round(longer.time_limit_s * 10)


def test_rows_meet_the_same_initial_state(table, still, by_heart):
    states, images = [], []
    for policy in (by_heart(ROBOT), still(ROBOT), by_heart(ROBOT)):
        table.reset()
        states.append(np.concatenate([table.data.qpos, table.data.qvel]))
        images.append(table.render(16))
        run_rollout(table, policy, "press a button")
    fresh = Tabletop(TASK, SEED, ROBOT, image_size=16)
    try:
        images.append(fresh.reset().image)
        states.append(np.concatenate([fresh.data.qpos, fresh.data.qvel]))
    finally:
        fresh.close()
    for state, image in zip(states[1:], images[1:], strict=True):
        np.testing.assert_array_equal(state, states[0])
        np.testing.assert_array_equal(image, images[0])


def test_the_same_episode_twice_ends_the_same(table, by_heart):
    seen = []
    for _ in range(2):
        rows = []
        run_rollout(table, by_heart(ROBOT), "press a button", on_step=partial(_remember, rows))
        seen.append(np.stack(rows))
    np.testing.assert_array_equal(seen[0], seen[1])


def _remember(rows, table):
    rows.append(table.data.qpos.copy())
