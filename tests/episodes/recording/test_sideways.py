"""An episode whose open hand is pushed aside: the expert still takes the thing, and what it says leads back."""

import numpy as np
import pytest

from understudy.episodes.recording.plan import RecordingPlan
from understudy.episodes.recording.robot_episode import record_robot
from understudy.geometry.rotations import matrix_from_quaternion

ROBOT = "xarm7_xhand"
SEED = 3


@pytest.fixture(scope="module", params=["pick_place", "hold"])
def episodes(request):
    plans = [
        RecordingPlan(
            ("push", request.param), ("human_hand", ROBOT), size=32, track=False, points=False, sideways=share
        )
        for share in (0.5, 0.0)
    ]
    return [record_robot(plan, 1, SEED, ROBOT) for plan in plans]


def test_the_hand_strays_to_its_sides_alone_and_only_until_it_holds_the_thing(episodes):
    episode, usual = episodes
    assert episode.success
    assert np.array_equal(usual.columns["truth.executed"], usual.columns["action"])
    action, executed = episode.columns["action"], episode.columns["truth.executed"]
    pushed = executed - action
    assert not pushed[:, 3:].any()
    assert not pushed[:, 2].any(), "level"
    astray = np.flatnonzero(pushed.any(axis=1))
    assert 0.01 < np.linalg.norm(pushed, axis=1).max() <= 0.045
    fingers = action[:, 7:]
    shut = np.abs(fingers - fingers[astray.max()]).max(axis=1)  # of the open hand
    closes = np.flatnonzero((shut > 0) & (np.arange(len(shut)) > astray.max()))[0]
    assert len(astray) > 3
    assert shut[closes:].max() > 0.5
    assert (shut[astray] == 0).any(), "on the way down, too"
    assert closes - astray.max() > 2, "it waits where it closes"
    assert np.abs(episode.columns["observation.state"][closes, :3] - action[closes, :3]).max() < 0.004
    for t in astray:
        y = matrix_from_quaternion(action[t, 3:7])[:, 1]
        along = pushed[t, :3] / np.linalg.norm(pushed[t, :3])
        assert abs(along[:2] @ y[:2] / np.linalg.norm(y[:2])) > 0.9, "across the hand, as it stood a step before"


def test_what_is_recorded_is_what_the_expert_says_without_a_push(episodes):
    pushed, usual = (episode.columns["action"] for episode in episodes)
    began = np.flatnonzero((usual[1:, 7:] != usual[:-1, 7:]).any(axis=1))[0]
    np.testing.assert_allclose(pushed[:began, :3], usual[:began, :3], atol=1e-9)


def test_other_tasks_are_recorded_as_ever():
    plan = RecordingPlan(
        ("push", "pick_place"), ("human_hand", ROBOT), size=32, track=False, points=False, sideways=0.5
    )
    columns = record_robot(plan, 0, SEED, ROBOT).columns
    assert np.array_equal(columns["truth.executed"], columns["action"])
