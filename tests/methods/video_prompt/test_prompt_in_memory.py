"""A prompt that is in memory does what the same clip in a file does, and the plan can be asked for."""

import numpy as np
import pytest
from tests.episodes.acted_recording import ROBOT
from tests.methods.video_prompt.debug_policy import write_debug_policy
from tests.methods.video_prompt.observations import observation

from understudy.embodiments import get_embodiment
from understudy.errors import PromptError
from understudy.methods import make_policy
from understudy.perception.video import read_frames


@pytest.fixture
def policy(tmp_path):
    return make_policy(str(write_debug_policy(tmp_path)), ROBOT)


def test_it_does_what_the_file_does(policy, prompt):
    policy.reset(prompt)
    assert policy.path() is None
    action = policy.act(observation(0)).actions
    path = policy.path()
    assert path.shape[1] == len(get_embodiment(ROBOT).action_space.names)
    lasts_s = policy.prompt_s

    policy.reset(None)
    assert policy.prompt_s is None
    policy.act(observation(0))
    blank = policy.path()
    frames = np.stack([frame for _, frame in read_frames(prompt)])
    policy.reset_to_frames(frames, prompt.fps)
    frames[:] = 0  # a camera goes on
    assert policy.path() is None
    assert np.array_equal(policy.act(observation(0)).actions, action)
    assert np.array_equal(policy.path(), path)
    assert not np.array_equal(path, blank)
    assert policy.prompt_s == pytest.approx(lasts_s)
    assert policy.notes == ()


@pytest.mark.parametrize(("count", "fps"), [(1, 10.0), (5, 0.0), (5, float("nan"))])
def test_nothing_happens_in_less_than_two_frames(policy, count, fps):
    with pytest.raises(PromptError, match=rf"a prompt of {count} frames, {fps} a second: needs 2 at least"):
        policy.reset_to_frames(np.zeros((count, 8, 8, 3), dtype=np.uint8), fps)


@pytest.mark.parametrize("frames", [np.zeros((5, 8, 8, 3)), np.zeros((8, 8, 3), dtype=np.uint8)])
def test_frames_are_pictures_of_eight_bits(policy, frames):
    with pytest.raises(PromptError, match=r"a prompt of (float64|uint8) \(.*\): needs uint8 frames \(T, H, W, 3\)"):
        policy.reset_to_frames(frames, 10.0)
