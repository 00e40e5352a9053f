"""The reader: columns and frames as they were written, and any frame of any video as FFmpeg gives it in order."""

import json
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import count

import av
import numpy as np
import pytest

from understudy.episodes import reader as reading
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.video_file import VideoFile
from understudy.episodes.writer import EpisodeWriter
from understudy.errors import BadVideo, UnderstudyError

COUNT = 4


@pytest.fixture
def root(tmp_path, sample):
    return sample.write(tmp_path / "data", COUNT)


def test_episodes_are_what_was_written(root, sample):
    reader = EpisodeReader(root)
    assert (reader.num_episodes, reader.fps, reader.robot_type) == (COUNT, sample.FPS, "robot")
    assert reader.lengths == [sample.length_of(i) for i in range(COUNT)]
    assert {name: reader.features[name] for name in sample.FEATURES} == sample.FEATURES
    for index in range(COUNT):
        sample.check(reader, index)


def test_statistics_are_those_of_the_file(root):
    stored = json.loads((root / "meta/stats.json").read_text())
    np.testing.assert_array_equal(EpisodeReader(root).statistics["action"]["q99"], stored["action"]["q99"])


def test_frames_come_in_the_order_asked_for(root, sample):
    reader = EpisodeReader(root)
    everything = reader.frames(sample.IMAGE, 0)
    np.testing.assert_array_equal(reader.frames(sample.IMAGE, 0, [3, 0, 0, 4, 1]), everything[[3, 0, 0, 4, 1]])
    np.testing.assert_array_equal(reader.frames(sample.IMAGE, np.int64(0), np.arange(2)), everything[:2])
    assert reader.frames(sample.IMAGE, 0, []).shape == (0, sample.SIZE, sample.SIZE, 3)


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"g": "2", "bf": "0"}),
        ("libx264", {"g": "5", "bf": "0"}),
        ("libx264", {"g": "12", "bf": "3"}),
        ("libsvtav1", {"g": "2", "crf": "30", "preset": "12"}),
    ],
)
def test_any_order_gives_what_decoding_in_order_gives(tmp_path, codec, options):
    """Also with B-frames, rare key frames and AV1, which other writers of the format use."""
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg has no {codec}")
    path, rng = tmp_path / "video.mp4", np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(30000, 1001), options=options)
        stream.height, stream.width, stream.pix_fmt = 64, 64, "yuv420p"
        for level in range(30):
            image = np.full((64, 64, 3), 8 * level, np.uint8)
            image[rng.integers(0, 64, 40), rng.integers(0, 64, 40)] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    oracle = np.stack([frame.to_ndarray(format="rgb24") for frame in frames])
    video = VideoFile(path)
    np.testing.assert_allclose(video.times_s, [frame.time for frame in frames])
    order = rng.integers(0, 30, 100)
    for place, frame in zip(order, video.frames(order), strict=True):
        np.testing.assert_array_equal(frame, oracle[place])
    np.testing.assert_array_equal(np.stack(list(video.frames(range(30)))), oracle)


def test_threads_copies_and_forks_read_the_same(root, sample):
    reader = EpisodeReader(root)
    right = [reader.frames(sample.IMAGE, i) for i in range(COUNT)]
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda i: reader.frames(sample.IMAGE, i % COUNT), range(40))
        assert all(np.array_equal(frames, right[i % COUNT]) for i, frames in enumerate(found))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(reader)).frames(sample.IMAGE, 2), right[2])
    child = os.fork()
    if child == 0:
        same = all(np.array_equal(reader.frames(sample.IMAGE, i, [1]), right[i][[1]]) for i in range(COUNT))
        os._exit(0 if same else 1)
    np.testing.assert_array_equal(reader.frames(sample.IMAGE, 3, [2, 0]), right[3][[2, 0]])
    assert os.waitpid(child, 0)[1] == 0


def test_what_is_kept_open_is_bounded(tmp_path, sample, monkeypatch):
    monkeypatch.setattr(reading, "_MAX_OPEN_VIDEOS", 2)
    monkeypatch.setattr(reading, "_MAX_COLUMN_BYTES", 100)
    writer = EpisodeWriter.append(tmp_path / "data", sample.FPS, sample.FEATURES, "robot")
    for index in range(COUNT):
        sample.add(writer, index)
    writer.abandon()  # each episode has files of its own
    reader = EpisodeReader(tmp_path / "data")
    for index in (*range(COUNT), *reversed(range(COUNT))):
        sample.check(reader, index)
        assert len(reader._open.files) <= 2
        assert sum(values.nbytes for values in reader._columns.values()) <= 100


def test_splits_are_ranges_of_episodes(tmp_path, sample):
    with EpisodeWriter(tmp_path / "data", sample.FPS, sample.FEATURES, "robot") as writer:
        sample.add(writer, 0)
        sample.add(writer, 1)
        sample.add(writer, 2, split="test")
        with pytest.raises(UnderstudyError, match="must follow one another: 'train' ended before 'test'"):
            sample.add(writer, 3, split="train")
    assert EpisodeReader(tmp_path / "data").splits == {"train": range(2), "test": range(2, 3)}


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda r, image: r.column("acton", 0), "did you mean 'action'"),
        (lambda r, image: r.column(image, 0), "is a video: read it with frames"),
        (lambda r, image: r.frames("action", 0), "is no video: read it with column"),
        (lambda r, image: r.column("action", COUNT), f"has the episodes 0 to {COUNT - 1}, not {COUNT}"),
        (lambda r, image: r.episode(-1), "not -1"),
        (lambda r, image: r.frames(image, 1, [0, 3]), "episode 1 has the frames 0 to 2, not 3"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(root, sample, ask, message):
    with pytest.raises(UnderstudyError, match=message) as error:
        ask(EpisodeReader(root), sample.IMAGE)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("meta/info.json", "info.json: damaged or no JSON"),
        ("meta/stats.json", "stats.json: damaged or no JSON"),
        ("meta/episodes/chunk-000/file-000.parquet", "file-000.parquet: damaged or no parquet"),
        ("data/chunk-000/file-000.parquet", "file-000.parquet: damaged or no parquet"),
        ("videos/observation.images.front/chunk-000/file-000.mp4", "file-000.mp4: damaged or no video"),
    ],
)
def test_a_truncated_file_is_named(root, sample, file, message):
    content = (root / file).read_bytes()
    (root / file).write_bytes(content[: len(content) // 2])
    with pytest.raises(UnderstudyError, match=message) as error:  # noqa: PT012 - one of four may fail
        reader = EpisodeReader(root)
        reader.statistics["action"]
        reader.column("action", 0)
        reader.frames(sample.IMAGE, 0)
    assert "\n" not in str(error.value)
    (root / file).unlink()
    with pytest.raises(UnderstudyError, match=r"no such file|no parquet file"):  # noqa: PT012
        reader = EpisodeReader(root)
        reader.statistics["action"]
        reader.column("action", 0)
        reader.frames(sample.IMAGE, 0)


def test_other_versions_are_refused(root):
    path = root / "meta/info.json"
    path.write_text(path.read_text().replace('"v3.0"', '"v2.1"'))
    with pytest.raises(UnderstudyError, match=r"codebase_version: is 'v2.1', only 'v3.0' is read"):
        EpisodeReader(root)


def test_features_of_unknown_types_are_left_out_and_named(root):
    path = root / "meta/info.json"
    info = json.loads(path.read_text())
    info["features"]["note"] = {"dtype": "string", "shape": [1], "names": None}
    path.write_text(json.dumps(info))
    with pytest.raises(UnderstudyError, match="note has the type string, which is not read"):
        EpisodeReader(root).column("note", 0)


@pytest.mark.parametrize("commits", [1, 2, 3])
def test_a_data_set_that_grows_while_it_is_opened_is_of_one_state(tmp_path, sample, monkeypatch, commits):
    with EpisodeWriter.append(tmp_path / "data", sample.FPS, sample.FEATURES, "robot") as writer:
        sample.add(writer, 0)
        read, left = reading.read_info, list(range(1, commits + 1))

        def slow(root):
            info = read(root)
            if left:
                sample.add(writer, left.pop(0))
            return info

        monkeypatch.setattr(reading, "read_info", slow)
        reader = EpisodeReader(tmp_path / "data")
    assert reader.num_episodes == len(reader.lengths) == 1 + commits
    monkeypatch.setattr(reading, "read_info", read)
    versions = count()
    monkeypatch.setattr(reading, "_version", lambda root: next(versions))
    with pytest.raises(UnderstudyError, match="changes faster than it can be read"):
        EpisodeReader(tmp_path / "data")


def test_no_data_set(tmp_path):
    with pytest.raises(UnderstudyError, match="this is no LeRobot v3 data set"):
        EpisodeReader(tmp_path)
    with pytest.raises(BadVideo, match="no such file"):
        VideoFile(tmp_path / "video.mp4")
