"""Clips of a person without a task: recorded, learned from by video models beside tasks, refused as actions."""

import json
import shutil

import numpy as np
import pytest
from tests.episodes.acted_recording import ROBOT, SIZE, write_acted

from understudy.commands import main
from understudy.episodes.acted import ActedConfig, ActedWindows
from understudy.episodes.cross_prediction import ClipConfig, CrossPrediction
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.validator import find_problems
from understudy.errors import UnderstudyError
from understudy.simulation.human import record_human
from understudy.simulation.human_wander import NOTHING, WANDER

IMAGES = "observation.images.front"
OPTIONS = ["--task", WANDER, "--embodiments", "human_hand", "--no-track", "--human-size", str(SIZE)]


@pytest.fixture(scope="module")
def wandering(tmp_path_factory):
    out = tmp_path_factory.mktemp("wandering") / "wander"
    more = ["--human-frames", "5", "--no-points", "--episodes", "2", "--processes", "1", "--out", str(out)]
    assert main(["record", *OPTIONS, *more]) == 0
    return out


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    return write_acted(tmp_path_factory.mktemp("tasks"), copies=2)


def test_episodes_hold_a_moving_hand_and_no_actions(wandering):
    assert [path.name for path in wandering.iterdir() if path.is_dir()] == ["human_hand"]
    assert find_problems(wandering / "human_hand") == []
    reader = EpisodeReader(wandering / "human_hand")
    assert list(reader.lengths) == [5, 5]
    assert not [name for name in reader.features if "action" in name or name.startswith("tracked.")]
    for index in range(2):
        episode = reader.episode(index)
        assert episode.task == "a person moves a hand over the table"
        told = episode.metadata
        assert (told["task"], told["split"], told["seed"], told["goal"]) == ("wander", "train", index, None)
        assert "success" not in told
        assert np.ptp(reader.column("truth.wrist", index)[:, :3], axis=0).max() > 0.05
        assert np.ptp(reader.column("truth.objects", index), axis=0).max() == 0.0
        frames = reader.frames(IMAGES, index).astype(int)
        assert np.abs(frames[0] - frames[2]).max() > 40


@pytest.mark.parametrize("handedness", ["right", "left"])
def test_the_hand_goes_as_people_go_and_moves_nothing(handedness):
    touched = 0
    for seed in range(8):
        demo = record_human(WANDER, seed, size=SIZE, handedness=handedness)
        assert demo.goal == NOTHING
        keypoints = np.stack([demo.keypoints_world(i) for i in range(demo.track.num_frames)])
        assert np.abs(np.diff(keypoints, axis=0)).max() * demo.fps < 1.5
        assert 0.0 < keypoints[..., 2].min() < 0.2
        assert demo.final_state.pressed == frozenset()
        for item in demo.layout.objects:
            if item.kind not in ("cube", "cylinder"):
                continue
            near = np.linalg.norm(keypoints[..., :2] - item.position, axis=-1) < item.half_width
            assert not (near & (keypoints[..., 2] < 2 * item.half_height)).any()
            touched += bool((near & (keypoints[..., 2] < 2 * item.half_height + 0.006)).any())
    assert touched


def test_layouts_and_motions_differ_and_repeat():
    demos = [record_human(WANDER, seed, size=SIZE) for seed in (0, 0, 1)]
    first, again, other = (demo.wrist_qpos for demo in demos)
    assert np.array_equal(first, again)
    assert first.shape != other.shape
    assert demos[0].layout == demos[1].layout != demos[2].layout
    assert len({record_human(WANDER, seed, size=SIZE).layout.objects[0].kind for seed in range(12)}) > 2


def test_video_models_learn_from_them_as_clips_of_one_body(wandering, tasks):
    data = CrossPrediction((tasks, wandering), ClipConfig(SIZE, num_frames=3, cross_probability=1.0))
    assert data.lengths == [4, 2]
    crossed = [bool(data.sample(index, np.random.default_rng(index))["crossed"]) for index in range(6)]
    assert crossed == [True] * 4 + [False] * 2


def test_stage_1_trains_on_both_by_weight_and_resumes(wandering, tasks, tmp_path, capsys):
    given = ["train", "video_prompt_stage1_debug", "--out", str(tmp_path / "run"), "--threads", "1"]
    data = ["--data", str(tasks), str(wandering)]
    assert main([*given, *data, "--set", "clips.weights=[1, 3]"]) == 0
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (record["steps"], record["config"]["clips"]["weights"]) == (2, [1.0, 3.0])
    shutil.rmtree(tmp_path / "run" / "policy")
    capsys.readouterr()
    assert main([*given, "--resume"]) == 0
    assert main([*given, "--resume", "--set", "clips.weights=[1, 2]"]) == 2
    assert "this run was made with" in capsys.readouterr().err
    assert main([*given, "--export-only"]) == 0
    assert main([*given, "--export-only", "--data", str(wandering), str(tasks)]) == 2
    assert "data of another number of layouts in each folder" in capsys.readouterr().err


@pytest.mark.parametrize(("weights", "line"), [("[1]", "2 data sets need as many weights: 1"), ("2", "is not of type")])
def test_bad_weights_are_one_line(weights, line, tmp_path, capsys):
    data = ["--data", "a", "b", "--set", f"clips.weights={weights}", "--out", str(tmp_path / "run")]
    assert main(["train", "video_prompt_stage1_debug", *data]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert line in error[0]


def test_policies_refuse_them(wandering, tasks):
    for people in (True, False):
        with pytest.raises(UnderstudyError, match=r"of people without a task \(wander\): for video models only"):
            ActedWindows((tasks, wandering), ActedConfig(robot=ROBOT, image_size=SIZE, people=people))


@pytest.mark.parametrize(
    "options",
    [
        [*OPTIONS, "--track"],
        [*OPTIONS, "--embodiments", "human_hand,xarm7_xhand"],
        [*OPTIONS, "--task", "push,wander"],
    ],
)
def test_they_are_recorded_by_themselves(options, tmp_path, capsys):
    assert main(["record", *options, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert "wander is no task: is recorded by itself" in error[0]
    assert not (tmp_path / "out").exists()


def test_no_robot_does_it_and_no_suite_asks_for_it(capsys):
    assert main(["perform", "--prompt", "x.mp4", "--task", WANDER, "--robot", ROBOT, "--seed", "0"]) == 2
    assert "unknown task 'wander'" in capsys.readouterr().err
