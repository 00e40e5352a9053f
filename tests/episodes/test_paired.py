from dataclasses import replace

import numpy as np
import pytest
from tests.methods.conftest import LABELS, LENGTHS, SIZE, write_pairs

from understudy.episodes.frame_cache import FrameCache
from understudy.episodes.paired import PairedWindows, WindowConfig
from understudy.episodes.reader import EpisodeReader
from understudy.errors import UnderstudyError

CONFIG = WindowConfig("xarm7_gripper", image_size=SIZE, prompt_frames=3, num_times=5, history=2, chunk=4, num_phases=4)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("pairs"))


def _robot(root):
    return EpisodeReader(root / "xarm7_gripper")


def test_a_sample_is_the_data_at_its_steps(root):
    robot = _robot(root)
    data = PairedWindows((root,), CONFIG)
    assert len(data) == len(LENGTHS)
    assert data.labels == sorted(set(LABELS))
    sample = data.sample(1, np.random.default_rng(3))
    steps = np.random.default_rng(3).integers(0, LENGTHS[1], 5)
    actions = data.normalisation.apply(robot.column("action", 1))
    states = data.normalisation.apply(robot.column("observation.state", 1))
    for row, step in enumerate(steps):
        ahead = [min(step + k, LENGTHS[1] - 1) for k in range(4)]
        assert np.array_equal(sample["actions"][row], actions[ahead])
        assert sample["exists"][row].tolist() == [step + k < LENGTHS[1] for k in range(4)]
        assert np.array_equal(sample["states"][row], states[[max(step - 2, 0), step]])
        seen = robot.frames("observation.images.front", 1, [max(step - 2, 0), step])
        assert np.array_equal(sample["images"][row], seen)
    assert np.allclose(sample["path"][[0, -1]], actions[[0, -1]])
    assert sample["prompt"].shape == (3, SIZE, SIZE, 3)
    assert data.labels[int(sample["label"])] == LABELS[1]


def test_without_a_prompt_no_clip_is_read(root):
    config = WindowConfig("xarm7_gripper", image_size=SIZE, prompt_frames=0)
    assert "prompt" not in PairedWindows((root,), config).sample(0, np.random.default_rng(0))


def test_several_recordings_are_one(root, tmp_path):
    other = write_pairs(tmp_path, lengths=(4, 14, 6), labels=("press a button",) * 3)
    data = PairedWindows((root, other), CONFIG)
    assert len(data) == 2 * len(LENGTHS)
    assert data.labels == sorted({*LABELS, "press a button"})
    names = ("action", "observation.state")
    rows = [_robot(place).column(name, i) for place in (root, other) for name in names for i in range(3)]
    normalised = data.normalisation.apply(np.concatenate(rows))
    assert np.allclose(normalised.min(0), -1, atol=1e-5)
    assert np.allclose(normalised.max(0), 1, atol=1e-5)
    for index, (place, episode) in ((1, (root, 1)), (5, (other, 2))):
        sample = data.sample(index, np.random.default_rng(0))
        assert np.array_equal(sample["path"][0], data.normalisation.apply(_robot(place).column("action", episode))[0])
        assert data.labels[int(sample["label"])] == _robot(place).episode(episode).task


def test_actions_and_states_are_normalised_together(root):
    robot = _robot(root)
    data = PairedWindows((root,), CONFIG)
    rows = [robot.column(name, i) for name in ("action", "observation.state") for i in range(3)]
    normalised = data.normalisation.apply(np.concatenate(rows))
    assert np.allclose(normalised.min(0), -1, atol=1e-5)
    assert np.allclose(normalised.max(0), 1, atol=1e-5)


def test_data_sets_that_are_not_pairs_are_refused(tmp_path):
    write_pairs(tmp_path / "labels", person_labels=(*LABELS[::-1][:2], "press a button"))
    with pytest.raises(UnderstudyError, match="is not the pair of"):
        PairedWindows((tmp_path / "labels",), CONFIG)
    write_pairs(tmp_path / "count", person_labels=LABELS[:2])
    with pytest.raises(UnderstudyError, match=r"2 episodes, .* has 3: not paired"):
        PairedWindows((tmp_path / "count",), CONFIG)


def test_frames_are_not_made_larger(root):
    with pytest.raises(UnderstudyError, match="is 32x32, the policy needs 64 px"):
        PairedWindows((root,), replace(CONFIG, image_size=64))


def test_a_missing_data_set_is_named(tmp_path):
    with pytest.raises(UnderstudyError, match="xarm7_gripper"):
        PairedWindows((tmp_path,), CONFIG)


def test_failed_episodes_are_left_out_and_sealed_splits_refused(tmp_path):
    write_pairs(tmp_path / "failed", metadata=({}, {"success": False}, {}))
    data = PairedWindows((tmp_path / "failed",), CONFIG)
    assert len(data) == 2
    kept = data.sample(1, np.random.default_rng(0))
    robot = _robot(tmp_path / "failed")
    assert np.allclose(kept["path"][0], data.normalisation.apply(robot.column("action", 2))[0], atol=1e-6)
    person = EpisodeReader(tmp_path / "failed" / "human_hand")
    assert np.array_equal(kept["prompt"][0], FrameCache(person, "observation.images.front", SIZE).episode(2)[0])
    write_pairs(tmp_path / "sealed", metadata=({}, {}, {"split": "test"}))
    with pytest.raises(UnderstudyError, match="episode 2 is of the split test"):
        PairedWindows((tmp_path / "sealed",), CONFIG)
    write_pairs(tmp_path / "none", metadata=({"success": False},) * 3)
    with pytest.raises(UnderstudyError, match="no episode that succeeded"):
        PairedWindows((tmp_path / "none",), CONFIG)
