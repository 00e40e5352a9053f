"""Every way a data set can be broken is told in one line that names file and field; a sound one gives none."""

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from understudy.episodes.validator import find_disagreements, find_problems
from understudy.episodes.writer import EpisodeWriter

INFO, STATS, TASKS = "meta/info.json", "meta/stats.json", "meta/tasks.parquet"
EPISODES, DATA = "meta/episodes/chunk-000/file-000.parquet", "data/chunk-000/file-000.parquet"
VIDEO = "videos/observation.images.front/chunk-000/file-000.mp4"
COUNT = 3


@pytest.fixture
def root(tmp_path, sample):
    return sample.write(tmp_path / "data", COUNT)


def test_a_sound_data_set_has_none(root):
    assert find_problems(root) == []


def in_json(*path_and_value):
    *path, last, value = path_and_value

    def change(file):
        content = json.loads(file.read_text())
        place = content
        for key in path:
            place = place[key]
        if value is None:
            del place[last]
        else:
            place[last] = value
        file.write_text(json.dumps(content))

    return change


def in_column(name, row, value):
    def change(file):
        table = pq.read_table(file)
        values = table[name].to_pylist()
        values[row] = value
        index = table.schema.get_field_index(name)
        table = table.set_column(index, table.schema.field(index), pa.array(values, table.schema.field(index).type))
        pq.write_table(table, file)

    return change


def without_column(name):
    return lambda file: pq.write_table(pq.read_table(file).drop_columns([name]), file)


def without_last_row(file):
    table = pq.read_table(file)
    pq.write_table(table.slice(0, table.num_rows - 1), file)


def cut(file):
    file.write_bytes(file.read_bytes()[:-40])


def halve(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 0x10
    file.write_bytes(content)


def copy_beside(file):
    file.with_stem("file-007").write_bytes(file.read_bytes())


BROKEN = [
    (INFO, in_json("codebase_version", "v2.1"), INFO, "codebase_version", "only 'v3.0' is read"),
    (INFO, in_json("fps", None), INFO, "fps", "is missing"),
    (INFO, in_json("fps", 5), DATA, "timestamp", "in row 1"),
    (INFO, in_json("total_episodes", 7), INFO, "total_episodes", "is 7, the episodes table has 3 rows"),
    (INFO, in_json("total_frames", 7), INFO, "total_frames", "is 7, .* make 12"),
    (INFO, in_json("total_tasks", 7), INFO, "total_tasks", "is 7"),
    (INFO, in_json("splits", "train", "0:9"), INFO, "splits.train", "within 0:3"),
    (INFO, in_json("splits", "test", "2:3"), INFO, "splits.test", "overlaps with train"),
    (INFO, in_json("data_path", "data/{chunk}.parquet"), INFO, "data_path", "may hold"),
    (INFO, in_json("chunks_size", 0), INFO, "chunks_size", "must be positive"),
    (INFO, in_json("features", "action", "mask", "good"), INFO, "features.action.mask", "good is no feature"),
    (INFO, in_json("features", "index", None), INFO, "features.index", "every LeRobot data set has it"),
    (INFO, in_json("features", "action", "shape", [2]), DATA, "action", r"\[3\]; .* says float32 \[2\]"),
    (INFO, in_json("features", "action", "shape", []), INFO, "features.action", "index out of range"),
    (INFO, in_json("features", "valid", "dtype", "int64"), DATA, "valid", "is bool; .* says int64"),
    (INFO, cut, INFO, "", "damaged or no JSON"),
    (STATS, Path.unlink, STATS, "", "no such file: the statistics are missing"),
    (STATS, in_json("action", None), STATS, "action", "are missing"),
    (STATS, in_json("action", "std", None), STATS, "action.std", "is missing"),
    (STATS, in_json("action", "mean", [0, 0, 0]), STATS, "action.mean", "is 0 for number 0, the data has"),
    (STATS, in_json("action", "q10", [9, 9, 9]), STATS, "action.q10", "is above q50"),
    (STATS, in_json("action", "min", [float("nan")] * 3), STATS, "action.min", "is not finite"),
    (STATS, in_json("action", "max", [1.0]), STATS, "action.max", r"has the shape \[1\], not \[3\]"),
    (STATS, in_json("observation.images.front", "mean", [[[0.5]]] * 3), STATS, "observation.images.front.mean", "fit"),
    (TASKS, in_column("task_index", 1, 5), TASKS, "task_index", "must be 0 to 1"),
    (TASKS, in_column("task", 1, "other"), "meta/episodes", "tasks", "'task 1' of episode 1"),
    (EPISODES, in_column("episode_index", 1, 2), "meta/episodes", "episode_index", "must be 0 to 2"),
    (EPISODES, in_column("length", 1, 4), "meta/episodes", "dataset_from_index", "in episode 2: 8, not 9"),
    (EPISODES, in_column("dataset_to_index", 2, 99), "meta/episodes", "dataset_to_index", "episode 2: 99, not 12"),
    (EPISODES, without_column("length"), EPISODES, "length", "the column is missing"),
    (EPISODES, cut, EPISODES, "", "damaged"),
    (
        EPISODES,
        in_column("videos/observation.images.front/from_timestamp", 1, 0.0),
        "meta/episodes",
        "videos/observation.images.front/to_timestamp",
        "in episode 1",
    ),
    (DATA, in_column("timestamp", 6, 0.3), DATA, "timestamp", r"is 0.3 in row 6, it must be 0.1 \(1 rows\)"),
    (DATA, in_column("index", 6, 0), DATA, "index", "is 0 in row 6, it must be 6"),
    (DATA, in_column("episode_index", 6, 0), DATA, "episode_index", "is 0 in row 6, it must be 1"),
    (DATA, in_column("frame_index", 6, 0), DATA, "frame_index", "is 0 in row 6, it must be 1"),
    (DATA, in_column("task_index", 6, 0), DATA, "task_index", "one of the episode's tasks"),
    (DATA, in_column("action", 6, [0.0, np.nan, 0.0]), DATA, "action", "is not finite in row 6"),
    (DATA, in_column("action", 6, None), DATA, "action", "with gaps"),
    (DATA, in_column("action", 7, [9.0, 9.0, 9.0]), STATS, "action.min|action.max|action.mean", "the data has"),
    (DATA, without_column("action"), DATA, "action", "the column is missing"),
    (DATA, without_last_row, DATA, "", "has 11 rows, its episodes have 12 frames"),
    (DATA, flip, DATA, "", "damaged"),
    (DATA, Path.unlink, DATA, "", "no such file"),
    (DATA, copy_beside, "data/chunk-000/file-007.parquet", "", "belongs to no episode"),
    (VIDEO, cut, VIDEO, "observation.images.front", "is cut: a part that begins at byte"),
    (VIDEO, halve, VIDEO, "observation.images.front", "damaged or no video"),
    (VIDEO, flip, VIDEO, "observation.images.front", "the frames of episode . are damaged: their checksum"),
    (VIDEO, Path.unlink, VIDEO, "observation.images.front", "no such file"),
    (VIDEO, copy_beside, VIDEO.replace("000.mp4", "007.mp4"), "observation.images.front", "belongs to no episode"),
]


@pytest.mark.parametrize(("file", "damage", "told_file", "field", "message"), BROKEN)
def test_what_is_broken_is_named(root, file, damage, told_file, field, message):
    damage(root / file)
    problems = find_problems(root)
    fitting = [p for p in problems if p.file == root / told_file and p.field in field.split("|")]
    assert fitting, [str(problem) for problem in problems]
    assert re.search(message, fitting[0].message), fitting[0].message
    assert all("\n" not in str(problem) for problem in problems)


def test_damaged_statistics_are_not_told_of_the_histograms(root):
    in_json("observation.images.front", "mean", "grey")(root / STATS)
    assert [(problem.file, problem.field) for problem in find_problems(root)] == [(root / STATS, "")]
    (root / STATS).write_text("{")
    assert [(problem.file, problem.field) for problem in find_problems(root)] == [(root / STATS, "")]


def other_video(root, tmp_path, sample, frames_of):
    """Put the video of another data set, with frames changed, in the place of the first one's."""
    data = {index: sample.episode(index) for index in range(COUNT)}
    with EpisodeWriter(tmp_path / "other", sample.FPS, sample.FEATURES, "robot") as writer:
        for values, frames in data.values():
            values, frames = frames_of(values, frames)
            writer.add_episode(values, {sample.IMAGE: frames}, "task")
    (tmp_path / "other" / VIDEO).replace(root / VIDEO)
    return [problem for problem in find_problems(root) if problem.file == root / VIDEO]


def test_other_pictures_are_seen(root, tmp_path, sample):
    problems = other_video(root, tmp_path, sample, lambda values, frames: (values, 255 - frames))
    assert any("other pictures" in problem.message for problem in problems)  # means tell, where there is no checksum
    assert sum("checksum" in problem.message for problem in problems) == COUNT


def test_a_video_with_too_few_frames_is_seen(root, tmp_path, sample):
    *_, problem = other_video(
        root, tmp_path, sample, lambda values, frames: ({k: v[:2] for k, v in values.items()}, frames[:2])
    )
    assert "no frame at" in problem.message
    assert problem.field == "timestamp"


def test_nothing_is_a_data_set_without_its_info(tmp_path):
    (problem,) = find_problems(tmp_path)
    assert str(problem) == f"{tmp_path / INFO}: no such file: this is no LeRobot v3 data set"


def test_data_sets_that_do_not_fit_each_other(root, tmp_path, sample):
    assert find_disagreements([root, root]) == []
    features = sample.FEATURES | {"action": type(sample.FEATURES["action"])("float32", (3,), ("x", "z", "y"), "valid")}
    with EpisodeWriter(tmp_path / "other", 20, features, "robot") as writer:
        sample.add(writer, 0)
    found = find_disagreements([root, tmp_path / "other"])
    assert [problem.field for problem in found] == ["fps", "features.action.names"]
    assert found[0].message == f"is 20, {root} has 10"
    assert found[1].message == f"are the same in another order: number 1 is z, {root} has y"
    (missing,) = find_disagreements([root, root], ["observation.state"])
    assert (missing.field, missing.message) == ("features.observation.state", f"is not in {root}")
