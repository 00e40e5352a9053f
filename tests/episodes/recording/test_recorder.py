"""A recording from plan to data sets: paired, the same however it was interrupted, refused where another one lies."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest

from understudy.episodes.reader import EpisodeReader
from understudy.episodes.recording.plan import RecordingPlan
from understudy.episodes.recording.plan_file import PLAN_FILE
from understudy.episodes.recording.recorder import record
from understudy.episodes.writer import EpisodeWriter
from understudy.errors import UnderstudyError

PAIR = ("human_hand", "xarm7_gripper")
IMAGE = "observation.images.front"
PLAN = RecordingPlan(
    ("press_button",), PAIR, size=32, human_size=32, human_frames=4, track=False, points=False, disturb=0.15
)
COMPRESSION = 8.0
"""Mean difference of two encodings of the same image: converting colours rounds by where an image lies in memory."""
KILLED_AFTER_FIRST = """
import json, os, signal, sys
from pathlib import Path
from understudy.episodes.recording.plan import RecordingPlan
from understudy.episodes.recording.recorder import record

def advance(done):
    if done == 1:
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    plan = json.loads(sys.argv[1])
    plan = RecordingPlan(**plan | {"tasks": tuple(plan["tasks"]), "embodiments": tuple(plan["embodiments"])})
    record(plan, Path(sys.argv[2]), 2, processes=1, advance=advance)
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    out = tmp_path_factory.mktemp("recording") / "press"
    done = []
    report = record(PLAN, out, 2, processes=2, advance=done.append)
    return out, report, done


def contents(out):
    """Every number and image of every episode, and the statistics of the images before compression."""
    result = {}
    for name in PAIR:
        reader = EpisodeReader(out / name)
        for i in range(reader.num_episodes):
            values = {c: reader.column(c, i) for c, f in reader.features.items() if not f.is_video}
            drawn = reader.episode_statistics(IMAGE, i)
            told = {"metadata": reader.episode(i).metadata, **{f"drawn {key}": value for key, value in drawn.items()}}
            result[name, i] = values | told | {IMAGE: reader.frames(IMAGE, i)}
    return result


def test_pairs_share_task_layout_and_seed(recording):
    out, report, done = recording
    assert done == [0, 1, 2]
    assert (report.episodes, report.new_episodes, report.failures) == (2, 2, ())
    readers = [EpisodeReader(out / name) for name in PAIR]
    assert [reader.num_episodes for reader in readers] == [2, 2]
    assert report.new_frames == sum(reader.num_frames for reader in readers)
    assert list(readers[0].lengths) == [4, 4]
    for i in range(2):
        person, robot = (reader.episode(i) for reader in readers)
        assert person.task == robot.task == robot.metadata["label"]
        shared = ("task", "label", "seed", "slot", "split", "goal", "layout", "objects", "axis", "aligned", "success")
        assert all(person.metadata[name] == robot.metadata[name] for name in shared)
        assert robot.metadata["seed"] == i
        assert robot.metadata["split"] == "train"


def test_only_the_executed_action_is_disturbed(recording):
    reader = EpisodeReader(recording[0] / "xarm7_gripper")
    pushed = [reader.column("truth.executed", i) - reader.column("action", i) for i in range(2)]
    assert all(not rows[:, 3:].any() for rows in pushed)
    assert 0 < max(np.abs(rows[:, :3]).max() for rows in pushed) <= 0.035


def test_a_killed_recording_goes_on_as_if_nothing_had_been(recording, tmp_path):
    out, script = tmp_path / "press", tmp_path / "killed.py"
    script.write_text(KILLED_AFTER_FIRST)
    killed = subprocess.run([sys.executable, str(script), json.dumps(asdict(PLAN)), str(out)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [EpisodeReader(out / name).num_episodes for name in PAIR] == [1, 1]
    report = record(PLAN, out, 2, processes=1)
    assert (report.episodes, report.new_episodes) == (2, 1)
    whole, mended = contents(recording[0]), contents(out)
    assert whole.keys() == mended.keys()
    for key, values in whole.items():
        images, again = values.pop(IMAGE).astype(int), mended[key].pop(IMAGE).astype(int)
        assert all(np.array_equal(value, mended[key][name]) for name, value in values.items()), key
        assert images.shape == again.shape
        assert np.abs(images - again).mean() < COMPRESSION


def test_another_recording_in_the_same_folder_is_refused(recording):
    out = recording[0]
    before = sorted(path for path in out.rglob("*"))
    with pytest.raises(UnderstudyError, match=r"was recorded with disturb 0\.15, not 0\.0; size 32, not 48: choose"):
        record(replace(PLAN, size=48, disturb=0.0), out, 3)
    assert sorted(path for path in out.rglob("*")) == before


def test_nothing_is_recorded_where_something_else_lies(tmp_path):
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(UnderstudyError, match="is not empty and holds no recording"):
        record(PLAN, tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_damaged_plan_file_is_named(tmp_path):
    (tmp_path / PLAN_FILE).write_text("{")
    with pytest.raises(UnderstudyError, match=PLAN_FILE):
        record(PLAN, tmp_path, 1)


def test_what_is_there_is_not_made_again(recording):
    out = recording[0]
    stamps = {path: path.stat().st_mtime_ns for path in out.glob("*/data/**/*.parquet")}
    report = record(PLAN, out, 1)
    assert (report.episodes, report.new_episodes) == (2, 0)
    assert {path: path.stat().st_mtime_ns for path in out.glob("*/data/**/*.parquet")} == stamps


def test_no_process_outlives_an_error_of_a_writer(tmp_path, monkeypatch):
    def full(self, folder):
        raise UnderstudyError("cannot be written: No space left on device")

    monkeypatch.setattr(EpisodeWriter, "adopt", full)
    before = set(multiprocessing.active_children())
    with pytest.raises(UnderstudyError, match="No space left") as caught:
        record(PLAN, tmp_path / "out", 4, processes=1)
    assert set(multiprocessing.active_children()) == before
    assert caught.traceback  # it holds what `record` was at, and has not ended the processes
    assert not list((tmp_path / "out").glob(".*.writing"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UnderstudyError, match="cannot be written"):
        record(PLAN, tmp_path / "out", 1)
