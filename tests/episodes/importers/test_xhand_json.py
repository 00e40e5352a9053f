"""XHand episodes: made ones, and the real recordings where they are."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from understudy.embodiments import get_embodiment
from understudy.embodiments.xhand_episode import hand_base, read_xhand_episode
from understudy.errors import UnderstudyError
from understudy.perception.video import open_video, read_frames, write_video

LENGTH = 5


def write_episode(folder, film, length=LENGTH):
    folder.mkdir(parents=True)
    states = np.zeros((length, 19))
    states[:, :3] = np.linspace(0.2, 0.6, 3 * length).reshape(length, 3)
    turns = Rotation.from_rotvec(np.linspace(3.0, 3.4, length)[:, None] * [1, 0, 0])
    states[:, 3:7] = turns.as_quat(canonical=True)  # (x, y, z, w); passes half a turn
    states[:, 7:] = np.arange(12) * 0.05
    actions = states.copy()
    actions[:, 3:7] *= -1  # the same rotations, as the real recordings have them
    content = {"states": states.tolist(), "actions": actions.tolist(), "texts": ["pour"], "episode_id": 4}
    (folder / "annotation.json").write_text(json.dumps(content))
    for camera in range(2):
        write_video(folder / f"camera_{camera}.mp4", list(film(LENGTH)[:: 1 - 2 * camera]), 10.0)
    return turns


def test_states_and_actions_share_a_hemisphere(tmp_path, film, is_film, converted):
    turns = write_episode(tmp_path / "in/episode_4", film)
    data = converted(tmp_path / "in", "xhand_json")
    state, action = data.column("observation.state", 0), data.column("action", 0)
    np.testing.assert_allclose(action, state, atol=1e-6)
    assert (np.sum(state[1:, 3:7] * state[:-1, 3:7], axis=1) > 0.9).all()
    rotations = Rotation.from_quat(state[:, 3:7], scalar_first=True)
    np.testing.assert_allclose((rotations.inv() * turns).magnitude(), 0, atol=1e-5)
    assert data.features["action"].names == get_embodiment("xarm7_xhand").action_space.names
    assert (data.fps, data.episode(0).task) == (10, "pour")
    assert is_film(data.frames("observation.images.camera_0", 0))
    assert is_film(data.frames("observation.images.camera_1", 0)[::-1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "annotation.json").unlink(), r"no annotation\.json in or below"),
        (lambda folder: (folder / "annotation.json").write_text("{}"), r"annotation\.json: 'states' has shape"),
        (lambda folder: [path.unlink() for path in folder.glob("*.mp4")], r"no camera_\*\.mp4"),
        (lambda folder: (folder / "camera_1.mp4").write_bytes(b"x"), r"camera_1\.mp4: not a readable video"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_left(tmp_path, film, converted, change, message):
    write_episode(tmp_path / "in", film)
    change(tmp_path / "in")
    with pytest.raises(UnderstudyError, match=message):
        converted(tmp_path / "in", "xhand_json")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_film_of_another_length_is_refused(tmp_path, film, converted):
    write_episode(tmp_path / "in", film, length=LENGTH + 1)
    with pytest.raises(UnderstudyError, match=r"observation\.images\.camera_0 has 5 frames in an episode of 6"):
        converted(tmp_path / "in", "xhand_json")


def test_real_recordings_convert(tmp_path, converted):
    root = os.environ.get("UNDERSTUDY_DATA")
    if root is None:
        pytest.skip("UNDERSTUDY_DATA does not name a folder of real recordings")
    folders = [Path(root) / "robot_xhand" / name for name in ("episode_0", "episode_50")]
    for folder in folders:  # one camera of three is enough
        (tmp_path / "in" / folder.name).mkdir(parents=True)
        for name in ("annotation.json", "camera_0.mp4"):
            (tmp_path / "in" / folder.name / name).symlink_to(folder / name)
    data = converted(tmp_path / "in", "xhand_json")
    assert data.lengths == [136, 174]
    assert data.episode(0).task == "Move the mango to the basket."
    low, high = (getattr(get_embodiment("xarm7_xhand").action_space, name) for name in ("low", "high"))
    for index, folder in enumerate(folders):
        state, action = data.column("observation.state", index), data.column("action", index)
        recorded = read_xhand_episode(folder)
        np.testing.assert_allclose(state[:, :3], hand_base(recorded.T_base_recorded)[:, :3, 3], atol=1e-6)
        assert (np.sum(state[:, 3:7] * action[:, 3:7], axis=1) > 0.9).all()
        assert (state >= low - 0.01).all()
        assert (state <= high + 0.01).all()
        first = next(read_frames(open_video(folder / "camera_0.mp4")))[1]
        again = data.frames("observation.images.camera_0", index)[0]
        assert np.abs(again.astype(int) - first).mean() < 4
