"""`understudy perform` prompted with videos of real people, as they come from a camera."""

import json
import os
from pathlib import Path

import pytest
from tests.methods.video_prompt.debug_policy import ROBOT, write_debug_policy

from understudy.commands import main
from understudy.evaluation import perform as perform_module
from understudy.evaluation.judge import Judge
from understudy.perception.bundle import has_bundle
from understudy.perception.video import open_video
from understudy.simulation.tabletop import Tabletop

pytestmark = [
    pytest.mark.skipif("UNDERSTUDY_DATA" not in os.environ, reason="UNDERSTUDY_DATA is not set: no filmed people"),
    pytest.mark.skipif(not has_bundle(), reason="the hand model is not there: understudy doctor --fix"),
]


@pytest.mark.parametrize(
    ("name", "num_frames", "seconds"), [("hand_gestures.mp4", 621, 20.67), ("toy_coffee_machine.mp4", 203, 20.2)]
)
def test_a_filmed_person_is_a_prompt(name, num_frames, seconds, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Tabletop, "max_steps", 2)
    monkeypatch.setattr(Judge, "time_limit_s", 0.2)
    monkeypatch.setattr(perform_module, "_VIDEO_SIZE", 16)
    words = ["--prompt", str(Path(os.environ["UNDERSTUDY_DATA"]) / "human_video" / name), "--imagine", "--trim"]
    words += ["--policy", str(write_debug_policy(tmp_path)), "--robot", ROBOT, "--task", "press_button"]
    assert main(["perform", *words, "--seed", "1000000", "--out", str(tmp_path / "out")]) == 0
    seen = json.loads((tmp_path / "out" / "report.json").read_text())["seen_in_prompt"]
    source = open_video(Path(words[1]))
    assert source.num_frames == num_frames
    assert seen["seconds"] <= seconds + 0.1
    assert seen["moves_s"] == pytest.approx([0, seen["seconds"]], abs=0.3)  # nothing is left to be cut off
    assert seen["looked_at"] == 4
    assert seen["hand_frames"] >= 2
    film = open_video(tmp_path / "out" / "film.mp4")
    assert (film.width, film.height) == (3 * 256 + 2 * 4, 256)
