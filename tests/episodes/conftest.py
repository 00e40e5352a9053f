"""Tiny data sets for the tests of this folder: frames of 16 px that can be told apart after compression."""

from types import SimpleNamespace

import numpy as np
import pytest

from understudy.episodes.features import scalar, vector, video
from understudy.episodes.writer import EpisodeWriter

FPS, SIZE = 10, 16
IMAGE = "observation.images.front"
FEATURES = {"action": vector(("x", "y", "z"), mask="valid"), "valid": scalar("bool"), IMAGE: video(SIZE, SIZE)}


def length_of(index):
    return (5, 3, 4)[index % 3]


def episode(index):
    length, rng = length_of(index), np.random.default_rng(index)
    levels = (20 * np.arange(length) + 40 * index) % 200
    ramp = np.broadcast_to(levels[:, None, None, None] + 3 * np.arange(SIZE)[:, None], (length, SIZE, SIZE, 3))
    return {"action": rng.normal(size=(length, 3)), "valid": np.arange(length) != 1}, ramp.astype(np.uint8)


def add(writer, index, **options):
    data, frames = episode(index)
    writer.add_episode(data, {IMAGE: iter(frames)}, f"task {index % 2}", {"index": index}, **options)


def write(root, count=3, **options):
    with EpisodeWriter(root, FPS, FEATURES, "robot", **options) as writer:
        for index in range(count):
            add(writer, index)
    return root


def check(reader, index):
    """The episode is what `episode(index)` gives."""
    data, frames = episode(index)
    told = reader.episode(index)
    assert (told.index, told.length, told.task) == (index, length_of(index), f"task {index % 2}")
    assert told.metadata == {"index": index}
    np.testing.assert_array_equal(reader.column("action", index), data["action"].astype(np.float32))
    np.testing.assert_array_equal(reader.column("valid", index)[:, 0], data["valid"])
    assert np.abs(reader.frames(IMAGE, index).astype(float) - frames).mean((1, 2, 3)).max() < 4


@pytest.fixture(scope="session")
def sample():
    """What the tests of data sets share."""
    return SimpleNamespace(
        FPS=FPS,
        SIZE=SIZE,
        IMAGE=IMAGE,
        FEATURES=FEATURES,
        length_of=length_of,
        episode=episode,
        add=add,
        write=write,
        check=check,
    )
