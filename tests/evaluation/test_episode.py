"""What an episode counts as a failure of its prompt, and what stops the whole run instead."""

import numpy as np
import pytest

from understudy.errors import BadVideo, PromptError, UnderstudyError
from understudy.evaluation import episode as episode_module
from understudy.evaluation.episode import Turn, run_turn
from understudy.evaluation.rows import Contestant
from understudy.methods import make_policy
from understudy.records import ActionChunk

TASK, ROBOT, SEED = "press_button", "xarm7_gripper", 1_000_000


@pytest.fixture(scope="module")
def table():
    scene = Turn(Contestant("row", "any", (ROBOT,)), ROBOT, TASK, SEED, "blank").table()
    yield scene
    scene.close()


@pytest.fixture
def run(table, tmp_path, monkeypatch):
    """A function: one unprompted episode of that policy."""

    def one(policy):
        monkeypatch.setattr(episode_module, "_policy", lambda contestant, robot: policy)
        turn = Turn(Contestant("row", "any", (ROBOT,)), ROBOT, TASK, SEED, "blank")
        return run_turn(turn, table, (TASK, "push"), tmp_path)

    return one


@pytest.fixture
def acting(still):
    """A function: the policy `still` with another `act`."""

    def make(act):
        policy = still(ROBOT)
        policy.act = act
        return policy

    return make


def fail_with(error):
    def act(observation):
        raise error

    return act


def test_every_policy_of_a_table_is_loaded_once(monkeypatch, still):
    """Three training seeds of four rows: layout by layout they are asked for in the same order."""
    loaded = []
    monkeypatch.setattr(episode_module, "make_policy", lambda name, robot: loaded.append(name) or still(robot))
    monkeypatch.setattr(episode_module, "policy_folder", lambda name: None)
    policies = [Contestant("row", f"policy_{number}", (ROBOT,)) for number in range(12)]
    for _ in range(3):
        for contestant in policies:
            episode_module._policy(contestant, ROBOT)
    assert loaded == [contestant.policy for contestant in policies]


def test_a_prompt_that_cannot_be_followed_is_a_failed_episode(run, acting):
    found = run(acting(fail_with(PromptError("no hand in it"))))
    assert (found["success"], found["failure"], found["detail"]) == (False, "prompt", "no hand in it")
    assert (found["steps"], found["score"]) == (0, 0.0)


def test_replay_without_a_prompt_is_a_failed_episode(run):
    assert run(make_policy("kinematic", ROBOT))["failure"] == "prompt"


@pytest.mark.parametrize("error", [UnderstudyError("no such file"), BadVideo("clip.mp4: cut off")], ids=repr)
def test_any_other_error_stops_the_run_and_names_the_episode(run, acting, error):
    with pytest.raises(UnderstudyError, match=f"^episode {ROBOT}/any-built_in/{TASK}/blank/{SEED}: {error}$"):
        run(acting(fail_with(error)))


def test_actions_that_are_no_numbers_stop_the_run(run, acting):
    nothing = acting(lambda observation: ActionChunk(np.full((1, 7), np.nan), 0.1))
    with pytest.raises(UnderstudyError, match="not a finite number"):
        run(nothing)


@pytest.mark.parametrize("dt_s", [0.05, 0.2])
def test_a_policy_for_another_control_step_stops_the_run(run, acting, dt_s):
    other = acting(lambda observation: ActionChunk(observation.proprioception[None], dt_s))
    with pytest.raises(UnderstudyError, match=f"acts every {dt_s} s, the table every 0.1 s: .* 10 actions a second"):
        run(other)
