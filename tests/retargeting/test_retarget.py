"""`retarget_hand` on a synthetic person: where fingertips and gripper go, and what bad input becomes."""

from dataclasses import replace

import numpy as np
import pytest

from understudy.embodiments import ROBOTS, get_embodiment
from understudy.errors import PromptError, UnderstudyError, UnknownName
from understudy.geometry.rotations import matrix_from_quaternion
from understudy.records import FrameStatus
from understudy.retargeting.config import RetargetConfig
from understudy.retargeting.retarget import retarget_hand

PUSH = [(0.38, 0.1, 0.2), (0.42, 0.0, 0.03), (0.55, 0.0, 0.03), (0.42, 0.1, 0.2)]
LITERAL = RetargetConfig(squeeze_m=0.0, press_m=0.0, tuck_idle_fingers=False)
"""Targets are the human's fingertips themselves, nothing past contact."""


def ok(count):
    return np.zeros(count, np.int8)


@pytest.mark.parametrize("yaw", [-1.0, 0.0, 1.5, 3.0])
@pytest.mark.parametrize("robot", ["xarm7_xhand", "xarm7_allegro"])
def test_fingertips_land_where_the_humans_are(robot, yaw, pick_and_place, tree):
    t, keypoints, _ = pick_and_place(yaw=yaw)
    result = retarget_hand(keypoints, ok(len(t)), t, robot, config=LITERAL)
    assert (result.status == FrameStatus.OK).all()
    positions, _ = tree(robot).forward(result.joints)
    tips = [4, 8, 12]
    error = np.linalg.norm(positions[:, [tree(robot).site(f"k{i}") for i in tips]] - keypoints[:, tips], axis=-1)
    assert error.mean() < 0.006
    assert error.max() < 0.02
    low = [i for i, name in enumerate(tree(robot).site_names) if name != "wrist"]
    assert positions[:, low, 2].min() > 0.005
    body = get_embodiment(robot)
    speeds = np.abs(np.diff(result.joints, axis=0)) / np.diff(result.time_s)[:, None]
    assert (speeds <= body.speed_limit + 1e-9).all()


@pytest.mark.parametrize("yaw", [-1.0, 0.0, 1.5, 3.0])
def test_the_gripper_grasps_where_the_fingers_do(yaw, pick_and_place, tree):
    t, keypoints, held = pick_and_place(yaw=yaw)
    robot = "xarm7_gripper"
    result = retarget_hand(keypoints, ok(len(t)), t, robot)
    assert any("mode pinch" in note for note in result.notes)
    positions, rotations = tree(robot).forward(result.joints)
    tcp, R = positions[:, tree(robot).site("tcp")], rotations[:, tree(robot).site("tcp")]
    error = np.linalg.norm(tcp - 0.5 * (keypoints[:, 4] + keypoints[:, 8]), axis=-1)
    assert error.mean() < 0.002
    # Down within the cone and a little, closing along thumb to index seen from above, open before and shut while held.
    assert np.degrees(np.arccos(-R[:, 2, 0])).max() < 35
    across = (keypoints[:, 8] - keypoints[:, 4])[:, :2]
    along = R[:, :2, 1]
    cosine = (across * along).sum(-1) / np.linalg.norm(across, axis=-1) / np.linalg.norm(along, axis=-1)
    assert cosine[held].min() > np.cos(np.radians(25))
    opening = result.actions[:, -1]
    start, stop = np.flatnonzero(held)[[0, -1]]
    assert opening[start + 4 : stop - 4].max() < 0.050 - 0.010
    assert opening[: start - 4].min() > 0.065


def test_without_a_grasp_the_gripper_pokes_closed(pointing, tree):
    t, keypoints = pointing([0, 1, 2, 3], PUSH)
    result = retarget_hand(keypoints, ok(len(t)), t, "xarm7_gripper", config=LITERAL)
    assert any("mode poke" in note for note in result.notes)
    positions, _ = tree("xarm7_gripper").forward(result.joints)
    error = np.linalg.norm(positions[:, tree("xarm7_gripper").site("tcp")] - keypoints[:, 8], axis=-1)
    assert error.mean() < 0.002
    assert not result.actions[:, -1].any()
    forced = retarget_hand(keypoints, ok(len(t)), t, "xarm7_gripper", config=RetargetConfig(mode="pinch"))
    assert any("mode pinch" in note for note in forced.notes)


@pytest.mark.parametrize("robot", ROBOTS)
def test_actions_are_the_joints_in_the_action_space(robot, pick_and_place, tree):
    t, keypoints, _ = pick_and_place()
    result = retarget_hand(keypoints, ok(len(t)), t, robot)
    body = get_embodiment(robot)
    assert result.joint_names == body.joint_names
    assert result.actions.shape == (len(t), body.action_space.size)
    positions, rotations = tree(robot).forward(result.joints)
    if robot == "xarm7_xhand":
        np.testing.assert_allclose(result.actions[:, :3], positions[:, 0])
        np.testing.assert_allclose(matrix_from_quaternion(result.actions[:, 3:7]), rotations[:, 0], atol=1e-9)
        assert np.einsum("ti,ti->t", result.actions[1:, 3:7], result.actions[:-1, 3:7]).min() > 0.9
        np.testing.assert_array_equal(result.actions[:, 7:], result.joints[:, 7:])
    elif robot == "xarm7_allegro":
        np.testing.assert_array_equal(result.actions, result.joints)
    else:
        np.testing.assert_allclose(result.actions[:, -1], result.joints[:, 7:].sum(-1))


@pytest.mark.parametrize("robot", ROBOTS)
def test_gaps_hold_the_last_command(robot, pick_and_place):
    t, keypoints, _ = pick_and_place()
    status = ok(len(t))
    status[:3] = FrameStatus.NO_HAND
    status[60:66] = FrameStatus.NO_HAND
    keypoints[[100, 101]] = np.nan
    result = retarget_hand(keypoints, status, t, robot)
    missing = [0, 1, 2, *range(60, 66), 100, 101]
    assert list(np.flatnonzero(result.status != FrameStatus.OK)) == missing
    assert (result.status[missing] == FrameStatus.NO_HAND).all()
    assert np.isnan(result.residual_m[missing]).all()
    np.testing.assert_array_equal(result.joints[:3], np.repeat(get_embodiment(robot).home[None], 3, axis=0))
    np.testing.assert_array_equal(result.joints[60:66], np.repeat(result.joints[59:60], 6, axis=0))
    np.testing.assert_array_equal(result.actions[100:102], np.repeat(result.actions[99:100], 2, axis=0))
    bridged = retarget_hand(keypoints, status, t, robot, config=RetargetConfig(bridge_gaps_s=0.2))
    assert list(np.flatnonzero(bridged.status != FrameStatus.OK)) == missing[:-2]
    assert any("bridged 2 frames" in note for note in bridged.notes)


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_hand_out_of_reach_is_marked_and_a_teleport_is_too_fast(robot, pick_and_place):
    t, keypoints, _ = pick_and_place()
    far = keypoints.copy()
    far[40:60] += [1.5, 0.0, 0.0]
    result = retarget_hand(far, ok(len(t)), t, robot)
    assert not (result.status[40:60] == FrameStatus.OK).any()
    assert (result.status[:40] == FrameStatus.OK).all()
    assert (result.status[-20:] == FrameStatus.OK).all()
    np.testing.assert_array_equal(result.joints[40:60], np.repeat(result.joints[39:40], 20, axis=0))
    behind = keypoints.copy()
    behind[40] *= [-1.0, -1.0, 1.0]
    result = retarget_hand(behind, ok(len(t)), t, robot)
    assert result.status[40] == FrameStatus.TOO_FAST
    assert (np.delete(result.status, 40) == FrameStatus.OK).all()


def test_hands_that_cannot_be_retargeted_are_refused_in_one_line(pick_and_place):
    t, keypoints, _ = pick_and_place()
    for bad, pattern in (
        ((1000 * keypoints, ok(len(t)), t, "xarm7_xhand"), "must be in metres"),
        ((keypoints * np.nan, ok(len(t)), t, "xarm7_xhand"), "no frame has a hand"),
        ((keypoints, ok(len(t)) + np.int8(1), t, "xarm7_gripper"), "no frame has a hand"),
        ((keypoints, ok(len(t)), t[::-1].copy(), "xarm7_xhand"), "must increase"),
    ):
        with pytest.raises(UnderstudyError, match=pattern) as caught:
            retarget_hand(*bad)
        assert isinstance(caught.value, PromptError) == ("has a hand" in pattern)
    with pytest.raises(UnknownName, match="xarm7_allegro, xarm7_gripper, xarm7_xhand"):
        retarget_hand(keypoints, ok(len(t)), t, "human_hand")


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_single_frame_is_enough(robot, pick_and_place):
    t, keypoints, _ = pick_and_place()
    result = retarget_hand(keypoints[:1], ok(1), t[:1], robot)
    assert result.num_frames == 1
    assert result.status[0] == FrameStatus.OK


def test_fast_motion_is_slowed_down_and_says_so(pick_and_place):
    t, keypoints, _ = pick_and_place()
    hurried = retarget_hand(keypoints, ok(len(t)), t / 5, "xarm7_xhand", config=RetargetConfig(max_slowdown=20.0))
    assert (hurried.status == FrameStatus.OK).all()
    assert any("slowed down from" in note for note in hurried.notes)
    assert hurried.time_s[-1] > 1.2 * t[-1] / 5
    speeds = np.abs(np.diff(hurried.joints, axis=0)) / np.diff(hurried.time_s)[:, None]
    assert (speeds <= get_embodiment("xarm7_xhand").speed_limit + 1e-9).all()


def test_dwell_stretches_time_at_the_grasp(pick_and_place):
    t, keypoints, _ = pick_and_place()
    plain = retarget_hand(keypoints, ok(len(t)), t, "xarm7_xhand")
    dwelling = retarget_hand(keypoints, ok(len(t)), t, "xarm7_xhand", config=RetargetConfig(dwell_s=0.4))
    np.testing.assert_array_equal(plain.joints, dwelling.joints)
    assert dwelling.time_s[-1] - plain.time_s[-1] == pytest.approx(0.8, abs=1e-9)


def test_the_ring_finger_can_stand_for_two(pick_and_place, tree):
    t, keypoints, _ = pick_and_place()
    this = tree("xarm7_allegro")
    heavy = replace(LITERAL, fingertip_weights=(100.0,) * 5, joint_weight=0.0)
    for both, goal in ((False, keypoints[:, 16]), (True, 0.5 * (keypoints[:, 16] + keypoints[:, 20]))):
        config = replace(heavy, ring_takes_little=both)
        result = retarget_hand(keypoints, ok(len(t)), t, "xarm7_allegro", config=config)
        tip = this.forward(result.joints)[0][:, this.site("k16")]
        assert np.linalg.norm(tip - goal, axis=-1).mean() < 0.008
