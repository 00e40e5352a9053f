import json
import os
from pathlib import Path

import mujoco
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from understudy.embodiments import get_embodiment
from understudy.embodiments.xhand import XHAND_LIMITS
from understudy.embodiments.xhand_episode import hand_base, read_xhand_episode
from understudy.errors import UnderstudyError
from understudy.geometry.cameras import project
from understudy.geometry.transforms import apply_transform, inverse_transform

STEPS = 4
MAX_MARK_ERROR_PX = 2.5  # of 256; marks are good to about 1.5
MARKS = {  # knuckles and fingertips (by keypoint) marked by hand in camera_0: episode -> step -> keypoint -> (u, v)
    "episode_0": {
        12: {
            **{5: (130.9, 13.0), 9: (122.5, 13.4), 8: (130.9, 52.1), 12: (122.9, 53.2)},
            **{16: (114.8, 52.7), 20: (106.4, 53.6), 10: (121.6, 36.6), 6: (130.5, 34.8)},
        },
        24: {9: (176.6, 64.6), 5: (185.5, 62.0), 8: (197.5, 95.9), 12: (188.6, 99.0)},
        36: {5: (196.4, 97.7), 9: (188.4, 101.3), 8: (205.4, 128.9), 12: (198.2, 132.5)},
        49: {5: (192.9, 114.3), 8: (200.0, 148.2), 12: (193.8, 151.8)},
    },
    "episode_50": {
        0: {
            **{5: (121.8, 26.8), 9: (112.0, 28.6), 17: (93.8, 29.5), 8: (123.2, 66.1)},
            **{12: (113.4, 67.5), 16: (104.1, 67.0), 20: (95.5, 67.0), 10: (112.0, 49.0)},
        },
        15: {
            **{5: (159.5, 44.1), 9: (150.5, 47.7), 17: (135.4, 56.6), 8: (172.9, 74.5)},
            **{12: (163.9, 80.7), 16: (157.1, 84.6), 20: (148.8, 89.3)},
        },
        31: {5: (168.4, 87.3), 8: (180.9, 114.1)},
        47: {5: (181.4, 102.1), 8: (197.5, 127.1)},
        125: {5: (99.3, 93.2)},
    },
}


def write(folder, **changes):
    table = np.zeros((STEPS, 19))
    table[:, :3] = (0.4, 0.1, 0.2)
    table[:, 3:7] = Rotation.from_euler("xyz", [np.pi, 0.2, 0.1]).as_quat()  # (x, y, z, w)
    table[:, 7:] = np.arange(12) * 0.1
    actions = table.copy()
    actions[:, 3:7] *= -1
    content = {"states": table.tolist(), "actions": actions.tolist(), "texts": ["push"], "episode_id": 7} | changes
    (folder / "annotation.json").write_text(json.dumps(content))
    return table


def test_reader_canonicalises_the_rotation_and_keeps_the_joints(tmp_path):
    table = write(tmp_path)
    episode = read_xhand_episode(tmp_path)
    assert (episode.num_steps, episode.episode_id, episode.instruction) == (STEPS, 7, "push")
    expected = Rotation.from_quat(table[0, 3:7]).as_matrix()
    np.testing.assert_allclose(episode.T_base_recorded[0, :3, :3], expected, atol=1e-12)
    np.testing.assert_allclose(episode.T_base_recorded_action, episode.T_base_recorded, atol=1e-12)
    np.testing.assert_allclose(episode.joints, table[:, 7:])
    assert episode.opposite_hemispheres == 1.0


def test_hand_base_lies_behind_the_recorded_point(tmp_path):
    write(tmp_path)
    T = read_xhand_episode(tmp_path).T_base_recorded
    shift = hand_base(T)[:, :3, 3] - T[:, :3, 3]
    np.testing.assert_allclose(shift, -0.062 * T[:, :3, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"states": [[0.0] * 18]}, "19"),
        ({"states": []}, "shape"),
        ({"states": [[0.0] * 19] * STEPS}, "quaternions of length zero"),
        ({"actions": [[1.0] * 19]}, "4 states but 1 actions"),
    ],
)
def test_malformed_annotation_is_one_clear_error(tmp_path, changes, message):
    write(tmp_path, **changes)
    with pytest.raises(UnderstudyError, match=message):
        read_xhand_episode(tmp_path)


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(UnderstudyError, match=r"annotation\.json"):
        read_xhand_episode(tmp_path)
    (tmp_path / "annotation.json").write_text("{")
    with pytest.raises(UnderstudyError, match="no JSON"):
        read_xhand_episode(tmp_path)


@pytest.fixture(params=["episode_0", "episode_50"])
def recorded(request):
    root = os.environ.get("UNDERSTUDY_DATA")
    if root is None:
        pytest.skip("UNDERSTUDY_DATA does not name a folder of real recordings")
    folder = Path(root) / "robot_xhand" / request.param
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


def test_recorded_joints_keep_our_limits_and_use_them(recorded):
    episode = read_xhand_episode(recorded)
    low, high = XHAND_LIMITS.T
    assert (episode.joints >= low - 0.002).all()
    assert (episode.joints <= high + 0.002).all()
    # Fingers sweep most of their range while they grasp; a permuted order would break the index bend's limit.
    assert (np.ptp(episode.joints[:, 4:], axis=0) > 0.8).all()
    assert np.abs(episode.joints[:, 3]).max() < 0.18


def test_recorded_poses_are_within_reach(recorded):
    from understudy.embodiments.xhand_replay import xhand_cells

    cells = {(cell.metric, cell.column): cell for cell in xhand_cells(read_xhand_episode(recorded))}
    assert cells["reached", "flange"].value == 1.0
    assert cells["reached", "wrist"].value > 0.97
    assert cells["action_turn_rad_p50", None].value < 0.05  # hemispheres apart, rotations alike


def test_our_hand_at_the_recorded_state_lies_on_the_marked_pixels(recorded):
    from understudy.embodiments.xhand_replay import fitted_camera

    episode = read_xhand_episode(recorded)
    embodiment = get_embodiment("xarm7_xhand")
    model = embodiment.build().compile()
    data = mujoco.MjData(model)
    camera = fitted_camera(episode.episode_id)
    errors = []
    for step, marks in MARKS[recorded.name].items():
        for joint, value in zip(embodiment.hand_joints, episode.joints[step], strict=True):
            data.joint(joint).qpos = value
        mujoco.mj_kinematics(model, data)
        wrist = data.site("wrist")
        in_wrist = np.array([data.site(f"k{i}").xpos - wrist.xpos for i in marks]) @ wrist.xmat.reshape(3, 3)
        in_base = apply_transform(hand_base(episode.T_base_recorded[step]), in_wrist)
        pixels = project(camera.K, apply_transform(inverse_transform(camera.T_world_camera), in_base))
        errors.append(pixels - np.array(list(marks.values())))
    rms = np.sqrt((np.concatenate(errors) ** 2).sum(axis=1).mean())
    assert rms < MAX_MARK_ERROR_PX


def test_replay_shows_real_frame_and_robot(recorded):
    from understudy.embodiments.xhand_replay import play_xhand_episode

    frames = play_xhand_episode(recorded, every=50)
    assert len(frames) == -(-read_xhand_episode(recorded).num_steps // 50)
    assert frames[0].shape == (256, 512, 3)
    assert all(frame[:, 256:].std() > 5 for frame in frames)
