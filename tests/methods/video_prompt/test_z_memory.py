"""z of a prompt in a scene is made once, whatever a policy is asked for in between, and is what it would be anew."""

import numpy as np
import pytest
from tests.episodes.acted_recording import ROBOT
from tests.methods.video_prompt.debug_policy import write_debug_policy
from tests.methods.video_prompt.observations import observation

from understudy.methods import make_policy
from understudy.methods.video_prompt import z_memory
from understudy.perception.video import read_frames


@pytest.fixture
def policy(tmp_path):
    return make_policy(str(write_debug_policy(tmp_path)), ROBOT)


@pytest.fixture
def made(policy, monkeypatch):
    """One entry for each time that the video model is asked."""
    asked, ours = [], policy._representation.forward
    monkeypatch.setattr(policy._representation, "forward", lambda *images: asked.append(len(asked)) or ours(*images))
    return asked


def _acted(policy, prompt, *scenes):
    """The plan, and all that is done."""
    policy.reset(prompt)
    actions = [policy.act(observation(scene)).actions for scene in scenes]
    return np.concatenate([policy.path(), *actions])


def test_the_same_two_are_known_and_others_are_not(policy, made, prompt, tmp_path):
    asked_for = ((prompt, 0), (prompt, 1), (None, 0), (prompt, 0), (None, 0), (prompt, 1))
    found, counts = [], []
    for clip, scene in asked_for:
        found.append(_acted(policy, clip, scene, 2))
        counts.append(len(made))
    assert counts == [1, 2, 3, 3, 3, 3]
    anew = [_acted(make_policy(str(tmp_path / "policy"), ROBOT), clip, scene, 2) for clip, scene in asked_for[:3]]
    for known, fresh in zip(found, (*anew, anew[0], anew[2], anew[1]), strict=True):
        assert np.array_equal(known, fresh)
    assert not np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_a_clip_is_known_by_its_pictures(policy, made, prompt):
    _acted(policy, prompt, 0)
    frames = np.stack([frame for _, frame in read_frames(prompt)])
    for clip, count in ((frames, 1), (255 - frames, 2), (frames[::-1], 3)):
        policy.reset_to_frames(clip, prompt.fps)
        policy.act(observation(0))
        assert len(made) == count


def test_the_one_that_was_asked_for_longest_ago_is_forgotten(policy, made, monkeypatch):
    monkeypatch.setattr(z_memory, "_MOST", 2)
    for scene, count in ((0, 1), (1, 2), (0, 2), (2, 3), (0, 3), (1, 4)):
        _acted(policy, None, scene)
        assert len(made) == count


def test_a_policy_that_makes_z_for_every_chunk_looks_at_every_image(policy, made):
    policy.each_chunk = True
    _acted(policy, None, 0, 1, 2)
    assert len(made) == 3
