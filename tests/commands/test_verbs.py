"""The small verbs: list, doctor, show, record-human."""

import json

import pytest
from PIL import Image

from understudy.commands import machine, main
from understudy.commands.machine import Finding
from understudy.embodiments import EMBODIMENTS
from understudy.episodes.camera_file import read_camera
from understudy.evaluation.suites import SUITES
from understudy.perception.track_file import load_hand_track
from understudy.perception.video import open_video
from understudy.simulation.tasks import TASKS


def test_list_names_everything_once(capsys):
    assert main(["list"]) == 0
    words = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert {*EMBODIMENTS, *TASKS, "kinematic", *SUITES} == set(words)
    assert len(words) == len(set(words))


def test_list_of_one_kind(capsys):
    assert main(["list", "tasks"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["tasks:", *TASKS]


def test_doctor_finds_this_machine_able_to_render(capsys):
    main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if "Python" in line or "rendering" in line] == ["ok", "ok"]


def test_doctor_names_the_exact_line(monkeypatch, capsys):
    broken = Finding("system libraries", False, "no libEGL.so.1", "apt-get install -y --no-install-recommends libegl1")
    monkeypatch.setattr(machine, "CHECKS", (lambda: broken, lambda: Finding("GPU", True, "none")))
    assert main(["doctor"]) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith("missing system libraries")
    assert "mend it with: apt-get install -y --no-install-recommends libegl1" in captured.err


def test_missing_libraries_become_packages(monkeypatch):
    def absent(name):
        if name in ("libEGL.so.1", "libGLESv2.so.2"):
            raise OSError(name)

    monkeypatch.setattr(machine.ctypes, "CDLL", absent)
    finding = next(check for check in machine.CHECKS if check.__name__ == "_libraries")()
    assert not finding.ok
    assert finding.detail == "no libEGL.so.1, libGLESv2.so.2"
    line = "apt-get install -y --no-install-recommends libegl1 libgl1-mesa-dri libopengl0 libgles2 libgl1 libglib2.0-0"
    assert finding.remedy.endswith(line)


def test_a_renderer_that_dies_is_a_finding(monkeypatch):
    monkeypatch.setattr(machine, "_RENDER", "import os; os.abort()")
    finding = next(check for check in machine.CHECKS if check.__name__ == "_rendering")()
    assert not finding.ok
    assert "libgl1-mesa-dri" in finding.remedy


@pytest.mark.parametrize("name", ["xarm7_gripper", "human_hand", "push"])
def test_show_renders_bodies_and_tasks(name, tmp_path):
    assert main(["show", name, "--out", str(tmp_path / "deep" / "picture.png")]) == 0
    with Image.open(tmp_path / "deep" / "picture.png") as picture:
        low, high = picture.convert("L").getextrema()
    assert high - low > 50


def test_show_of_an_unknown_name(capsys):
    assert main(["show", "xarm7_gripped"]) == 2
    assert "did you mean 'xarm7_gripper'?" in capsys.readouterr().err


def test_record_human_writes_a_clip_with_its_truth(tmp_path, capsys):
    clip = tmp_path / "clip.mp4"
    assert (
        main(["record-human", "--task", "push", "--seed", "1", "--size", "64", "--fps", "5", "--out", str(clip)]) == 0
    )
    assert str(clip) in capsys.readouterr().out
    track = load_hand_track(tmp_path / "clip.truth.npz")
    assert track.source == "truth"
    assert open_video(clip).num_frames == track.num_frames
    camera = read_camera(tmp_path / "clip.truth.json")
    assert camera.width == 64
    assert camera.T_world_camera is not None
    assert json.loads((tmp_path / "clip.truth.json").read_text())["task"] == "push"


def test_record_human_of_an_unknown_task(tmp_path, capsys):
    assert main(["record-human", "--task", "pushh", "--out", str(tmp_path / "clip.mp4")]) == 2
    assert f"did you mean 'push'? valid: {', '.join(sorted(TASKS))}" in capsys.readouterr().err
