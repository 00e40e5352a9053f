"""Time bases: speed limits kept, dwell added, sampling exact at frames and honest about status."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from understudy.embodiments import get_embodiment
from understudy.records import FrameStatus, RobotTrajectory
from understudy.retargeting.actions import actions_from_joints, home_action
from understudy.retargeting.retime import resample, stretch_time

LIMIT = np.array([1.0, 0.5])


@given(st.integers(0, 2**32 - 1))
def test_speeds_are_kept_and_nothing_gets_faster(seed):
    rng = np.random.default_rng(seed)
    t = np.cumsum(rng.uniform(0.01, 0.2, 12))
    q = np.cumsum(rng.normal(0, 0.05, (12, 2)), axis=0)
    stretched = stretch_time(t, q, LIMIT)
    assert stretched[0] == t[0]
    assert (np.diff(stretched) >= np.diff(t) - 1e-12).all()
    assert (np.abs(np.diff(q, axis=0)) <= LIMIT * np.diff(stretched)[:, None] + 1e-12).all()


def test_slow_motion_keeps_its_time_and_switches_dwell():
    t, q = np.arange(4) * 0.1, np.zeros((4, 2))
    np.testing.assert_allclose(stretch_time(t, q, LIMIT), t)
    switches = np.array([False, True, False, True])
    np.testing.assert_allclose(stretch_time(t, q, LIMIT, switches, 0.3), [0, 0.1, 0.5, 0.6])
    np.testing.assert_allclose(stretch_time(t[:1], q[:1], LIMIT), t[:1])


def trajectory(robot, status=None):
    body = get_embodiment(robot)
    rng = np.random.default_rng(0)
    joints = body.home + np.cumsum(rng.normal(0, 0.05, (7, len(body.home))), axis=0)
    t = np.array([0.0, 0.1, 0.13, 0.3, 0.4, 0.5, 0.61])
    status = np.zeros(7, np.int8) if status is None else np.array(status, np.int8)
    return RobotTrajectory(
        robot, t, body.joint_names, joints, actions_from_joints(body, joints), np.linspace(0, 0.01, 7), status
    )


@pytest.mark.parametrize("robot", ["xarm7_xhand", "xarm7_gripper", "xarm7_allegro"])
def test_samples_at_frames_are_the_frames(robot):
    original = trajectory(robot)
    sampled = resample(original, 0.1)
    np.testing.assert_allclose(sampled.time_s, np.arange(8) * 0.1)
    for sample, frame in ((0, 0), (1, 1), (3, 3), (4, 4), (5, 5), (7, 6)):
        np.testing.assert_allclose(sampled.joints[sample], original.joints[frame], atol=1e-12)
        np.testing.assert_allclose(sampled.actions[sample], original.actions[frame], atol=1e-9)


def test_rotations_turn_the_short_way_whatever_their_signs():
    original = trajectory("xarm7_xhand")
    original.actions[2:5, 3:7] *= -1
    sampled = resample(original, 0.05)
    q = sampled.actions[:, 3:7]
    np.testing.assert_allclose(np.linalg.norm(q, axis=-1), 1.0)
    assert np.einsum("ti,ti->t", q[1:], q[:-1]).min() > 0.9
    halfway = Rotation.from_quat(q[1], scalar_first=True)
    ends = [Rotation.from_quat(original.actions[i, 3:7], scalar_first=True) for i in (0, 1)]
    assert (ends[0].inv() * halfway).magnitude() == pytest.approx((halfway.inv() * ends[1]).magnitude(), abs=1e-6)


def test_a_sample_beside_a_bad_frame_is_bad():
    sampled = resample(trajectory("xarm7_allegro", [0, 0, 0, FrameStatus.NO_HAND, 0, 0, 0]), 0.05)
    assert sampled.status[4] == FrameStatus.NO_HAND  # 0.20 s lies between 0.13 and 0.30
    assert sampled.status[7] == FrameStatus.NO_HAND  # 0.35 s lies between 0.30 and 0.40
    assert sampled.status[2] == FrameStatus.OK
    assert sampled.status[8] == FrameStatus.OK


def test_one_frame_is_one_sample():
    many = trajectory("xarm7_xhand")
    one = RobotTrajectory(
        "xarm7_xhand",
        many.time_s[:1],
        many.joint_names,
        many.joints[:1],
        many.actions[:1],
        many.residual_m[:1],
        many.status[:1],
    )
    np.testing.assert_allclose(resample(one, 0.1).actions, many.actions[:1])


def test_home_action_is_the_wrist_at_home():
    body = get_embodiment("xarm7_gripper")
    action = home_action(body)
    assert action.shape == (body.action_space.size,)
    assert action[-1] == pytest.approx(body.home[-2:].sum())
    assert (action >= body.action_space.low).all()
    assert (action <= body.action_space.high).all()
