"""One rollout by command: the prompt is a clip, words or nothing, as the policy takes it."""

import json

import pytest

from understudy.errors import UnderstudyError
from understudy.evaluation import perform as perform_module
from understudy.evaluation.perform import perform
from understudy.perception.video import open_video

TASK, ROBOT, SEED = "press_button", "xarm7_gripper", 1_000_000


@pytest.fixture(autouse=True)
def fakes(named_fakes, monkeypatch):
    """Policies by name, small films."""
    monkeypatch.setattr(perform_module, "_VIDEO_SIZE", 16)


def test_words_are_given_as_they_are(tmp_path):
    report = perform("press a button", TASK, SEED, ROBOT, "by_heart", tmp_path)
    assert report["success"]
    assert report == json.loads((tmp_path / "report.json").read_text())
    assert open_video(tmp_path / "rollout.mp4").num_frames >= report["seconds"] * 10


def test_no_words_are_no_prompt(tmp_path):
    report = perform("", TASK, SEED, ROBOT, "by_heart", tmp_path)
    assert (report["success"], report["failure"]) == (False, "not_approached")


def test_a_clip_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UnderstudyError, match="nowhere"):
        perform(str(tmp_path / "nowhere.mp4"), TASK, SEED, ROBOT, "still", tmp_path / "out")
    assert not (tmp_path / "out").exists()
