"""Policies that cost nothing: one that stays where it is, and one that knows one episode by heart."""

from functools import cache

import pytest

from understudy.evaluation import episode, perform
from understudy.methods import POLICIES
from understudy.methods.policy import Policy
from understudy.records import ActionChunk
from understudy.simulation.episode import record_expert

TASK, ROBOT = "press_button", "xarm7_gripper"
SEED = 1_000_000
CHUNK, EXECUTE = 12, 8


@cache
def expert_actions():
    """The expert's actions in the one episode that `ByHeart` knows."""
    return record_expert(TASK, SEED, ROBOT, size=16).actions


class Still(Policy):
    """Keeps the robot where it is; watches clips."""

    image_size = 16
    prompt_size = 32
    prompt_frames = 3
    execute = EXECUTE
    notes = ()

    def __init__(self, robot):
        self.robot, self.prompts, self.num_acts = robot, [], 0

    def reset(self, prompt):
        self.prompts.append(prompt)
        self.num_acts = 0

    def act(self, observation):
        self.num_acts += 1
        assert observation.image.shape == (self.image_size, self.image_size, 3)
        return ActionChunk(observation.proprioception[None].repeat(CHUNK, axis=0), 0.1)


class ByHeart(Still):
    """Does what the expert did, chunk by chunk, never says that it is done; stays still without words."""

    prompt_kind = "label"

    def act(self, observation):
        chunk = super().act(observation)
        if not self.prompts[-1]:
            return chunk
        actions = expert_actions()
        first = min((self.num_acts - 1) * EXECUTE, len(actions) - 1)
        return ActionChunk(actions[first : first + CHUNK], 0.1)


@pytest.fixture(scope="session")
def still():
    """The class `Still`."""
    return Still


@pytest.fixture(scope="session")
def by_heart():
    """The class `ByHeart`; it knows seed 1000000 of press_button with the gripper."""
    return ByHeart


@pytest.fixture(scope="module")
def named_fakes():
    """Both classes as policies `still` and `by_heart` wherever an evaluation makes policies by name."""
    fakes = {"still": Still, "by_heart": ByHeart}
    with pytest.MonkeyPatch.context() as patch:
        for name in fakes:
            patch.setitem(POLICIES, name, POLICIES["kinematic"])  # a name that is known, and has no folder
        for module in (episode, perform):
            patch.setattr(module, "make_policy", lambda name, robot: fakes[name](robot))
        yield
