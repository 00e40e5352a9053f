"""Bad input to `watch`: one clear line, exit code 2, and nothing half-written."""

import errno
import os
import re
import subprocess
from contextlib import contextmanager
from fractions import Fraction

import av
import numpy as np
import pytest

from understudy.commands import main
from understudy.perception.bundle import has_bundle
from understudy.perception.track_file import load_hand_track
from understudy.perception.video import open_video, read_frames, write_video
from understudy.simulation.tasks import TASKS

FPS = 10.0
needs_tracker = pytest.mark.skipif(not has_bundle(), reason="the hand model is not there: understudy doctor --fix")


def refused(capsys, arguments):
    """The one line that `understudy watch` ends with."""
    assert main(["watch", *map(str, arguments)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if "error" in line.lower()] == lines[-1:]  # before it: stages that were done
    assert lines[-1].startswith("understudy watch: error: ")
    return lines[-1]


def grey_video(path, num_frames, size=64):
    write_video(path, [np.full((size, size, 3), 90 + index, dtype=np.uint8) for index in range(num_frames)], FPS)
    return path


def text_file(folder):
    path = folder / "text.mp4"
    path.write_text("this is no video\n" * 100)
    return path


def sound_only(folder):
    path = folder / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        for index in range(8):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 8000, 1024 * index, Fraction(1, 8000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def enormous(folder):
    path = folder / "huge.mp4"
    path.write_bytes(b"YUV4MPEG2 W100000 H100000 F25:1 Ip C420\nFRAME\n" + bytes(1000))
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "missing.mp4", "missing.mp4: no such file"),
        (lambda folder: folder, "not a file"),
        (text_file, "text.mp4: not a readable video"),
        (sound_only, "no video stream"),
        (enormous, "huge.mp4: "),
    ],
)
def test_files_that_are_no_video(make, message, tmp_path, capsys):
    line = refused(capsys, [make(tmp_path), "--out", tmp_path / "out"])
    assert message in line
    assert not (tmp_path / "out").exists()


@needs_tracker
def test_a_video_that_is_cut_off(tmp_path, capsys):
    rng = np.random.default_rng(0)
    whole = tmp_path / "whole.mp4"
    write_video(whole, list(rng.integers(0, 255, (12, 64, 64, 3), dtype=np.uint8)), FPS)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: -whole.stat().st_size // 3])
    line = refused(capsys, [cut, "--out", tmp_path / "out"])
    assert "cut.mp4" in line
    assert re.search(r"--allow-partial|not a readable video", line)
    assert not (tmp_path / "out").exists()


@needs_tracker
@pytest.mark.parametrize(("num_frames", "message"), [(1, "at least 2"), (4, "no hand")])
def test_videos_without_a_motion_to_follow(num_frames, message, tmp_path, capsys):
    line = refused(capsys, [grey_video(tmp_path / "clip.mp4", num_frames), "--out", tmp_path / "out"])
    assert message in line
    assert not (tmp_path / "out").exists()


def test_an_unknown_robot_lists_the_known_ones(clip, tmp_path, capsys):
    line = refused(capsys, [clip[0], "--robot", "xarm7_xhnd", "--out", tmp_path / "out"])
    assert "did you mean 'xarm7_xhand'? valid: xarm7_allegro, xarm7_gripper, xarm7_xhand" in line
    assert not (tmp_path / "out").exists()


def test_an_unknown_task_lists_the_known_ones(clip, capsys):
    assert main(["perform", "--prompt", str(clip[0]), "--task", "juggle"]) == 2
    assert f"unknown task 'juggle': valid: {', '.join(sorted(TASKS))}" in capsys.readouterr().err


@pytest.mark.parametrize("below", ["/proc/understudy", "clip.mp4/out"])
def test_a_folder_that_cannot_be_written(below, clip, tmp_path, capsys):
    line = refused(capsys, [clip[0], "--tracker-file", clip[1], "--out", tmp_path / below])
    assert "cannot be written" in line
    assert below.removesuffix("/out") in line


def test_a_folder_with_other_things_in_it_is_left_alone(clip, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years of work")
    line = refused(capsys, [clip[0], "--tracker-file", clip[1], "--out", tmp_path / "mine"])
    assert "choose another folder" in line
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_camera_of_another_shape(clip, tmp_path, capsys):
    path = tmp_path / "K.json"
    path.write_text('{"width": 100, "height": 100, "K": [[90, 0, 49.5], [0, 90, 49.5], [0, 0, 1]]}')
    assert "another shape" in refused(capsys, [clip[0], "--intrinsics", path, "--out", tmp_path / "out"])
    assert "give one of them" in refused(capsys, [clip[0], "--intrinsics", path, "--fov", "50"])
    path.write_text('{"width": 100}')
    assert "not a camera file" in refused(capsys, [clip[0], "--intrinsics", path, "--out", tmp_path / "out"])


def test_a_track_of_another_video(clip, tmp_path, capsys):
    video = grey_video(tmp_path / "longer.mp4", 9)
    line = refused(capsys, [video, "--tracker-file", clip[1], "--out", tmp_path / "out"])
    assert "6 frames" in line
    assert "9" in line
    assert not (tmp_path / "out").exists()


def check_nothing_half_written(out):
    """Whatever has its final name is complete; nothing else is there."""
    names = {path.name for path in out.iterdir()} if out.exists() else set()
    assert not [name for name in names if name.endswith((".part", ".partial"))]
    for name in names & {"overlay.mp4", "robot.mp4", "side_by_side.mp4"}:
        assert sum(1 for _ in read_frames(open_video(out / name))) == 6
    if "hand_track.npz" in names:
        assert load_hand_track(out / "hand_track.npz").num_frames == 6
    assert not names & {"report.json", "report.html"}


@pytest.mark.parametrize(
    "write",
    [
        "understudy.perception.track_file.np.savez_compressed",
        "understudy.episodes.trajectory_file.np.savez_compressed",
        "understudy.perception.video_writer.av.open",
        "understudy.episodes.writer.pq.ParquetWriter.write_table",
        "understudy.evaluation.watch_page.write_text",
    ],
)
def test_a_full_disk_at_each_write(write, clip, tmp_path, capsys, monkeypatch):
    out, real_open = tmp_path / "out", av.open

    def full(*arguments, **options):
        if write.endswith("av.open") and arguments[1:] != ("w",):
            return real_open(*arguments, **options)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(write, full)
        line = refused(capsys, [clip[0], "--tracker-file", clip[1], "--out", out])
    assert re.search(rf"{out}: no space left: this video needs about \d+ MiB there, \d+ MiB are free", line)
    check_nothing_half_written(out)
    assert main(["watch", str(clip[0]), "--tracker-file", str(clip[1]), "--out", str(out)]) == 0


@contextmanager
def small_disk(folder, kilobytes):
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("this user cannot mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("kilobytes", [8, 64, 120])
def test_a_disk_that_really_fills_up(kilobytes, clip, tmp_path, capsys):
    with small_disk(tmp_path / "small", kilobytes) as disk:
        line = refused(capsys, [clip[0], "--tracker-file", clip[1], "--out", disk / "out"])
        assert "no space left" in line
        check_nothing_half_written(disk / "out")
