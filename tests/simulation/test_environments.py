import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import SyncVectorEnv

from understudy.errors import UnderstudyError
from understudy.simulation.environments import TabletopEnvironment, environment_id
from understudy.simulation.experts import scripted_expert
from understudy.simulation.seeds import TRAIN, VALIDATION
from understudy.simulation.tasks import TASKS
from understudy.simulation.threaded_environments import ThreadedEnvironments

IMAGE = 16
STEPS = 4
IDS = [
    environment_id(name, robot) for name, task in TASKS.items() for robot in task.embodiments if robot != "human_hand"
]
EXPERT_SEED = 1_000_123


def make(name="understudy/Push-xarm7_gripper-v0", **options):
    return gymnasium.make(name, image_size=IMAGE, **options).unwrapped


def assert_same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def test_every_task_and_robot_is_registered():
    assert "understudy/PickPlace-xarm7_gripper-v0" in IDS
    assert set(IDS) == {name for name in gymnasium.registry if name.startswith("understudy/")}


@pytest.mark.parametrize(
    ("name", "size"), [("understudy/PickPlace-xarm7_gripper-v0", IMAGE), ("understudy/Hold-xarm7_xhand-v0", None)]
)
def test_gymnasium_s_own_checker_is_content(name, size):
    environment = gymnasium.make(name, image_size=size, truth=True, render_size=IMAGE).unwrapped
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(environment)
    environment.close()


def test_seeds_are_exact_and_lie_in_their_range():
    environment, again = make(truth=True), make(truth=True)
    seeds = []
    for seed in (7, None, None):
        (first, info), (second, info_again) = environment.reset(seed=seed), again.reset(seed=seed)
        assert_same(first, second)
        assert info == info_again
        seeds.append(info["layout_seed"])
    assert len(set(seeds)) == 3
    assert all(seed in TRAIN for seed in seeds)
    validation = make(split="validation", axis="scene")
    assert validation.reset(seed=7)[1]["layout_seed"] in VALIDATION
    assert validation.tabletop.layout.distractors
    for each in (environment, again, validation):
        each.close()


def test_a_layout_can_be_asked_for():
    environment = make(truth=True)
    observation, info = environment.reset(seed=1, options={"layout_seed": EXPERT_SEED})
    assert info["layout_seed"] == EXPERT_SEED
    table = environment.tabletop
    np.testing.assert_allclose(observation["truth"][:2], table.layout.item(table.goal.target).xy, atol=1e-3)
    np.testing.assert_array_equal(observation["truth"][12:], table.goal.place_xy)
    following = environment.reset()[1]["layout_seed"]
    environment.reset(seed=1)
    assert environment.np_random is not None
    other = make()
    other.reset(seed=1, options={"layout_seed": 3})
    assert other.reset()[1]["layout_seed"] == following
    environment.close()
    other.close()


def test_rewards_of_an_expert_add_up_to_one():
    environment = make("understudy/PressButton-xarm7_gripper-v0", render_mode="rgb_array", render_size=32)
    environment.reset(options={"layout_seed": EXPERT_SEED})
    total, rewards = 0.0, []
    for action in scripted_expert(environment.tabletop):
        scaled = environment.scaled(action)
        np.testing.assert_allclose(environment.absolute(scaled), action, atol=1e-12)
        observation, reward, terminated, truncated, info = environment.step(scaled)
        assert observation in environment.observation_space
        rewards.append(reward)
        total += reward
        if terminated:
            break
    assert terminated
    assert not truncated
    assert total == pytest.approx(1.0)
    assert sorted(set(rewards)) == pytest.approx([0.0, 0.3, 0.7])
    assert info["success"]
    assert environment.render().shape == (32, 32, 3)
    environment.close()


def test_the_time_limit_truncates(monkeypatch):
    monkeypatch.setattr(type(TASKS["push"]), "time_limit_s", 0.3)
    environment = make()
    environment.reset(seed=0)
    ends = [environment.step(np.zeros(7))[2:4] for _ in range(3)]
    assert ends == [(False, False), (False, False), (False, True)]
    environment.close()


def test_threads_give_what_one_by_one_gives_bit_for_bit(monkeypatch):
    monkeypatch.setattr(type(TASKS["push"]), "time_limit_s", 0.2)
    functions = [lambda: make(truth=True)] * 3
    threaded, serial = ThreadedEnvironments(functions, num_threads=2), SyncVectorEnv(functions)
    rng = np.random.default_rng(0)
    first, second = threaded.reset(seed=5), serial.reset(seed=5)
    assert_same(first[0], second[0])
    assert_same(first[1], second[1])
    for _ in range(STEPS):
        action = rng.uniform(-1, 1, (3, 7))
        first, second = threaded.step(action), serial.step(action)
        assert_same(first[0], second[0])
        for a, b in zip(first[1:4], second[1:4], strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
        assert_same(first[4], second[4])
    seeds = [4, 8, 15]
    layouts = threaded.reset(options={"layout_seed": seeds})[1]["layout_seed"]
    assert layouts.tolist() == seeds
    threaded.close()
    serial.close()


def test_gymnasium_makes_vectors_of_them():
    vector = gymnasium.make_vec("understudy/Push-xarm7_xhand-v0", num_envs=2, image_size=None)
    assert isinstance(vector, ThreadedEnvironments)
    observation, _ = vector.reset(seed=[3, 4])
    assert observation["proprioception"].shape == (2, 19)
    assert observation.keys() == {"proprioception"}
    with pytest.raises(UnderstudyError, match="seed: 3 values for 2 environments"):
        vector.reset(seed=[1, 2, 3])
    with pytest.raises(UnderstudyError, match="not a finite number"):
        vector.step(np.full((2, 19), np.nan))
    vector.close()


def test_what_is_wrong_is_named():
    with pytest.raises(UnderstudyError, match=r"robot that does hold 'xarm7_gripper'.*xarm7_xhand"):
        TabletopEnvironment("hold", "xarm7_gripper")
    with pytest.raises(UnderstudyError, match=r"range of seeds 'tain'.*train"):
        TabletopEnvironment("push", "xarm7_gripper", split="tain")
    environment = TabletopEnvironment("push", "xarm7_gripper", axis="position")
    with pytest.raises(UnderstudyError, match="option of reset 'layuot_seed': did you mean 'layout_seed'"):
        environment.reset(options={"layuot_seed": 3})
    with pytest.raises(UnderstudyError, match="on axis 'position' with xarm7_gripper: held out from training"):
        environment.reset()
    with pytest.raises(gymnasium.error.ResetNeeded):
        environment.step(np.zeros(7))
