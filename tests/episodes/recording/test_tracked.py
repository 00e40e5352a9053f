"""What the tracker makes of a clip, in columns: gaps hold a filler and say so."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from understudy.embodiments import get_embodiment
from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.episodes.recording import tracked
from understudy.episodes.recording.tracked import tracked_columns, tracked_features
from understudy.errors import BadVideo
from understudy.geometry.cameras import project
from understudy.geometry.transforms import apply_transform
from understudy.records import FrameStatus
from understudy.retargeting.actions import home_action
from understudy.simulation.human import record_human

ROBOT = "xarm7_gripper"
FRAMES = slice(0, 60, 6)
GAP = [0, 4]


@pytest.fixture
def hand():
    """A true hand of ten frames with two gaps, one of them at the start."""
    truth = record_human("push", 4, size=64).track
    names = ("time_s", "status", "confidence", "keypoints_px", "keypoints_camera", "T_camera_wrist")
    names += ("joint_angles", "wrist_std_m", "residual_px")
    track = replace(truth, **{name: getattr(truth, name)[FRAMES].copy() for name in names})
    track.status[GAP] = FrameStatus.NO_HAND
    for name in names[3:]:
        getattr(track, name)[GAP] = np.nan
    return track


def columns_of(monkeypatch, result):
    def track_hand(video, **options):
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(tracked, "track_hand", track_hand)
    monkeypatch.setattr(tracked, "open_video", lambda path: None)
    empty_table = np.full((64, 64, 3), 128, np.uint8)
    monkeypatch.setattr(tracked, "read_frames", lambda video: ((i / 10, empty_table) for i in range(10)))
    camera = record_human("push", 4, size=64).camera
    return tracked_columns(Path("clip.mp4"), camera, 0.18, 10, (ROBOT,))


def test_gaps_hold_a_neighbour_and_say_so(monkeypatch, hand):
    columns = columns_of(monkeypatch, hand)
    valid = columns["tracked.valid"]
    assert np.flatnonzero(~valid).tolist() == GAP
    assert np.flatnonzero(~columns[f"tracked.action.{ROBOT}.valid"]).tolist() == GAP
    assert np.allclose(columns["tracked.keypoints"][valid].reshape(-1, 21, 3), hand.keypoints_camera[valid])
    for name in ("action", "tracked.keypoints", "tracked.wrist", f"tracked.action.{ROBOT}"):
        assert np.array_equal(columns[name][0], columns[name][1])
        assert np.array_equal(columns[name][4], columns[name][3])
        assert np.isfinite(columns[name]).all()


def test_the_wrist_is_in_the_world(monkeypatch, hand):
    wrist = columns_of(monkeypatch, hand)["tracked.wrist"]
    assert np.allclose(np.linalg.norm(wrist[:, 3:], axis=1), 1.0)
    assert ((wrist[:, 0] > 0) & (wrist[:, 0] < 0.9) & (wrist[:, 2] > 0) & (wrist[:, 2] < 0.5)).all()


def test_a_clip_without_a_hand_has_no_valid_row(monkeypatch):
    columns = columns_of(monkeypatch, BadVideo("no hand in it"))
    assert not columns["tracked.valid"].any()
    assert not columns[f"tracked.action.{ROBOT}.valid"].any()
    assert all(np.isfinite(values).all() for values in columns.values())


def test_where_nothing_is_valid_a_hand_and_a_robot_at_rest_stand_in(monkeypatch, hand):
    camera = record_human("push", 4, size=64).camera
    low, high = HandSkeleton().limits.T
    space = get_embodiment(ROBOT).action_space
    hand.status[:] = FrameStatus.NO_HAND
    for result in (hand, BadVideo("no hand in it")):
        columns = columns_of(monkeypatch, result)
        for name in ("action", "tracked.keypoints", "tracked.wrist", "tracked.wrist_std_m"):
            assert (np.ptp(columns[name], axis=0) == 0).all()
        wrist, joints = columns["action"][0, :7], columns["action"][0, 7:]
        assert np.array_equal(wrist, columns["tracked.wrist"][0])
        assert np.linalg.norm(wrist[3:]) == pytest.approx(1.0, abs=1e-3)
        assert ((low <= joints) & (joints <= high)).all()
        keypoints = columns["tracked.keypoints"][0].reshape(21, 3)
        pixels = project(camera.K, keypoints)
        assert ((pixels[0] >= 0) & (pixels[0] <= 63)).all()  # above the table, where the camera looks
        assert np.allclose(apply_transform(camera.T_world_camera, keypoints)[0], wrist[:3])
        assert (columns["tracked.wrist_std_m"] > 0).all()
        action = columns[f"tracked.action.{ROBOT}"]
        assert ((space.low <= action) & (action <= space.high)).all()


def test_a_hand_that_no_robot_can_follow_leaves_the_robot_at_rest(monkeypatch, hand):
    def retarget(keypoints, status, time_s, robot, grasps):
        status = np.full(len(status), FrameStatus.NO_HAND)
        return SimpleNamespace(status=status, actions=np.full((len(status), 7), np.nan))

    monkeypatch.setattr(tracked, "retarget_hand", retarget)
    columns = columns_of(monkeypatch, hand)
    assert columns["tracked.valid"].any()
    assert not columns[f"tracked.action.{ROBOT}.valid"].any()
    assert np.array_equal(columns[f"tracked.action.{ROBOT}"], np.tile(home_action(get_embodiment(ROBOT)), (10, 1)))


def test_what_no_robot_can_be_told_is_not_valid(monkeypatch, hand):
    space = get_embodiment(ROBOT).action_space

    def retarget(keypoints, status, time_s, robot, grasps):
        actions = np.tile(home_action(get_embodiment(ROBOT)), (len(status), 1))
        actions[7, 0] = space.high[0] + 0.01
        return SimpleNamespace(status=np.full(len(status), FrameStatus.OK), actions=actions)

    monkeypatch.setattr(tracked, "retarget_hand", retarget)
    columns = columns_of(monkeypatch, hand)
    assert np.flatnonzero(~columns[f"tracked.action.{ROBOT}.valid"]).tolist() == [7]
    assert (columns[f"tracked.action.{ROBOT}"] <= space.high).all()


def test_columns_are_what_the_features_say(monkeypatch, hand):
    features = tracked_features((ROBOT,))
    for result in (hand, BadVideo("no hand in it")):
        columns = columns_of(monkeypatch, result)
        assert set(columns) == set(features)
        for name, feature in features.items():
            assert columns[name].reshape(10, -1).shape[1:] == feature.shape
            assert feature.mask is None or feature.mask in columns
