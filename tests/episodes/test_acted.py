import shutil
from dataclasses import replace

import numpy as np
import pytest
from tests.episodes import acted_recording
from tests.episodes.acted_recording import IMAGES, ROBOT, SIZE, SKILLS, write_acted

from understudy.embodiments import get_embodiment
from understudy.episodes.acted import ActedConfig, ActedWindows
from understudy.episodes.image_shift import ImageShift
from understudy.episodes.reader import EpisodeReader
from understudy.errors import UnderstudyError
from understudy.simulation.scene import tabletop_camera

CONFIG = ActedConfig(ROBOT, image_size=SIZE, num_times=6, history=2, chunk=3, num_phases=4)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_acted(tmp_path_factory.mktemp("acted"))


def _sample(data, index):
    return data.sample(index, np.random.default_rng(3)), np.random.default_rng(3)


def test_a_robots_sample_is_its_own_actions(root):
    data = ActedWindows((root,), CONFIG)
    assert (len(data), data.num_people, data.skills) == (4, 2, sorted(SKILLS))
    index = next(i for i in range(4) if data.clips(i) == (root, ROBOT, 1))
    sample, rng = _sample(data, index)
    reader = EpisodeReader(root / ROBOT)
    actions, frames = data.normalisation.apply(reader.column("action", 1)), reader.frames(IMAGES, 1)
    states = data.normalisation.apply(reader.column("observation.state", 1))
    for row, step in enumerate(rng.choice(9, 6)):
        assert np.array_equal(sample["actions"][row], actions[[min(step + k, 8) for k in range(3)]])
        assert sample["exists"][row].tolist() == [step + k < 9 for k in range(3)]
        assert np.array_equal(sample["images"][row], frames[[max(step - 2, 0), step]])
        assert np.array_equal(sample["states"][row], states[[max(step - 2, 0), step]])
        assert sample["progress"][row] == np.float32(step / 8)
    assert sample["known"].all()
    assert not sample["person"]
    assert data.skills[int(sample["skill"])] == "press_button"
    assert np.allclose(sample["path"][[0, -1]], actions[[0, -1]])


def test_what_is_done_moves_with_the_images(root):
    """Under a shift: other pixels, other positions, of everything that has one; rotations and fingers stay."""
    plain = ActedWindows((root,), replace(CONFIG, prompt_frames=3))
    shift = ImageShift(2, -1)
    one, other = (plain.sample(1, np.random.default_rng(3), s) for s in (ImageShift(), shift))
    for name in ("images", "prompt"):
        assert np.array_equal(other[name], shift.images(one[name]))
    for name in ("actions", "states", "path"):
        before, after = (plain.normalisation.invert(sample[name]) for sample in (one, other))
        assert np.allclose(after[..., :3], shift.places(tabletop_camera(SIZE), before[..., :3]), atol=1e-3)
        assert np.abs(after[..., :3] - before[..., :3]).max() > 0.02
        assert np.array_equal(one[name][..., 3:], other[name][..., 3:])
    shifting = ActedWindows((root,), replace(CONFIG, shift=2))
    drawn = [shifting.sample(1, np.random.default_rng(i)) for i in range(40)]
    edges = {bool((s["images"][:, :, :, 0] == s["images"][:, :, :, 1]).all()) for s in drawn}
    assert edges == {True, False}, "some are shifted to the right, some are not"


def test_images_of_an_unknown_camera_are_not_shifted(root, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.episodes.acted_recording.camera_as_json", lambda camera: None)
    write_acted(tmp_path)
    assert len(ActedWindows((tmp_path,), CONFIG)) == 4
    with pytest.raises(UnderstudyError, match=r"episode 0 does not tell its camera: .* set acted.shift=0"):
        ActedWindows((tmp_path,), replace(CONFIG, shift=2))


def test_actions_in_joint_space_are_not_shifted(tmp_path, monkeypatch):
    robot = "xarm7_allegro"
    monkeypatch.setattr(acted_recording, "ROBOT", robot)
    monkeypatch.setattr(acted_recording, "SPACE", get_embodiment(robot).action_space)
    write_acted(tmp_path)
    assert len(ActedWindows((tmp_path,), replace(CONFIG, robot=robot))) == 4
    with pytest.raises(UnderstudyError, match=r"actions of xarm7_allegro have no x, y and z: set acted.shift=0"):
        ActedWindows((tmp_path,), replace(CONFIG, robot=robot, shift=2))


def test_a_person_acts_as_the_tracked_hand_goes_on(root):
    """Every second of the 20 frames is a step; an action is where the hand is a step later; frame 6 was not seen."""
    data = ActedWindows((root,), CONFIG)
    index = next(i for i in range(4) if data.clips(i) == (root, "human_hand", 1))
    sample, rng = _sample(data, index)
    reader = EpisodeReader(root / "human_hand")
    told = [2, 4, 6, 8, 10, 12, 14, 16, 18, 19]
    known = [frame != 6 for frame in told]
    tracked = reader.column(f"tracked.action.{ROBOT}", 1).copy()
    tracked[:, 3:7] *= -1
    tracked, frames = data.normalisation.apply(tracked), reader.frames(IMAGES, 1)
    actions = tracked[told]
    for row, step in enumerate(rng.choice(np.flatnonzero(known), 6)):
        assert np.array_equal(sample["actions"][row], actions[[min(step + k, 9) for k in range(3)]])
        assert sample["exists"][row].tolist() == [step + k < 10 and known[step + k] for k in range(3)]
        assert np.array_equal(sample["images"][row], frames[[2 * max(step - 2, 0), 2 * step]])
        assert np.array_equal(sample["states"][row], tracked[[2 * max(step - 2, 0), 2 * step]])
        assert sample["known"][row].tolist() == [max(step - 2, 0) != 3, step != 3]
    assert sample["person"]


def test_quaternions_of_people_and_robots_lie_together(root):
    data = ActedWindows((root,), replace(CONFIG, normalisation="unit"))
    spread = data.normalisation.invert(np.ones((1, 19))) - data.normalisation.invert(np.zeros((1, 19)))
    assert spread[0, 3:7].max() < 0.5
    rows = np.concatenate([data.sample(i, np.random.default_rng(0))["actions"].reshape(-1, 19) for i in range(4)])
    assert rows.min() >= 0
    assert rows.max() <= 1


def test_robots_alone_and_prompts(root):
    data = ActedWindows((root,), replace(CONFIG, people=False, prompt_frames=5))
    assert (len(data), data.num_people) == (2, 0)
    clip = EpisodeReader(root / "human_hand").frames(IMAGES, 1)
    prompt = data.sample(1, np.random.default_rng(0))["prompt"]
    assert prompt.shape == (6, SIZE, SIZE, 3)
    assert all(any(np.array_equal(frame, other) for other in clip) for frame in prompt[:5])
    assert np.array_equal(prompt[5], EpisodeReader(root / ROBOT).frames(IMAGES, 1)[0])
    assert np.array_equal(data.prompt(1, 2), clip[[0, -1]])


def test_a_data_set_that_tells_no_state_teaches_none(root, tmp_path):
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    info = tmp_path / ROBOT / "meta" / "info.json"
    info.write_text(info.read_text().replace('"observation.state"', '"observation.other"'))
    data = ActedWindows((tmp_path,), replace(CONFIG, people=False))
    assert not data.sample(0, np.random.default_rng(0))["known"].any()


def test_people_without_a_robot_are_learned_from(root, tmp_path):
    shutil.copytree(root / "human_hand", tmp_path / "human_hand")
    assert len(ActedWindows((tmp_path,), CONFIG)) == 2
    with pytest.raises(UnderstudyError, match="no episode to learn from"):
        ActedWindows((tmp_path,), replace(CONFIG, people=False))


def test_what_the_tracker_lost_is_left_out(root):
    assert ActedWindows((root,), replace(CONFIG, min_valid=0.95)).num_people == 1


def test_a_recording_without_the_tracker_is_named(root, tmp_path):
    shutil.copytree(root / ROBOT, tmp_path / "human_hand")
    with pytest.raises(UnderstudyError, match=r"no tracked.action.xarm7_xhand: record with --track"):
        ActedWindows((tmp_path,), CONFIG)
