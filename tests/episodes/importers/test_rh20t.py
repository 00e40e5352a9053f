"""RH20T scenes made as the published tars unpack: uneven time stamps in milliseconds, pickled dictionaries."""

import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from understudy.episodes.importers.nearest_frames import nearest_rows, regular_times
from understudy.errors import UnderstudyError
from understudy.perception.video import write_video

IN_HAND, FIXED = "043322070878", "036422060215"
SCENE = "task_0012_user_0001_scene_0003_cfg_0001"
START_MS = 1_660_000_000_000
STAMPS_MS = START_MS + np.array([0, 97, 205, 299, 401])


def write_scene(root, film, human=False, **metadata):
    scene = root / "RH20T_cfg1" / (SCENE + "_human" * human)
    for serial in (IN_HAND, FIXED):
        folder = scene / f"cam_{serial}"
        folder.mkdir(parents=True)
        frames = film() if serial == FIXED else film()[::-1]
        write_video(folder / "color.mp4", list(frames), 10.0)
        stamps = {"color": STAMPS_MS.tolist(), "depth": STAMPS_MS.tolist()}
        np.save(folder / "timestamps.npy", stamps, allow_pickle=True)
    (scene / "metadata.json").write_text(json.dumps({"finish_time": -1, "calib": 1, "rating": 9} | metadata))
    labels = {"task_0012": {"task_description_english": "Press the button", "task_description_chinese": ""}}
    (root / "task_description.json").write_text(json.dumps(labels))
    if human:
        return scene, None, None
    turns = Rotation.from_rotvec(np.linspace(3.0, 3.3, len(STAMPS_MS))[:, None] * [0, 0, 1])
    quaternions = turns.as_quat(scalar_first=True, canonical=True)  # passes half a turn: the sign flips within
    tcp = np.concatenate([np.linspace(0.3, 0.6, 15).reshape(5, 3), quaternions], axis=1)
    (scene / "transformed").mkdir()
    rows = [{"timestamp": int(t), "tcp": row, "robot_ft": np.zeros(6)} for t, row in zip(STAMPS_MS, tcp, strict=True)]
    np.save(scene / "transformed/tcp_base.npy", {FIXED: rows[::-1], IN_HAND: rows[:1]}, allow_pickle=True)
    widths = {int(t): {"gripper_info": [80 - i, 0], "gripper_command": [60 - i, 0, 0]} for i, t in enumerate(STAMPS_MS)}
    np.save(scene / "transformed/gripper.npy", {FIXED: widths}, allow_pickle=True)
    return scene, tcp, turns


def test_a_robot_scene_comes_out_even_in_time(tmp_path, film, is_film, converted):
    _, tcp, turns = write_scene(tmp_path / "in", film)
    data = converted(tmp_path / "in", "rh20t")
    assert (data.num_episodes, data.fps, data.episode(0).task) == (1, 10, "Press the button")
    about = data.episode(0).metadata
    assert (about["camera_serial"], about["scene"], about["success"]) == (FIXED, 3, True)
    np.testing.assert_allclose(data.column("time_s", 0)[:, 0], [0, 0.1, 0.2, 0.3, 0.4], atol=1e-6)
    state, action = data.column("observation.state", 0), data.column("action", 0)
    np.testing.assert_allclose(state[:, :3], tcp[:, :3], rtol=1e-6)
    found = Rotation.from_quat(state[:, 3:7], scalar_first=True)
    np.testing.assert_allclose((found.inv() * turns).magnitude(), 0, atol=1e-5)
    assert (np.sum(state[1:, 3:7] * state[:-1, 3:7], axis=1) > 0.9).all()
    np.testing.assert_allclose(state[:, 7], (80 - np.arange(5)) / 1000, rtol=1e-6)
    np.testing.assert_array_equal(action[:-1, :7], state[1:, :7])
    np.testing.assert_allclose(action[:, 7], (60 - np.arange(5)) / 1000, rtol=1e-6)
    assert is_film(data.frames("observation.images.front", 0))  # of the camera beside the table


def test_the_person_s_scene_has_the_video_alone(tmp_path, film, is_film, converted):
    write_scene(tmp_path / "in", film)
    write_scene(tmp_path / "in", film, human=True)
    data = converted(tmp_path / "in", "rh20t_human")
    assert (data.num_episodes, data.robot_type) == (1, "human_hand")
    assert "action" not in data.features
    assert is_film(data.frames("observation.images.front", 0))


def test_what_comes_after_the_end_of_the_task_is_left_out(tmp_path, film, converted):
    write_scene(tmp_path / "in", film, finish_time=int(STAMPS_MS[2]))
    assert converted(tmp_path / "in", "rh20t").episode(0).length == 3


def test_an_unset_end_keeps_everything(tmp_path, film, converted):
    write_scene(tmp_path / "in", film, finish_time=-1)
    assert converted(tmp_path / "in", "rh20t").episode(0).length == 5


def save(name, value):
    return lambda scene: np.save(scene / name, value, allow_pickle=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (save(f"cam_{FIXED}/timestamps.npy", {"color": [5, 4]}), r"timestamps\.npy: 'color' must be at least two asc"),
        (save(f"cam_{FIXED}/timestamps.npy", {"color": [1, 2, 3]}), r"color\.mp4: 5 frames, but timestamps\.npy has 3"),
        (save("transformed/tcp_base.npy", {FIXED: [{"timestamp": 1}]}), "transformed: .* lacks a field: 'tcp'"),
        (save("transformed/tcp_base.npy", {FIXED: []}), f"holds nothing for camera {FIXED}"),
        (save("transformed/gripper.npy", np.zeros(3)), r"gripper\.npy: holds a float64 array"),
        (lambda scene: (scene / "transformed/tcp_base.npy").unlink(), r"tcp_base\.npy: no such file"),
        (lambda scene: (scene / "metadata.json").write_text("["), r"metadata\.json: no readable JSON"),
        (lambda scene: (scene / f"cam_{FIXED}/color.mp4").unlink(), "no cam_.*/color.mp4 of a camera that stands"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_left(tmp_path, film, converted, change, message):
    change(write_scene(tmp_path / "in", film)[0])
    with pytest.raises(UnderstudyError, match=message):
        converted(tmp_path / "in", "rh20t")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_the_nearest_row_is_the_one_that_brute_force_finds():
    rng = np.random.default_rng(0)
    times, wanted = np.sort(rng.uniform(0, 5, 40)), np.sort(rng.uniform(-1, 6, 60))
    brute = np.abs(times[:, None] - wanted).argmin(axis=0)
    np.testing.assert_array_equal(nearest_rows(times, wanted), brute)
    np.testing.assert_array_equal(nearest_rows(times[:1], wanted), 0)
    np.testing.assert_allclose(regular_times(2.0, 2.5, 10.0), [2.0, 2.1, 2.2, 2.3, 2.4, 2.5])
