"""The cache of decoded frames against the reader, and the area resize against OpenCV."""

import json
import pickle

import cv2
import numpy as np
import pytest

from understudy.episodes import frame_cache
from understudy.episodes.area_resize import area_resize
from understudy.episodes.features import video
from understudy.episodes.frame_cache import FrameCache
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.square_image import square_image
from understudy.episodes.writer import EpisodeWriter
from understudy.errors import UnderstudyError

COUNT, SMALL = 4, 6


@pytest.mark.parametrize(("old", "new"), [((64, 64), (16, 16)), ((50, 36), (14, 20)), ((33, 40), (32, 32))])
def test_shrinking_is_that_of_opencv(old, new):
    image = np.random.default_rng(0).integers(0, 256, (*old, 3)).astype(np.uint8)
    right = cv2.resize(image, (new[1], new[0]), interpolation=cv2.INTER_AREA)
    assert np.abs(area_resize(image, *new).astype(int) - right).max() <= 1


def test_a_mean_stays_the_mean_and_the_same_size_the_same():
    image = np.random.default_rng(0).integers(0, 256, (35, 21, 3)).astype(np.uint8)
    np.testing.assert_allclose(area_resize(image, 1, 1)[0, 0], image.mean((0, 1)), atol=0.501)
    assert area_resize(image, 35, 21) is image


@pytest.fixture
def reader(tmp_path, sample):
    return EpisodeReader(sample.write(tmp_path / "data", COUNT))


def right_frames(reader, sample, index, size):
    return np.stack([area_resize(frame, size, size) for frame in reader.frames(sample.IMAGE, index)])


@pytest.mark.parametrize("size", [SMALL, 16])
def test_it_holds_every_frame(reader, tmp_path, sample, size):
    cache = FrameCache(reader, sample.IMAGE, size, tmp_path / "cache")
    assert cache.num_episodes == COUNT
    for held in (cache, pickle.loads(pickle.dumps(cache))):
        for index in range(COUNT):
            np.testing.assert_array_equal(held.episode(index), right_frames(reader, sample, index, size))
    assert len(pickle.dumps(cache)) < 1000  # where it lies, not what it holds
    with pytest.raises(UnderstudyError, match="episodes 0 to 3, not 4"):
        cache.episode(COUNT)
    with pytest.raises(ValueError, match="read-only"):
        cache.episode(0)[0, 0, 0] = 0


@pytest.mark.parametrize(("height", "width", "middle"), [(16, 24, np.s_[:, 4:20]), (24, 16, np.s_[4:20])])
def test_frames_that_are_not_square_lose_their_edges_and_keep_their_proportions(
    height, width, middle, tmp_path, sample
):
    frames = np.random.default_rng(0).integers(0, 256, (4, height, width, 3)).astype(np.uint8)
    features = sample.FEATURES | {sample.IMAGE: video(height, width)}
    with EpisodeWriter(tmp_path / "data", sample.FPS, features, "robot") as writer:
        writer.add_episode({"action": np.zeros((4, 3)), "valid": np.ones(4, bool)}, {sample.IMAGE: frames}, "task")
    reader = EpisodeReader(tmp_path / "data")
    held = FrameCache(reader, sample.IMAGE, 8, tmp_path / "cache").episode(0)
    for frame, small in zip(reader.frames(sample.IMAGE, 0), held, strict=True):
        right = cv2.resize(np.ascontiguousarray(frame[middle]), (8, 8), interpolation=cv2.INTER_AREA)
        assert np.abs(small.astype(int) - right).max() <= 1


def test_it_is_made_once_and_again_when_the_data_change(reader, tmp_path, sample, monkeypatch):
    folder = tmp_path / "cache"
    first = FrameCache(reader, sample.IMAGE, SMALL, folder).path
    with monkeypatch.context() as patch:
        patch.setattr(frame_cache, "VideoFile", None)  # decoding would fail
        assert FrameCache(EpisodeReader(reader.root), sample.IMAGE, SMALL, folder).path == first
    with EpisodeWriter.append(reader.root, sample.FPS, sample.FEATURES, "robot") as writer:
        sample.add(writer, COUNT)
    grown = EpisodeReader(reader.root)
    cache = FrameCache(grown, sample.IMAGE, SMALL, folder)
    assert cache.path != first
    np.testing.assert_array_equal(cache.episode(COUNT), right_frames(grown, sample, COUNT, SMALL))


def test_it_goes_on_where_it_was_stopped(reader, tmp_path, sample, monkeypatch):
    monkeypatch.setattr(frame_cache, "_FRAMES_BETWEEN_MARKS", 1)
    before_stop = sample.length_of(0) + sample.length_of(1) + 1

    def counting(decoded, stop_after):
        def resize(frame, size):
            if len(decoded) == stop_after:
                raise InterruptedError
            decoded.append(frame)
            return square_image(frame, size)

        return resize

    monkeypatch.setattr(frame_cache, "square_image", counting([], before_stop))
    with pytest.raises(UnderstudyError, match="cannot be written"):
        FrameCache(reader, sample.IMAGE, SMALL, tmp_path / "cache")
    (mark,) = (tmp_path / "cache").rglob("done.json")
    assert json.loads(mark.read_text()) == {"episodes": 2}
    assert not list((tmp_path / "cache").rglob("frames.u8"))
    decoded = []
    monkeypatch.setattr(frame_cache, "square_image", counting(decoded, None))
    cache = FrameCache(reader, sample.IMAGE, SMALL, tmp_path / "cache")
    assert len(decoded) == sample.length_of(2) + sample.length_of(3)
    for index in range(COUNT):
        np.testing.assert_array_equal(cache.episode(index), right_frames(reader, sample, index, SMALL))


def test_a_cache_that_was_cut_is_named(reader, tmp_path, sample):
    path = FrameCache(reader, sample.IMAGE, SMALL, tmp_path / "cache").path
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UnderstudyError, match=r"frames.u8: is not of the size of \d+ frames; remove it"):
        FrameCache(reader, sample.IMAGE, SMALL, tmp_path / "cache")
