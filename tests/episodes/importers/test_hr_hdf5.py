"""H&R files made as the published ones are: BGR, millimetres, degrees, the hand's pose under `action` in version 1."""

import numpy as np
import pytest

from understudy.episodes.importers.hr_hdf5 import open_hr_hdf5
from understudy.errors import UnderstudyError

h5py = pytest.importorskip("h5py", reason="an extra: understudy[formats]")


def write_episode(path, film, version=1, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    bgr = film()[..., ::-1]
    pose_mm_deg = np.concatenate([rng.uniform(200, 500, (len(bgr), 3)), rng.uniform(-180, 180, (len(bgr), 3))], axis=1)
    with h5py.File(path, "w") as file:
        file["cam_data/human_camera"] = bgr
        file["cam_data/robot_camera"] = bgr[::-1]
        file["end_position"] = pose_mm_deg
        file["gripper_state"] = np.arange(len(bgr), dtype=float)
        file["qpos"], file["qvel"] = np.zeros((len(bgr), 7)), np.zeros((len(bgr), 7))
        file["timestamp"] = np.arange(len(bgr)) / 30
        if version == 1:
            file["action"] = rng.normal(size=(len(bgr), 7))
    return pose_mm_deg


def test_poses_become_metres_and_radians_and_targets_lie_one_step_ahead(tmp_path, film, converted):
    pose = write_episode(tmp_path / "H&R/grab_cube2_v1/episode_0.hdf5", film)
    data = converted(tmp_path / "H&R", "hr_hdf5")
    state = data.column("observation.state", 0)
    np.testing.assert_allclose(state[:, :3], pose[:, :3] / 1000, rtol=1e-6)
    np.testing.assert_allclose(state[:, 3:6], np.deg2rad(pose[:, 3:]), rtol=1e-5)
    np.testing.assert_array_equal(state[:, 6], np.arange(len(pose)))
    np.testing.assert_array_equal(data.column("action", 0)[:-1], state[1:])
    np.testing.assert_array_equal(data.column("action", 0)[-1], state[-1])
    assert data.column("human.hand_pose", 0).shape == (len(pose), 7)
    assert (data.fps, data.robot_type, data.episode(0).task) == (30, "xarm7", "grab cube")


def test_both_cameras_come_out_in_rgb_and_in_step(tmp_path, film, is_film, converted):
    write_episode(tmp_path / "push_box_v1/0.hdf5", film)
    data = converted(tmp_path / "push_box_v1", "hr_hdf5")
    assert is_film(data.frames("observation.images.human", 0))
    assert is_film(data.frames("observation.images.robot", 0)[::-1])


def test_episodes_are_in_the_order_of_their_numbers(tmp_path, film):
    for index in (10, 2, 1):
        write_episode(tmp_path / f"task_v0/episode_{index}.hdf5", film, version=0, seed=index)
    source = open_hr_hdf5(tmp_path)
    assert source.num_episodes == 3
    origins = [episode.metadata["source"].rsplit("_", 1)[1] for episode in source.episodes]
    assert origins == ["1.hdf5", "2.hdf5", "10.hdf5"]
    assert "human.hand_pose" not in source.features


def remove(name):
    def change(path):
        with h5py.File(path, "a") as file:
            del file[name]

    return change


def shorten(name):
    def change(path):
        with h5py.File(path, "a") as file:
            values = file[name][:-1]
            del file[name]
            file[name] = values

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove("cam_data/human_camera"), r"episode\.hdf5: no 'cam_data/human_camera'"),
        (remove("end_position"), r"episode\.hdf5: no 'end_position' in '/', which holds action"),
        (shorten("gripper_state"), r"episode\.hdf5: '/gripper_state' has 4 rows, the episode 5"),
        (shorten("cam_data/robot_camera"), r"observation\.images\.robot"),
        (lambda path: path.write_bytes(b"no HDF5"), r"episode\.hdf5: no HDF5 file"),
        (lambda path: path.unlink(), r"no \*\.hdf5 in it"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_left(tmp_path, film, converted, change, message):
    path = tmp_path / "in/episode.hdf5"
    write_episode(path, film)
    change(path)
    with pytest.raises(UnderstudyError, match=message):
        converted(tmp_path / "in", "hr_hdf5")
    assert [entry.name for entry in tmp_path.iterdir()] == ["in"]


def test_versions_are_not_mixed(tmp_path, film, converted):
    write_episode(tmp_path / "a_v1/0.hdf5", film)
    write_episode(tmp_path / "b_v0/0.hdf5", film, version=0)
    with pytest.raises(UnderstudyError, match="convert v0 and v1 one by one"):
        converted(tmp_path, "hr_hdf5")
