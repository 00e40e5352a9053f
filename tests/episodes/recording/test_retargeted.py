"""Recorded people retargeted anew, without another look at their hands."""

import json
from dataclasses import replace

import numpy as np
import pytest

from understudy.commands import main
from understudy.embodiments import get_embodiment
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.recording import tracked
from understudy.episodes.recording.plan import PERSON, RecordingPlan
from understudy.episodes.recording.plan_file import PLAN_FILE, claim_folder
from understudy.episodes.recording.retargeted import retarget_recording
from understudy.episodes.recording.slot import features_of, fps_of, stage_slot
from understudy.episodes.statistics import number_statistics
from understudy.episodes.validator import find_problems
from understudy.episodes.writer import EpisodeWriter
from understudy.simulation.human import record_human

HAND, GRIPPER = "xarm7_xhand", "xarm7_gripper"
EPISODES, LOST, FPS, SIZE = 2, [0, 5], 8, 384


def write(root, plan):
    for who in plan.embodiments:
        with EpisodeWriter.append(root / who, fps_of(plan, who), features_of(plan, who), who) as writer:
            for slot in range(EPISODES):
                folders = {name: root / f"{who}-{name}-{slot}" for name in plan.embodiments}
                writer.adopt(stage_slot(plan, slot, folders).folders[who])


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """People who push, and what a hand would do for them; the tracker says the truth but for two frames."""
    root = tmp_path_factory.mktemp("retargeted") / "push"
    plan = RecordingPlan(("push",), (PERSON,), human_size=SIZE, human_fps=FPS, points=False, retarget=(HAND,))
    claim_folder(root, plan)
    seeds = iter(range(EPISODES))

    def track_hand(video, **options):
        track = record_human("push", next(seeds), size=SIZE, fps=float(FPS)).track
        names = ("keypoints_px", "keypoints_camera", "T_camera_wrist", "joint_angles", "wrist_std_m", "residual_px")
        track = replace(track, status=track.status.copy(), **{name: getattr(track, name).copy() for name in names})
        track.status[LOST] = 1
        for name in names:
            getattr(track, name)[LOST] = np.nan
        return track

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracked, "track_hand", track_hand)
        write(root, plan)
    (root / GRIPPER / "meta").mkdir(parents=True)
    (root / GRIPPER / "meta" / "info.json").write_text("{}")
    return root


def test_the_same_robot_does_the_same_again(recording, tmp_path):
    assert main(["retarget", str(recording), "--out", str(tmp_path / "again")]) == 0
    before, after = EpisodeReader(recording / PERSON), EpisodeReader(tmp_path / "again" / PERSON)
    for index in range(EPISODES):
        for name in before.features:
            if before.features[name].is_video:
                assert (before.frames(name, index, [3]) == after.frames(name, index, [3])).all()
            else:
                np.testing.assert_allclose(after.column(name, index), before.column(name, index), atol=2e-4)
    assert before.info.features == after.info.features
    assert find_problems(tmp_path / "again" / PERSON) == []
    assert json.loads((tmp_path / "again" / PLAN_FILE).read_text()) == json.loads((recording / PLAN_FILE).read_text())
    assert (tmp_path / "again" / GRIPPER / "meta" / "info.json").read_text() == "{}"


def test_another_robot_takes_its_place_beside_the_first(recording, tmp_path):
    robots = ["--robots", GRIPPER]
    assert main(["retarget", str(recording / PERSON), *robots, "--out", str(tmp_path / "gripper")]) == 0
    reader = EpisodeReader(tmp_path / "gripper")
    space = get_embodiment(GRIPPER).action_space
    assert find_problems(tmp_path / "gripper") == []
    rows, valid = [], []
    for index in range(EPISODES):
        rows.append(reader.column(f"tracked.action.{GRIPPER}", index))
        valid.append(reader.column(f"tracked.action.{GRIPPER}.valid", index)[:, 0])
        assert not valid[-1][LOST].any()
        assert valid[-1].mean() > 0.8
        assert ((space.low <= rows[-1]) & (rows[-1] <= space.high)).all()
        assert reader.column(f"tracked.action.{HAND}", index).shape[1] == 19
    expected = number_statistics(np.concatenate(rows), np.concatenate(valid))
    for key, value in reader.statistics[f"tracked.action.{GRIPPER}"].items():
        np.testing.assert_allclose(value, expected[key], rtol=1e-6)


def test_going_on_with_the_new_recording_is_allowed(recording, tmp_path):
    main(["retarget", str(recording), "--robots", GRIPPER, "--out", str(tmp_path / "both")])
    plan = RecordingPlan(("push",), (PERSON,), human_size=SIZE, human_fps=FPS, points=False, retarget=(HAND, GRIPPER))
    claim_folder(tmp_path / "both", plan)
    features = EpisodeReader(tmp_path / "both" / PERSON).features
    assert {name: features[name] for name in features_of(plan, PERSON)} == features_of(plan, PERSON)


def test_a_recording_without_tracks_is_refused(tmp_path, capsys):
    plan = RecordingPlan(("push",), (PERSON,), size=32, human_size=32, human_frames=3, points=False, track=False)
    write(tmp_path / "untracked", plan)
    assert main(["retarget", str(tmp_path / "untracked"), "--out", str(tmp_path / "out")]) == 2
    assert "has no tracked hands" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (["--robots", "xarm8"], "unknown embodiment 'xarm8'"),
        (["--out", "."], "exists; choose another folder"),
    ],
)
def test_bad_options_are_one_line(recording, tmp_path, monkeypatch, capsys, given, line):
    monkeypatch.chdir(tmp_path)
    options = given if "--out" in given else [*given, "--out", "out"]
    assert main(["retarget", str(recording), *options]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert line in error[0]
    assert list(tmp_path.iterdir()) == []


def test_linked_folders_come_along(recording, tmp_path):
    elsewhere = tmp_path / "elsewhere" / "meta"
    elsewhere.mkdir(parents=True)
    (elsewhere / "info.json").write_text("{}")
    source = tmp_path / "linked"
    source.mkdir()
    (source / PERSON).symlink_to(recording / PERSON)
    (source / HAND).symlink_to(elsewhere.parent)
    assert main(["retarget", str(source), "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / HAND / "meta" / "info.json").read_text() == "{}"
    assert find_problems(tmp_path / "out" / PERSON) == []


def test_out_of_the_recording_itself(recording, capsys):
    assert main(["retarget", str(recording), "--out", str(recording / "again")]) == 2
    assert "lies within" in capsys.readouterr().err


def test_an_interrupted_run_leaves_nothing(recording, tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retarget_recording(recording, tmp_path / "out", on_episode=stop)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_recording_is_one_line(tmp_path, capsys):
    assert main(["retarget", str(tmp_path / "nothing"), "--out", str(tmp_path / "out")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
