"""`understudy watch` through its real entry point, on a clip of six frames."""

import json
import shutil

import av
import numpy as np
import pyarrow.parquet as pq
import pytest

from understudy.commands import main
from understudy.episodes.camera_file import camera_as_json
from understudy.episodes.trajectory_file import load_trajectory
from understudy.evaluation import watch_page
from understudy.evaluation import watch_video as pipeline
from understudy.geometry.cameras import camera_from_fov, look_at
from understudy.perception.track_file import load_hand_track

NUM_FRAMES, FPS, GAP = 6, 10.0, 3  # of the clip in conftest.py
ROBOT = "xarm7_gripper"
TRACK, MOTION = "hand_track.npz", "robot_trajectory.npz"
VIDEOS = {"overlay.mp4", "robot.mp4", "side_by_side.mp4"}
EVERYTHING = VIDEOS | {TRACK, MOTION, "report.json", "report.html", "stages.json", "dataset", "plots"}


def watch(clip, out, *options, robot=ROBOT):
    video, track = clip
    return main(["watch", str(video), "--robot", robot, "--out", str(out), "--tracker-file", str(track), *options])


def count_frames(path):
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


@pytest.fixture(scope="module")
def finished(shared_clip, tmp_path_factory):
    """The folder of one run, only to be read."""
    out = tmp_path_factory.mktemp("finished") / "out"
    assert watch(shared_clip, out) == 0
    return out


@pytest.fixture
def watched(finished, tmp_path):
    """A copy of that folder, to be changed."""
    return shutil.copytree(finished, tmp_path / "out")


def test_everything_is_written_and_named_at_the_end(clip, tmp_path, capsys):
    out = tmp_path / "deep" / "out"
    assert watch(clip, out) == 0
    assert {path.name for path in out.iterdir()} == EVERYTHING
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 4
    assert f"{NUM_FRAMES - 1} of {NUM_FRAMES} frames tracked" in printed[0]
    assert printed[-1].endswith(str(out / "report.html"))


def test_videos_are_in_step_with_the_input(finished):
    for name in VIDEOS:
        with av.open(str(finished / name)) as container:
            assert float(container.streams.video[0].average_rate) == pytest.approx(FPS)
        assert count_frames(finished / name) == NUM_FRAMES


def test_a_gap_stays_a_gap_in_every_output(finished):
    assert np.flatnonzero(~load_hand_track(finished / "hand_track.npz").valid).tolist() == [GAP]
    assert load_trajectory(finished / "robot_trajectory.npz").status[GAP] != 0
    rows = pq.read_table(finished / "dataset/data/chunk-000/file-000.parquet")
    assert rows["tracked.valid"].to_pylist() == [index != GAP for index in range(NUM_FRAMES)]
    assert not rows["action.valid"][GAP].as_py()
    assert rows["tracked.keypoints_camera"][GAP].as_py() == [0.0] * 63
    report = json.loads((finished / "report.json").read_text())
    assert report["tracking"]["frames_by_status"] == {"solved": NUM_FRAMES - 1, "no_hand_seen": 1}
    assert any("1 frames have no tracked hand" in note for note in report["notes"])
    assert "no hand seen" in (finished / "plots/status.svg").read_text()


def test_the_data_set_holds_the_trajectory(finished):
    trajectory = load_trajectory(finished / "robot_trajectory.npz")
    rows = pq.read_table(finished / "dataset/data/chunk-000/file-000.parquet")
    np.testing.assert_allclose(np.array(rows["action"].to_pylist()), trajectory.actions, atol=1e-6)
    np.testing.assert_allclose(np.array(rows["observation.state"].to_pylist()), trajectory.joints, atol=1e-6)
    info = json.loads((finished / "dataset/meta/info.json").read_text())
    assert info["features"]["observation.state"]["names"] == list(trajectory.joint_names)
    assert info["robot_type"] == ROBOT
    assert count_frames(finished / "dataset/videos/observation.images.prompt/chunk-000/file-000.mp4") == NUM_FRAMES


def test_the_page_needs_nothing_but_itself(finished):
    page = (finished / "report.html").read_text()
    assert page.count("data:video/mp4;base64,") == 1
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page
    assert page.count("<svg") == 5


def test_a_large_video_stays_beside_the_page(shared_clip, watched, monkeypatch):
    monkeypatch.setattr(watch_page, "EMBED_LIMIT_BYTES", 10)
    assert watch(shared_clip, watched) == 0
    page = (watched / "report.html").read_text()
    assert '<video src="side_by_side.mp4"' in page
    assert "data:video" not in page


def test_the_report_says_what_was_assumed(finished, shared_clip):
    report = json.loads((finished / "report.json").read_text())
    assert report["input"]["sha256"] == pipeline.file_sha256(shared_clip[0])
    assert report["placed_by_rule"]
    assert any("camera unknown" in note for note in report["notes"])
    assert 0 < report["retargeting"]["fingertip_error_m_mean"] < 0.1
    assert report["tracking"]["wrist_std_m_p50"] == pytest.approx([0.005, 0.005, 0.03])
    assert report["versions"]["understudy"]


def test_a_left_hand_drives_the_robot_mirrored_and_says_so(clip, left_hand, tmp_path, capsys):
    assert watch(clip, tmp_path / "right") == 0
    assert watch((clip[0], left_hand), tmp_path / "left") == 0
    assert "left, drives the robot mirrored" in capsys.readouterr().out
    report = json.loads((tmp_path / "left/report.json").read_text())
    assert any("left hand mirrored" in note for note in report["notes"])
    same = [load_trajectory(tmp_path / side / "robot_trajectory.npz").joints for side in ("right", "left")]
    np.testing.assert_allclose(*same, atol=1e-3)  # the mirror image of a right hand, mirrored


def test_a_known_camera_places_the_hand(clip, tmp_path):
    pose = look_at(np.array([0.9, 0.3, 0.5]), np.array([0.45, 0.0, 0.2]))
    camera = camera_from_fov(192, 128, 50.0, pose)  # the same camera at twice the resolution
    (tmp_path / "clip.truth.json").write_text(json.dumps({"camera": camera_as_json(camera), "task": "push"}))
    assert watch(clip, tmp_path / "out", "--camera", str(tmp_path / "clip.truth.json")) == 0
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert not report["placed_by_rule"]
    np.testing.assert_allclose(report["T_base_camera"], pose)


def test_intrinsics_leave_the_pose_out_of_account(clip, tmp_path):
    camera = camera_from_fov(192, 128, 50.0, np.eye(4))
    (tmp_path / "K.json").write_text(json.dumps(camera_as_json(camera)))
    options = pipeline.WatchOptions(clip[0], ROBOT, tmp_path / "out", intrinsics_file=tmp_path / "K.json")
    found = pipeline.given_camera(options, pipeline.open_video(clip[0]))
    assert (found.width, found.height, found.T_world_camera) == (96, 64, None)
    np.testing.assert_allclose(found.K, camera_from_fov(96, 64, 50.0).K)


def test_a_second_run_does_nothing_again(shared_clip, watched, monkeypatch, capsys):
    def not_again(*_, **__):
        raise AssertionError("done before")

    for name in ("write_video", "write_data_set", "robot_motion", "save_hand_track"):
        monkeypatch.setattr(pipeline, name, not_again)
    assert watch(shared_clip, watched) == 0
    assert "done before" in capsys.readouterr().err


def test_another_robot_redoes_only_what_depends_on_it(shared_clip, watched):
    before = {name: (watched / name).stat().st_mtime_ns for name in ("hand_track.npz", "overlay.mp4", "robot.mp4")}
    assert watch(shared_clip, watched, robot="xarm7_xhand") == 0
    same = {name: (watched / name).stat().st_mtime_ns == time for name, time in before.items()}
    assert same == {"hand_track.npz": True, "overlay.mp4": True, "robot.mp4": False}
    assert json.loads((watched / "dataset/meta/info.json").read_text())["robot_type"] == "xarm7_xhand"


def test_an_interrupted_run_goes_on_where_it_stopped(clip, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"

    def interrupted(*_):
        raise KeyboardInterrupt
        yield

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "replay_frames", interrupted)
        assert watch(clip, out) == 130
    assert capsys.readouterr().err.rstrip().endswith("understudy watch: stopped")
    assert {path.name for path in out.iterdir()} == {TRACK, MOTION, "overlay.mp4", "stages.json"}
    track = (out / "hand_track.npz").stat().st_mtime_ns
    assert watch(clip, out) == 0
    assert (out / "hand_track.npz").stat().st_mtime_ns == track


def test_the_default_folder_is_named_after_the_video(clip, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["watch", str(clip[0]), "--robot", ROBOT, "--tracker-file", str(clip[1])]) == 0
    assert (tmp_path / "out/clip/report.html").is_file()
