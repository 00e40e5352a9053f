"""A hand that goes along with a robot: at the same place in every frame, things included."""

from dataclasses import replace

import numpy as np
import pytest

from understudy.episodes.recording.aligned import RobotMotion, hand_along
from understudy.episodes.recording.human_episode import record_person
from understudy.episodes.recording.plan import ROBOT_FPS, RecordingPlan
from understudy.episodes.recording.robot_episode import record_robot
from understudy.geometry.transforms import apply_transform
from understudy.simulation.human import record_human

SEED, THUMB, INDEX, EVERY = 5, 4, 8, 6
PLAN = RecordingPlan(
    ("press_button",), ("human_hand", "xarm7_gripper"), size=32, human_size=32, track=False, points=False, aligned=True
)


@pytest.fixture(scope="module")
def pair():
    """A robot's episode, of which only every sixth frame is kept, and the person's along with it."""
    robot = record_robot(PLAN, 0, SEED, "xarm7_gripper")
    parts = {name: getattr(robot.motion, name) for name in ("tips", "object_poses", "button_travel")}
    kept = {name: {key: values[::EVERY] for key, values in part.items()} for name, part in parts.items()}
    robot = replace(
        robot,
        motion=RobotMotion(wrist=robot.motion.wrist[::EVERY], **kept),
        columns={name: values[::EVERY] for name, values in robot.columns.items()},
    )
    return robot, record_person(PLAN, 0, SEED, robot)


def test_hand_and_gripper_are_at_the_same_place_frame_by_frame(pair):
    robot, person = pair
    T_world_camera = np.array(person.metadata["camera"]["T_world_camera"])
    keypoints = apply_transform(T_world_camera, person.columns["truth.keypoints"].reshape(-1, 21, 3))
    pads = (robot.motion.tips[THUMB] + robot.motion.tips[INDEX]) / 2
    between = (keypoints[:, THUMB] + keypoints[:, INDEX]) / 2
    assert len(person.frames) == len(pads) > 4
    assert np.linalg.norm(between - pads, axis=1).max() < 0.005


def test_things_are_where_they_were_with_the_robot(pair):
    robot, person = pair
    for name in ("truth.objects", "truth.buttons"):
        assert np.array_equal(robot.columns[name], person.columns[name])
    assert person.columns["truth.buttons"].max() > 0.005
    assert person.success
    assert person.metadata["aligned"]


def test_time_is_the_robots(pair):
    assert np.allclose(np.diff(pair[1].columns["time_s"]), 1 / ROBOT_FPS)


def test_a_closed_gripper_leaves_room_for_two_fingertips():
    demonstration = record_human("push", SEED, size=32)
    T = np.tile(np.eye(4), (2, 1, 1))
    T[:, :3, :3] = np.diag([1.0, -1.0, -1.0])
    T[:, :3, 3] = [0.4, 0.0, 0.2]
    tips = np.tile([0.55, 0.0, 0.2], (2, 1))
    still = {name: poses[:2] for name, poses in demonstration.object_poses.items()}
    travel = {name: q[:2] for name, q in demonstration.button_travel.items()}
    hand = hand_along(demonstration, RobotMotion(T, {THUMB: tips, INDEX: tips.copy()}, still, travel), ROBOT_FPS)
    keypoints = hand.keypoints_world(0)
    assert 0.014 < np.linalg.norm(keypoints[THUMB] - keypoints[INDEX]) < 0.018
