"""The data set writer, read back with pyarrow and PyAV; NumPy is the oracle for the statistics."""

import json
import re
from fractions import Fraction

import av
import numpy as np
import pyarrow.parquet as pq
import pytest

from understudy.episodes.features import Feature, scalar, vector, video
from understudy.episodes.frame_rate import exact_rate
from understudy.episodes.writer import EpisodeWriter
from understudy.errors import UnderstudyError

FPS = 10
SIZE = 16
LENGTHS = (5, 3)
IMAGE = "observation.images.prompt"
FEATURES = {"action": vector(("x", "y", "z"), mask="valid"), "valid": scalar("bool"), IMAGE: video(SIZE, SIZE)}
STATISTICS = {"min", "max", "mean", "std", "count", "q01", "q10", "q50", "q90", "q99"}


def episode(length, seed):
    rng = np.random.default_rng(seed)
    levels = 20 * np.arange(length) + 100 * seed  # frames that can be told apart after compression
    ramp = np.broadcast_to(levels[:, None, None, None] + 3 * np.arange(SIZE)[:, None], (length, SIZE, SIZE, 3))
    frames = ramp.astype(np.uint8)
    valid = np.arange(length) != 1
    return {"action": rng.normal(size=(length, 3)), "valid": valid}, {IMAGE: iter(frames)}, frames


def open_writer(folder):
    return EpisodeWriter(folder / "data", FPS, FEATURES, "robot")


@pytest.fixture
def written(tmp_path):
    root = tmp_path / "data"
    episodes = [episode(length, seed) for seed, length in enumerate(LENGTHS)]
    with EpisodeWriter(root, FPS, FEATURES, "xarm7_xhand") as writer:
        for index, (data, videos, _) in enumerate(episodes):
            writer.add_episode(data, videos, f"task {index}")
        assert not root.exists()  # nothing is seen before it is complete
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    return root, episodes


def test_info_counts_and_names_everything(written):
    info = json.loads((written[0] / "meta/info.json").read_text())
    assert (info["codebase_version"], info["fps"], info["robot_type"]) == ("v3.0", FPS, "xarm7_xhand")
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"]) == (2, sum(LENGTHS), 2)
    assert info["features"]["action"] == {"dtype": "float32", "shape": [3], "names": ["x", "y", "z"], "mask": "valid"}
    assert info["features"][IMAGE]["info"]["video.codec"] == "h264"
    assert {"timestamp", "frame_index", "episode_index", "index", "task_index"} < set(info["features"])


def test_rows_hold_what_was_given(written):
    root, episodes = written
    table = pq.read_table(root / "data/chunk-000/file-000.parquet")
    actions = np.concatenate([data["action"] for data, _, _ in episodes]).astype(np.float32)
    np.testing.assert_array_equal(np.array(table["action"].to_pylist(), dtype=np.float32), actions)
    assert table["index"].to_pylist() == list(range(8))
    assert table["frame_index"].to_pylist() == [0, 1, 2, 3, 4, 0, 1, 2]
    assert table["episode_index"].to_pylist() == table["task_index"].to_pylist() == [0] * 5 + [1] * 3
    np.testing.assert_allclose(
        table["timestamp"].to_numpy(), np.array(table["frame_index"].to_pylist()) / FPS, atol=1e-7
    )
    assert table.num_rows == sum(LENGTHS)
    assert pq.ParquetFile(root / "data/chunk-000/file-000.parquet").num_row_groups == 2


def test_episode_rows_say_where_everything_lies(written):
    rows = pq.read_table(written[0] / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert [(row["dataset_from_index"], row["dataset_to_index"]) for row in rows] == [(0, 5), (5, 8)]
    assert [row["tasks"] for row in rows] == [["task 0"], ["task 1"]]
    ends = [(row[f"videos/{IMAGE}/from_timestamp"], row[f"videos/{IMAGE}/to_timestamp"]) for row in rows]
    assert ends == [(0.0, 0.5), (0.5, 0.8)]
    assert {key.rsplit("/", 1)[1] for key in rows[0] if key.startswith("stats/action/")} == STATISTICS


def test_video_frames_follow_one_another_and_can_be_sought(written):
    root, episodes = written
    frames = np.concatenate([frames for _, _, frames in episodes])
    with av.open(str(root / f"videos/{IMAGE}/chunk-000/file-000.mp4")) as container:
        stream = container.streams.video[0]
        decoded = list(container.decode(stream))
        assert [float(frame.pts * stream.time_base) for frame in decoded] == pytest.approx(np.arange(8) / FPS)
        assert all(frame.key_frame for frame in decoded[::2])
    means = [frame.to_ndarray(format="rgb24").mean() for frame in decoded]
    np.testing.assert_allclose(means, frames.mean((1, 2, 3)), atol=3)


def test_statistics_are_exact_over_valid_rows_and_all_pixels(written):
    root, episodes = written
    stats = json.loads((root / "meta/stats.json").read_text())
    kept = np.concatenate([data["action"][data["valid"]] for data, _, _ in episodes]).astype(np.float32).astype(float)
    pixels = np.concatenate([frames for _, _, frames in episodes]).reshape(-1, 3) / 255
    for name, values in (("action", kept), (IMAGE, pixels)):
        found = {key: np.ravel(value) for key, value in stats[name].items()}
        assert set(found) == STATISTICS
        for key, oracle in (("min", np.min), ("max", np.max), ("mean", np.mean), ("std", np.std)):
            np.testing.assert_allclose(found[key], oracle(values, axis=0), atol=1e-12)
        for key in ("q01", "q10", "q50", "q90", "q99"):
            np.testing.assert_allclose(found[key], np.quantile(values, int(key[1:]) / 100, axis=0), atol=1e-12)
    assert stats["action"]["count"] == [6]
    assert stats[IMAGE]["count"] == [8]
    assert np.shape(stats[IMAGE]["mean"]) == (3, 1, 1)


def test_fractional_frame_rate_is_kept_exactly(tmp_path):
    data, videos, _ = episode(4, 0)
    with EpisodeWriter(tmp_path / "data", 30000 / 1001, FEATURES, "robot") as writer:
        writer.add_episode(data, videos, "task")
    with av.open(str(tmp_path / f"data/videos/{IMAGE}/chunk-000/file-000.mp4")) as container:
        times = [frame.time for frame in container.decode(video=0)]
    np.testing.assert_allclose(times, np.arange(4) * 1001 / 30000, atol=1e-9)


@pytest.mark.parametrize(
    ("given", "exact"),
    [
        (29.97, "30000/1001"),
        (30000 / 1001, "30000/1001"),
        (23.976, "24000/1001"),
        (59.94, "60000/1001"),
        (119.88, "120000/1001"),
        (Fraction(30000, 1001), "30000/1001"),
        (30, "30"),
        (30.0, "30"),
        (12.5, "25/2"),
        (29.9, "299/10"),
        (0.5, "1/2"),
    ],
)
def test_a_rate_is_the_one_meant(given, exact):
    assert str(exact_rate(given)) == exact


@pytest.mark.parametrize("frame", [np.zeros((SIZE, SIZE + 2, 3), np.uint8), np.zeros((SIZE, SIZE, 3), np.float32)])
def test_a_frame_that_does_not_fit_is_one_line(tmp_path, frame):
    data, _, frames = episode(5, 0)
    given = f"frame 2 is {frame.dtype} {frame.shape}, it must be uint8 ({SIZE}, {SIZE}, 3)"
    with pytest.raises(UnderstudyError, match=re.escape(given)), open_writer(tmp_path) as writer:
        writer.add_episode(data, {IMAGE: iter([*frames[:2], frame, *frames[3:]])}, "task")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"action": np.full((5, 3), np.nan)}, "action: not finite in frame 0"),
        ({"action": np.full((5, 3), 1e39)}, "action: not finite in frame 0"),
        ({"action": np.zeros((5, 2))}, r"shape \(2,\)"),
        ({"action": np.zeros((4, 3))}, "one length"),
        ({"valid": np.zeros(5)}, "float64 values"),
        ({"other": np.zeros(5)}, "exactly the features"),
    ],
)
def test_data_that_does_not_fit_is_refused_and_leaves_nothing(tmp_path, change, message):
    data, videos, _ = episode(5, 0)
    with (
        pytest.raises(UnderstudyError, match=message),
        open_writer(tmp_path) as writer,
    ):
        writer.add_episode(data | change, videos, "task")
    assert list(tmp_path.iterdir()) == []


def test_a_video_of_another_length_is_refused(tmp_path):
    data, _, frames = episode(5, 0)
    with (
        pytest.raises(UnderstudyError, match="4 frames"),
        open_writer(tmp_path) as writer,
    ):
        writer.add_episode(data, {IMAGE: frames[:4]}, "task")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_refused_unless_it_is_a_data_set_to_replace(written, tmp_path):
    root, _ = written
    with pytest.raises(UnderstudyError, match="exists already"):
        EpisodeWriter(root, FPS, FEATURES, "robot")
    (tmp_path / "other").mkdir()
    with pytest.raises(UnderstudyError, match="is no data set"):
        EpisodeWriter(tmp_path / "other", FPS, FEATURES, "robot", replace=True)
    data, videos, _ = episode(2, 9)
    with EpisodeWriter(root, FPS, FEATURES, "robot", replace=True) as writer:
        writer.add_episode(data, videos, "again")
    assert json.loads((root / "meta/info.json").read_text())["total_frames"] == 2


def test_an_empty_data_set_is_refused(tmp_path):
    with (
        pytest.raises(UnderstudyError, match="at least one episode"),
        open_writer(tmp_path),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_features_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="even"):
        video(15, 16)
    with pytest.raises(ValueError, match="2 names for 3 numbers"):
        Feature("float32", (3,), ("x", "y"))
