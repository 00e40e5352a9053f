"""`understudy watch` on a hand that was filmed, hand tracker included."""

import json
import os
from pathlib import Path

import pytest

from understudy.commands import main
from understudy.perception.bundle import has_bundle
from understudy.perception.video import open_video, read_frames, write_video

NUM_FRAMES = 20
FPS = 30.0

pytestmark = [
    pytest.mark.skipif("UNDERSTUDY_DATA" not in os.environ, reason="UNDERSTUDY_DATA is not set: no filmed hand"),
    pytest.mark.skipif(not has_bundle(), reason="the hand model is not there: understudy doctor --fix"),
]


@pytest.fixture
def filmed(tmp_path):
    source = open_video(Path(os.environ["UNDERSTUDY_DATA"]) / "human_video" / "hand_gestures.mp4")
    frames = [image[::2, ::2] for (_, image), _ in zip(read_frames(source), range(NUM_FRAMES), strict=False)]
    write_video(tmp_path / "hand.mp4", frames, FPS)
    return tmp_path / "hand.mp4"


def test_a_filmed_hand_moves_a_robot_hand(filmed, tmp_path):
    assert main(["watch", str(filmed), "--robot", "xarm7_allegro", "--out", str(tmp_path / "out")]) == 0
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["tracking"]["handedness"] == "right"
    assert report["tracking"]["frames_solved"] == NUM_FRAMES
    assert 0.2 < report["tracking"]["distance_m_p50"] < 1.0
    assert report["retargeting"]["frames_solved"] >= NUM_FRAMES - 2
    assert report["retargeting"]["fingertip_error_m_mean"] < 0.03
    assert any("field of view" in note and "is assumed" in note for note in report["notes"])


def test_asking_for_the_left_hand_says_which_one_is_there(filmed, tmp_path, capsys):
    assert main(["watch", str(filmed), "--hand", "left", "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "left" in error
    assert "right" in error
    assert not (tmp_path / "out").exists()
