"""Metadata of other types than ours: reader, validator and checks answer in one line, never with a traceback."""

import json
from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from understudy.episodes.check.examine import examine
from understudy.episodes.reader import EpisodeReader
from understudy.errors import UnderstudyError

INFO, STATS, PIXELS = "meta/info.json", "meta/stats.json", "meta/pixel_histograms.json"
EPISODES, TASKS = "meta/episodes/chunk-000/file-000.parquet", "meta/tasks.parquet"
IMAGE = "observation.images.front"


def in_json(*path_and_value):
    *path, last, value = path_and_value

    def change(file):
        content = json.loads(file.read_text())
        place = content
        for key in path:
            place = place[key]
        place[last] = value
        file.write_text(json.dumps(content))

    return change


def column(name, value):
    def change(file):
        table = pq.read_table(file)
        values = pa.array([value] * table.num_rows)
        pq.write_table(table.set_column(table.column_names.index(name), name, values), file)

    return change


FOREIGN = [
    (INFO, in_json("fps", "ten"), "fps"),
    (INFO, in_json("fps", 1e-9), "fps"),
    (INFO, in_json("total_frames", "12"), "total_frames"),
    (INFO, in_json("data_path", "{chunk_index.word}"), "data_path"),
    (INFO, in_json("data_path", "{chunk_index[0]}"), "data_path"),
    (INFO, in_json("splits", "train", [0, 3]), "splits.train"),
    (INFO, in_json("features", "action", "three"), "features.action"),
    (INFO, in_json("features", "action", "shape", [3.0]), "features.action"),
    (INFO, in_json("features", "action", "shape", "abc"), "features.action"),
    (INFO, in_json("features", "action", "names", 3), "features.action"),
    (INFO, in_json("features", "action", "mask", ["valid"]), "features.action"),
    (INFO, in_json("features", "action", "mask", "task_index"), "features.action.mask"),
    (INFO, in_json("features", "task_index", "dtype", "bool"), "features.task_index"),
    (STATS, in_json("action", "mean", "word"), ""),
    (STATS, in_json("action", 5), ""),
    (STATS, lambda file: file.write_text("[1]"), ""),
    (PIXELS, lambda file: file.write_text("[1]"), ""),
    (PIXELS, in_json(IMAGE, "counts", [[1]]), ""),
    (TASKS, column("task", ["word"]), "task"),
    (TASKS, column("task_index", "word"), "task_index"),
    (EPISODES, column("episode_index", [1]), "episode_index"),
    (EPISODES, column("length", "three"), "length"),
    (EPISODES, column("length", 3.5), "length"),
    (EPISODES, column("dataset_to_index", "three"), "dataset_to_index"),
    (EPISODES, column("tasks", 7), "tasks"),
    (EPISODES, column("tasks", []), "tasks"),
    (EPISODES, column("metadata", 7), "metadata"),
    (EPISODES, column("metadata", "[1]"), "metadata"),
    (EPISODES, column(f"crc32/{IMAGE}", "word"), IMAGE),
]


def read_everything(reader):
    for index in range(reader.num_episodes):
        yield lambda i=index: reader.episode(i)
        yield lambda i=index: reader.checksum(IMAGE, i)
        yield lambda i=index: reader.frames(IMAGE, i, [0])
        yield from (lambda i=index, n=n: reader.column(n, i) for n, f in reader.features.items() if not f.is_video)
    yield lambda: reader.statistics
    yield lambda: reader.splits


@pytest.mark.parametrize(("file", "change", "field"), FOREIGN)
def test_a_foreign_type_is_a_line_that_names_the_field(tmp_path, sample, file, change, field):
    root = sample.write(tmp_path / "data", 1)
    change(root / file)
    found = examine([root], decode=False)
    assert field in {finding.field for finding in found}, found
    assert all("\n" not in finding.message for finding in found)
    with suppress(UnderstudyError):  # any other error fails
        for ask in read_everything(EpisodeReader(root)):
            ask()


def test_statistics_of_images_that_another_program_keeps_otherwise_are_not_compared(tmp_path, sample):
    root = sample.write(tmp_path / "data", 1)
    column(f"stats/{IMAGE}/mean", "grey")(root / EPISODES)
    assert examine([root]) == []


def test_names_that_are_numbers_become_words(tmp_path, sample):
    root = sample.write(tmp_path / "data", 1)
    in_json("features", "action", "names", [0, 1, 2])(root / INFO)
    assert EpisodeReader(root).features["action"].names == ("0", "1", "2")
