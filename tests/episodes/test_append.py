"""Data sets that grow: every acknowledged episode is there at once and stays, whatever is killed when."""

import json
import multiprocessing
import os
import shutil
import signal
import sys
from dataclasses import replace
from itertools import chain

import numpy as np
import pyarrow.parquet as pq
import pytest

from understudy.episodes import whole_folder
from understudy.episodes.layout import Limits
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.staged_episode import stage_episode
from understudy.episodes.statistics import number_statistics
from understudy.episodes.validator import find_problems
from understudy.episodes.video_file import VideoFile
from understudy.episodes.writer import EpisodeWriter
from understudy.errors import UnderstudyError

TINY = Limits(data_mb=0.02, video_mb=0.004, files_per_chunk=2)
KILLS = 10
CHANGES = {"open", "os.link", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "ctypes.dlsym"}
"""Events of Python's audit that stand for a change of the disk."""


def open_append(root, sample, **options):
    return EpisodeWriter.append(root, sample.FPS, sample.FEATURES, "robot", **options)


def assert_sound(root, sample, count):
    assert find_problems(root) == []
    reader = EpisodeReader(root)
    assert reader.num_episodes == count
    for index in range(count):
        sample.check(reader, index)
    return reader


def test_an_episode_is_seen_when_it_is_acknowledged(tmp_path, sample):
    root = tmp_path / "data"
    writer = open_append(root, sample)
    for index in range(3):
        assert writer.num_episodes == index
        sample.add(writer, index)
        assert_sound(root, sample, index + 1)
    writer.abandon()
    assert_sound(root, sample, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_resumed_data_set_is_the_one_written_in_one_go(tmp_path, sample):
    grown, whole = tmp_path / "grown", sample.write(tmp_path / "whole", 6)
    for first in (0, 2, 4):
        with open_append(grown, sample) as writer:
            assert writer.num_episodes == first
            sample.add(writer, first)
            sample.add(writer, first + 1)
    files = {path.relative_to(grown) for path in grown.rglob("*") if path.is_file()}
    assert files == {path.relative_to(whole) for path in whole.rglob("*") if path.is_file()}
    for name in ("info.json", "stats.json", "pixel_histograms.json"):
        one, other = (json.loads((root / "meta" / name).read_text()) for root in (grown, whole))
        assert one.keys() == other.keys()
        for key in one:
            if name == "stats.json":
                for statistic, value in one[key].items():
                    np.testing.assert_allclose(value, other[key][statistic], atol=1e-12)
            else:
                assert one[key] == other[key]
    for path in ("data/chunk-000/file-000.parquet", "meta/tasks.parquet", "meta/episodes/chunk-000/file-000.parquet"):
        assert pq.read_table(grown / path).equals(pq.read_table(whole / path)), path
    assert_sound(grown, sample, 6)


def test_statistics_are_exact_after_every_episode(tmp_path, sample):
    writer, rows = open_append(tmp_path / "data", sample), []
    for index in range(4):
        sample.add(writer, index)
        data, _ = sample.episode(index)
        rows.append(data["action"][data["valid"]].astype(np.float32))
        found = EpisodeReader(tmp_path / "data").statistics["action"]
        for key, value in number_statistics(np.concatenate(rows)).items():
            np.testing.assert_allclose(found[key], value, atol=1e-12, err_msg=key)
    writer.abandon()


def test_files_roll_over_at_their_limits(tmp_path, sample):
    root = tmp_path / "data"
    with open_append(root, sample, limits=TINY) as writer:
        for index in range(12):
            sample.add(writer, index)
    info = json.loads((root / "meta/info.json").read_text())
    assert (info["data_files_size_in_mb"], info["video_files_size_in_mb"], info["chunks_size"]) == (0.02, 0.004, 2)
    for kind, limit_mb in (("data", TINY.data_mb), (f"videos/{sample.IMAGE}", TINY.video_mb)):
        files = sorted((root / kind).rglob("*.*"))
        assert len(files) > 2
        assert {path.parent.name for path in files} == {f"chunk-{i:03d}" for i in range((len(files) + 1) // 2)}
        assert {path.stem for path in files} == {"file-000", "file-001"}
        assert all(path.stat().st_size <= limit_mb * 2**20 for path in files)
    # LeRobot reads data files in the order of their names and takes them to be in the order of `index`.
    tables = [pq.read_table(path)["index"].to_pylist() for path in sorted((root / "data").rglob("*.parquet"))]
    assert list(chain(*tables)) == list(range(sum(sample.length_of(i) for i in range(12))))
    assert_sound(root, sample, 12)


def test_where_nothing_is_to_be_joined_nothing_is_written(tmp_path, sample):
    root = sample.write(tmp_path / "data", 3)
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in root.rglob("*") if path.is_file()}
    open_append(root, sample).finalize()
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in root.rglob("*") if path.is_file()} == before


def test_joined_videos_keep_every_frame_and_time(tmp_path, sample):
    root = tmp_path / "data"
    with open_append(root, sample) as writer:
        for index in range(7):
            sample.add(writer, index)
        before = [EpisodeReader(root).frames(sample.IMAGE, index) for index in range(7)]
    (path,) = (root / "videos").rglob("*.mp4")
    total = sum(len(frames) for frames in before)
    np.testing.assert_allclose(VideoFile(path).times_s, np.arange(total) / sample.FPS, atol=1e-9)
    after = assert_sound(root, sample, 7)
    for index, frames in enumerate(before):
        np.testing.assert_array_equal(after.frames(sample.IMAGE, index), frames)  # not encoded a second time


def stage(folder, sample, index):
    data, frames = sample.episode(index)
    task, about = f"task {index % 2}", {"index": index}
    stage_episode(folder, sample.FPS, sample.FEATURES, data, {sample.IMAGE: frames}, task, about)


def test_episodes_of_other_processes_are_taken_over(tmp_path, sample):
    with open_append(tmp_path / "data", sample) as writer:
        folders = [writer.staging_folder / f"worker-{index}" for index in range(3)]
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=stage, args=(f, sample, i)) for i, f in enumerate(folders)]
        for worker in workers:
            worker.start()
        for worker, folder in zip(workers, folders, strict=True):
            worker.join()
            writer.adopt(folder)
            assert not folder.exists()
    assert_sound(tmp_path / "data", sample, 3)


def test_a_staged_episode_of_another_data_set_is_refused_and_left(tmp_path, sample):
    stage(tmp_path / "staged", sample, 0)
    with EpisodeWriter.append(tmp_path / "data", 20, sample.FEATURES, "robot") as writer:
        with pytest.raises(UnderstudyError, match="fps is 10, the data set has 20"):
            writer.adopt(tmp_path / "staged")
        assert (tmp_path / "staged/episode.json").exists()
        sample.add(writer, 0)  # the writer is none the worse
    with pytest.raises(UnderstudyError, match="no staged episode"), open_append(tmp_path / "other", sample) as writer:
        writer.adopt(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("fps", "robot", "change", "message"),
    [
        (20, "robot", {}, "fps: is 10, the new episodes have 20"),
        (10, "other", {}, "robot_type: is 'robot', the new episodes have 'other'"),
        (10, "robot", {"names": ("y", "x", "z")}, r"features.action: is float32 \[3\] \(x, y, z\) .* \(y, x, z\)"),
        (10, "robot", {"mask": None}, "features.action: is .* with mask valid, the new episodes have"),
    ],
)
def test_what_does_not_fit_is_not_added(tmp_path, sample, fps, robot, change, message):
    root = sample.write(tmp_path / "data", 2)
    features = {**sample.FEATURES, "action": replace(sample.FEATURES["action"], **change)}
    with pytest.raises(UnderstudyError, match=message):
        EpisodeWriter.append(root, fps, features, robot)
    assert_sound(root, sample, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_folder_that_is_no_data_set_is_left_alone(tmp_path, sample):
    (tmp_path / "data").mkdir()
    with pytest.raises(UnderstudyError, match="exists and is no data set"):
        open_append(tmp_path / "data", sample)
    assert list((tmp_path / "data").iterdir()) == []


def in_fork(work):
    """Exit status of `work` in a process forked off this one."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def test_one_process_owns_a_data_set(tmp_path, sample):
    root = tmp_path / "data"
    with open_append(root, sample) as writer:
        sample.add(writer, 0)
        with pytest.raises(UnderstudyError, match="is being written by this process already"):
            open_append(root, sample)

        def try_to_own():
            whole_folder._OWNED.clear()  # as in a process that was not forked off the owner
            with pytest.raises(UnderstudyError, match="is being written by another process"):
                open_append(root, sample)

        assert in_fork(try_to_own) == 0
        sample.add(writer, 1)
    assert_sound(root, sample, 2)


def test_an_error_in_the_middle_of_a_change_leaves_what_was_acknowledged(tmp_path, sample, monkeypatch):
    root = tmp_path / "data"
    with open_append(root, sample) as writer:
        sample.add(writer, 0)
        with monkeypatch.context() as patch:
            patch.setattr(whole_folder.WholeFolder, "commit", lambda self: no_space())
            with pytest.raises(UnderstudyError, match="cannot be written: No space left"):
                sample.add(writer, 1)
        with pytest.raises(UnderstudyError, match="writing has failed before"):
            sample.add(writer, 1)
        writer.abandon()
    assert_sound(root, sample, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def no_space():
    raise OSError(28, "No space left on device")


def test_where_folders_cannot_be_exchanged_two_renames_do_it(tmp_path, sample, monkeypatch):
    root = tmp_path / "data"
    monkeypatch.setattr(whole_folder, "_exchanged", lambda a, b: False)
    with open_append(root, sample) as writer:
        for index in range(3):
            sample.add(writer, index)
    assert_sound(root, sample, 3)
    # Killed between the two: the old folder lies aside, and the next owner puts it back.
    (tmp_path / ".data.writing").mkdir()
    root.rename(tmp_path / ".data.writing/old")
    with open_append(root, sample) as writer:
        assert writer.num_episodes == 3
    assert_sound(root, sample, 3)


def test_a_link_inside_is_not_followed(tmp_path, sample):
    root = sample.write(tmp_path / "data", 1)
    (root / "extra").symlink_to(tmp_path)
    with pytest.raises(UnderstudyError, match="extra: is a link"), open_append(root, sample) as writer:
        sample.add(writer, 1)


def grow(root, sample, acknowledge, kill_at):
    """Add an episode, tell that it is acknowledged, finalize; SIGKILL at the n-th change of the disk. Forked only."""
    seen = 0

    def count(event, _):
        nonlocal seen
        if event in CHANGES:
            seen += 1
            if seen == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    writer = open_append(root, sample)
    sample.add(writer, 2)
    os.write(acknowledge, b"a")
    writer.finalize()
    os.write(acknowledge, seen.to_bytes(2, "little"))


def killed(root, sample, kill_at):
    """What the process has told before it was killed."""
    reading, writing = os.pipe()
    status = in_fork(lambda: grow(root, sample, writing, kill_at))
    os.close(writing)
    told = os.read(reading, 16)
    os.close(reading)
    assert os.WIFEXITED(status) == (kill_at == 0), status
    return told


def test_a_kill_at_any_step_leaves_every_acknowledged_episode(tmp_path, sample):
    base = tmp_path / "base"
    with open_append(base, sample) as writer:
        sample.add(writer, 0)
        sample.add(writer, 1)
    shutil.copytree(base, tmp_path / "whole")
    num_steps = int.from_bytes(killed(tmp_path / "whole", sample, 0)[1:], "little")
    assert num_steps > KILLS
    acknowledged = set()
    for kill_at in np.linspace(1, num_steps, KILLS).astype(int):
        root = tmp_path / f"kill-{kill_at}"
        shutil.copytree(base, root)
        told = len(killed(root, sample, int(kill_at)))
        acknowledged.add(told)
        count = EpisodeReader(root).num_episodes
        assert 2 + told <= count <= 3, f"step {kill_at} of {num_steps}"
        assert_sound(root, sample, count)
        with open_append(root, sample) as writer:  # it goes on, and clears up
            sample.add(writer, count)
        assert_sound(root, sample, count + 1)
        assert not (tmp_path / f".{root.name}.writing").exists()
    assert acknowledged == {0, 1}  # kills before and after
