import shutil
from dataclasses import replace

import numpy as np
import pytest

from understudy.embodiments import get_embodiment
from understudy.episodes.acted import ActedConfig, ActedWindows
from understudy.episodes.features import scalar, vector, video
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.writer import EpisodeWriter
from understudy.errors import UnderstudyError
from understudy.retargeting.actions import home_action

ROBOT, SIZE, IMAGES = "xarm7_xhand", 32, "observation.images.front"
SPACE = get_embodiment(ROBOT).action_space
CONFIG = ActedConfig(ROBOT, image_size=SIZE, num_times=6, history=2, chunk=3, num_phases=4)
SKILLS = ("push", "press_button")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def _actions(rng, length):
    rows = home_action(get_embodiment(ROBOT)) + rng.uniform(-0.1, 0.1, (length, SPACE.size))
    rows[:, 3:7] /= np.linalg.norm(rows[:, 3:7], axis=1, keepdims=True)
    return rows.astype(np.float32)


def _write(root, name, fps, lengths, columns_of, features):
    rng = np.random.default_rng(len(name))
    with EpisodeWriter(root / name, fps, {IMAGES: video(SIZE, SIZE), **features}, name) as writer:
        for seed, (length, skill) in enumerate(zip(lengths, SKILLS, strict=True)):
            frames = {IMAGES: rng.integers(0, 255, (length, SIZE, SIZE, 3), dtype=np.uint8)}
            columns = columns_of(rng, length, seed)
            writer.add_episode(columns, frames, f"do {skill}", metadata={"seed": seed, "task": skill})


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("acted")
    _write(root, ROBOT, 10, (7, 9), lambda rng, n, _: {"action": _actions(rng, n)}, {"action": vector(SPACE.names)})
    name = f"tracked.action.{ROBOT}"

    def person(rng, length, seed):
        valid = np.ones(length, dtype=bool)
        valid[6 if seed else slice(0)] = False
        actions = _actions(rng, length)
        actions[:, 3:7] *= -1  # the same rotations by the other sign
        return {name: actions, f"{name}.valid": valid}

    features = {name: vector(SPACE.names, mask=f"{name}.valid"), f"{name}.valid": scalar("bool")}
    _write(root, "human_hand", 20, (12, 20), person, features)
    return root


def _sample(data, index):
    return data.sample(index, np.random.default_rng(3)), np.random.default_rng(3)


def test_a_robots_sample_is_its_own_actions(root):
    data = ActedWindows((root,), CONFIG)
    assert (len(data), data.num_people, data.skills) == (4, 2, sorted(SKILLS))
    index = next(i for i in range(4) if data.clips(i) == (root, ROBOT, 1))
    sample, rng = _sample(data, index)
    reader = EpisodeReader(root / ROBOT)
    actions, frames = data.normalisation.apply(reader.column("action", 1)), reader.frames(IMAGES, 1)
    for row, step in enumerate(rng.choice(9, 6)):
        assert np.array_equal(sample["actions"][row], actions[[min(step + k, 8) for k in range(3)]])
        assert sample["exists"][row].tolist() == [step + k < 9 for k in range(3)]
        assert np.array_equal(sample["images"][row], frames[[max(step - 2, 0), step]])
    assert not sample["person"]
    assert data.skills[int(sample["skill"])] == "press_button"
    assert np.allclose(sample["path"][[0, -1]], actions[[0, -1]])


def test_a_person_acts_as_the_tracked_hand_goes_on(root):
    """Every second of the 20 frames is a step; an action is where the hand is a step later; frame 6 was not seen."""
    data = ActedWindows((root,), CONFIG)
    index = next(i for i in range(4) if data.clips(i) == (root, "human_hand", 1))
    sample, rng = _sample(data, index)
    reader = EpisodeReader(root / "human_hand")
    told = [2, 4, 6, 8, 10, 12, 14, 16, 18, 19]
    known = [frame != 6 for frame in told]
    actions = reader.column(f"tracked.action.{ROBOT}", 1)[told].copy()
    actions[:, 3:7] *= -1
    actions, frames = data.normalisation.apply(actions), reader.frames(IMAGES, 1)
    for row, step in enumerate(rng.choice(np.flatnonzero(known), 6)):
        assert np.array_equal(sample["actions"][row], actions[[min(step + k, 9) for k in range(3)]])
        assert sample["exists"][row].tolist() == [step + k < 10 and known[step + k] for k in range(3)]
        assert np.array_equal(sample["images"][row], frames[[2 * max(step - 2, 0), 2 * step]])
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
    assert prompt.shape == (5, SIZE, SIZE, 3)
    assert all(any(np.array_equal(frame, other) for other in clip) for frame in prompt)
    assert np.array_equal(data.prompt(1, 2), clip[[0, -1]])


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
