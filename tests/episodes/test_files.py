"""Camera and trajectory files: what is written comes back, what is something else is refused by name."""

import json

import numpy as np
import pytest

from understudy.episodes.camera_file import camera_as_json, read_camera
from understudy.episodes.trajectory_file import load_trajectory, save_trajectory
from understudy.errors import UnderstudyError
from understudy.geometry.cameras import camera_from_fov, look_at
from understudy.records import RobotTrajectory

NUM_FRAMES, NUM_JOINTS = 4, 3


def trajectory():
    rng = np.random.default_rng(0)
    return RobotTrajectory(
        robot="xarm7_gripper",
        time_s=np.arange(NUM_FRAMES) / 10,
        joint_names=("a", "b", "c"),
        joints=rng.normal(size=(NUM_FRAMES, NUM_JOINTS)),
        actions=rng.normal(size=(NUM_FRAMES, 7)),
        residual_m=np.array([0.01, np.nan, 0.02, 0.0]),
        status=np.array([0, 1, 0, 0], dtype=np.int8),
        notes=("placed by rule", "left hand mirrored"),
    )


def test_a_trajectory_comes_back(tmp_path):
    save_trajectory(tmp_path / "t.npz", trajectory())
    found, given = load_trajectory(tmp_path / "t.npz"), trajectory()
    for name in ("time_s", "joints", "actions", "residual_m", "status"):
        np.testing.assert_array_equal(getattr(found, name), getattr(given, name))
    assert (found.robot, found.joint_names, found.notes) == (given.robot, given.joint_names, given.notes)
    assert [path.name for path in tmp_path.iterdir()] == ["t.npz"]


def test_a_trajectory_without_notes_comes_back(tmp_path):
    from dataclasses import replace

    save_trajectory(tmp_path / "t.npz", replace(trajectory(), notes=()))
    assert load_trajectory(tmp_path / "t.npz").notes == ()


@pytest.mark.parametrize("content", [b"no zip", b""])
def test_what_is_no_trajectory_is_refused(tmp_path, content):
    (tmp_path / "t.npz").write_bytes(content)
    with pytest.raises(UnderstudyError, match="not a robot trajectory"):
        load_trajectory(tmp_path / "t.npz")
    with pytest.raises(UnderstudyError, match="no such file"):
        load_trajectory(tmp_path / "other.npz")
    np.savez(tmp_path / "t.npz", time_s=np.zeros(2))
    with pytest.raises(UnderstudyError, match="its 'format'"):
        load_trajectory(tmp_path / "t.npz")


@pytest.mark.parametrize("pose", [None, look_at(np.array([0.8, 0.6, 0.8]), np.array([0.4, 0.0, 0.0]))])
@pytest.mark.parametrize("nested", [False, True])
def test_a_camera_comes_back(tmp_path, pose, nested):
    camera = camera_from_fov(64, 48, 50.0, pose)
    content = camera_as_json(camera)
    (tmp_path / "K.json").write_text(json.dumps({"camera": content, "task": "push"} if nested else content))
    found = read_camera(tmp_path / "K.json")
    assert (found.width, found.height) == (64, 48)
    np.testing.assert_array_equal(found.K, camera.K)
    assert (found.T_world_camera is None) == (pose is None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"K": "focal"}, "not a camera file"),
        ({"K": [[-1, 0, 0], [0, 1, 0], [0, 0, 1]]}, "positive focal lengths"),
        ({"K": [[1, 0], [0, 1]]}, "K must be 3x3"),
        ({"T_world_camera": (2 * np.eye(4)).tolist()}, "rigid transform"),
        ({"T_world_camera": np.diag([1.0, 1.0, -1.0, 1.0]).tolist()}, "rigid transform"),
    ],
)
def test_what_is_no_camera_is_refused(tmp_path, change, message):
    content = camera_as_json(camera_from_fov(64, 48, 50.0)) | change
    (tmp_path / "K.json").write_text(json.dumps(content))
    with pytest.raises(UnderstudyError, match=message):
        read_camera(tmp_path / "K.json")
