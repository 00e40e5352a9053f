"""The demo of a trained policy, with one of new weights: six cases, honestly told."""

import json
import shutil

import pytest
from tests.methods.video_prompt.debug_policy import write_debug_policy

from understudy.commands import main
from understudy.errors import UnderstudyError
from understudy.evaluation import prompted_demo
from understudy.evaluation.judge import Judge
from understudy.evaluation.prompted_demo import Case, make_prompted_demo
from understudy.perception.video import open_video
from understudy.simulation.tabletop import Tabletop

SEED, TASK = 1_000_000, "press_button"


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """One layout, rollouts of a few steps."""
    monkeypatch.setattr(Tabletop, "max_steps", 4)
    monkeypatch.setattr(Judge, "time_limit_s", 0.4)
    monkeypatch.setattr(prompted_demo, "_SHOWN_FRAMES", 3)


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    return write_debug_policy(tmp_path_factory.mktemp("policy"))


def test_two_videos_in_one_layout_side_by_side_with_what_was_imagined(policy, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(prompted_demo, "LAYOUTS", (TASK,))
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "holiday.mp4").write_bytes(b"mine")
    assert main(["demo", "--policy", str(policy), "--out", str(tmp_path), "--first-seed", str(SEED)]) == 0
    assert str(tmp_path / "index.html") in capsys.readouterr().out
    right, wrong = json.loads((tmp_path / "cases.json").read_text())
    assert (right["prompt"], right["shown"]) == ("right", right["label"])
    assert wrong["prompt"] == "wrong"
    assert wrong["shown"] != wrong["label"] == right["label"]
    assert not right["done"]
    assert right["failure"]
    assert 0 <= right["familiarity"] <= 1
    page = (tmp_path / "index.html").read_text()
    assert "did what the video shows in 0 of 2 cases" in page
    assert right["failure"] in page
    assert f"--first-seed {SEED}" in page
    assert page.count("<video") == 2
    for prompt in ("right", "wrong"):
        folder = tmp_path / f"{TASK}-{prompt}"
        film, rollout = (open_video(folder / f"{name}.mp4") for name in ("film", "rollout"))
        assert (film.width, film.num_frames) == (3 * 256 + 2 * 4, rollout.num_frames)
        assert open_video(folder / "imagined.mp4").num_frames == 4
        assert open_video(folder / "prompt.mp4").num_frames == 3
    assert [path.name for path in (tmp_path / "clips").iterdir()] == ["holiday.mp4"], "a user's folder is left alone"


def test_the_page_counts_and_names_what_failed():
    def case(**changes):
        usual = {"task": TASK, "seed": SEED, "prompt": "right", "label": "press <it>", "shown": "press <it>"}
        usual |= {"done": True, "labelled_done": True, "failure": "", "familiarity": None, "seconds": 2.0}
        return Case(**usual | changes)

    wrong = case(prompt="wrong", shown="push it", done=False, failure="not_pushed")
    said = prompted_demo.result_of(wrong)
    assert "not_pushed" in said
    assert "the robot did what the first video shows (press &lt;it&gt;)" in said
    assert "did not do what the first" in prompted_demo.result_of(case(prompt="wrong", labelled_done=False))
    assert "first video" not in prompted_demo.result_of(case())


def test_policies_that_watch_no_videos_are_refused(policy, tmp_path, monkeypatch, capsys):
    with pytest.raises(UnderstudyError, match="kinematic: learns nothing"):
        make_prompted_demo(tmp_path / "out", "kinematic")
    own = shutil.copytree(policy.parent, tmp_path / "own") / "policy"
    (own / "model.safetensors").unlink()
    assert main(["demo", "--policy", str(own), "--out", str(tmp_path / "out")]) == 2
    assert "model.safetensors: No such file" in capsys.readouterr().err
    monkeypatch.setattr("understudy.methods.video_prompt.policy.VideoPromptPolicy.prompt_kind", "label")
    with pytest.raises(UnderstudyError, match="is told in words"):
        make_prompted_demo(tmp_path / "out", str(policy))
    assert not (tmp_path / "out").exists()
