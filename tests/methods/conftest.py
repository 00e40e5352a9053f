"""A paired recording of random pictures: everything but meaning, in a fraction of a second."""

import numpy as np
import pytest

from understudy.embodiments import get_embodiment
from understudy.episodes.features import vector, video
from understudy.episodes.writer import EpisodeWriter

ROBOT, SIZE, LENGTHS = "xarm7_gripper", 32, (6, 9, 7)
LABELS = ("push the red cube to a line", "press a button", "push the red cube to a line")
IMAGES = "observation.images.front"


def write_pairs(
    root, lengths=LENGTHS, labels=LABELS, person_labels=None, robots=(ROBOT,), metadata=({}, {}, {}), size=SIZE
):
    rng = np.random.default_rng(0)
    for robot in robots:
        _write_robot(root / robot, rng, lengths, labels, robot, metadata, size)
    features = {IMAGES: video(size, size), "width": vector(("x",))}
    with EpisodeWriter(root / "human_hand", 20, features, "human_hand") as writer:
        for seed, label in enumerate(person_labels or labels):
            frames = {IMAGES: rng.integers(0, 255, (5, size, size, 3), dtype=np.uint8)}
            writer.add_episode({"width": np.zeros(5, np.float32)}, frames, label, metadata={"seed": seed})
    return root


def _write_robot(root, rng, lengths, labels, robot, metadata, size):
    space = get_embodiment(robot).action_space
    features = {
        IMAGES: video(size, size),
        "observation.state": vector(space.names),
        "action": vector(space.names),
    }
    with EpisodeWriter(root, 10, features, robot) as writer:
        for seed, (length, label) in enumerate(zip(lengths, labels, strict=True)):
            rows = rng.uniform(-0.1, 0.1, (length, space.size)).astype(np.float32).cumsum(0)
            data = {"observation.state": rows, "action": rows + np.float32(0.01)}
            frames = {IMAGES: rng.integers(0, 255, (length, size, size, 3), dtype=np.uint8)}
            writer.add_episode(data, frames, label, metadata={"seed": seed} | metadata[seed])


@pytest.fixture(scope="session")
def pairs(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("pairs"))
