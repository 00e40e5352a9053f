"""The placement rule does what it says, and mirrors give right hands."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.errors import UnderstudyError, UnknownName
from understudy.geometry.cameras import camera_from_fov
from understudy.geometry.hand_frame import mirror_keypoints, wrist_frame
from understudy.geometry.transforms import apply_transform
from understudy.records import FrameStatus, HandTrack
from understudy.retargeting.mirror import mirror_left_hand
from understudy.retargeting.placement import place_before_robot

FRAMES = 9
ROBOT = "xarm7_xhand"


def track_of(keypoints_camera, missing=()):
    status = np.zeros(FRAMES, np.int8)
    status[list(missing)] = FrameStatus.NO_HAND
    keypoints = keypoints_camera.copy()
    keypoints[list(missing)] = np.nan
    T = np.full((FRAMES, 4, 4), np.nan)
    T[status == 0] = wrist_frame(keypoints[status == 0])
    nothing = np.zeros(FRAMES)
    return HandTrack(
        np.arange(FRAMES) / 30.0, status, nothing, np.zeros((FRAMES, 21, 2)), keypoints, T, np.zeros((FRAMES, 20)),
        np.zeros((FRAMES, 3)), nothing, "right", 0.187, camera_from_fov(64, 48, 45.0),
    )  # fmt: skip


def hand_in_camera(R, where=(0.1, 0.0, 1.0)):
    path = np.linspace(0, 0.2, FRAMES)[:, None] * np.array([1.0, 0.0, 0.0]) + np.array(where)
    return HandSkeleton().keypoints(np.zeros(20)) @ np.asarray(R, float).T + path[:, None]


@given(st.integers(0, 2**32 - 1))
def test_gravity_lengths_and_place(seed):
    R = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    track = track_of(hand_in_camera(R), missing=(2, 5))
    T = place_before_robot(track, ROBOT)
    np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(T[:3, :3]) == pytest.approx(1.0)
    np.testing.assert_allclose(T[:3, :3] @ [0, 1, 0], [0, 0, -1], atol=1e-12)
    placed = apply_transform(T, track.keypoints_camera[track.valid])
    assert placed[..., 2].min() > 0.019
    np.testing.assert_allclose(np.median(placed[:, 0, :2], axis=0), [0.38, 0.0], atol=1e-9)


def test_a_hand_that_points_aside_is_turned_away_from_the_base():
    for sideways in (0.0, 1.0, -2.0, 3.0):
        R = Rotation.from_euler("y", sideways).as_matrix()
        T = place_before_robot(track_of(hand_in_camera(R)), ROBOT)
        np.testing.assert_allclose((T[:3, :3] @ R[:, 0])[:2], [1.0, 0.0], atol=1e-9)


def test_a_raised_hand_faces_as_the_person_does():
    upright = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    T = place_before_robot(track_of(hand_in_camera(upright)), ROBOT)
    np.testing.assert_allclose(T[:3, :3] @ [0, 0, -1], [1, 0, 0], atol=1e-12)


def test_unknown_robots_and_empty_tracks_are_refused():
    track = track_of(hand_in_camera(np.eye(3)))
    with pytest.raises(UnknownName, match="xarm7_gripper"):
        place_before_robot(track, "xarm6")
    with pytest.raises(UnderstudyError, match="no frame"):
        place_before_robot(track_of(hand_in_camera(np.eye(3)), missing=range(FRAMES)), ROBOT)


def test_mirrors_turn_left_hands_into_right_ones(pick_and_place):
    _, right, _ = pick_and_place(yaw=0.7)
    left = mirror_keypoints(right, axis=1)
    left[4] = np.nan
    through_robot, note = mirror_left_hand(left)
    assert "x-z plane" in note
    np.testing.assert_allclose(np.delete(through_robot, 4, 0), np.delete(right, 4, 0), atol=1e-12)
    in_place, note = mirror_left_hand(left, about="hand")
    assert "in place" in note
    seen = np.delete(np.arange(len(left)), 4)
    # Fingertips that touch stay; chirality changes: thumb to index to wrist keeps its place, the rest its distances.
    np.testing.assert_allclose(in_place[seen][:, [0, 8]], left[seen][:, [0, 8]], atol=1e-9)
    assert np.linalg.norm(in_place[seen, 4] - left[seen, 4], axis=-1).max() < 0.01
    lengths = np.linalg.norm(in_place[seen][:, :, None] - in_place[seen][:, None], axis=-1)
    np.testing.assert_allclose(
        lengths, np.linalg.norm(left[seen][:, :, None] - left[seen][:, None], axis=-1), atol=1e-9
    )
    chirality = [
        np.einsum("ti,ti->t", np.cross(k[:, 5] - k[:, 0], k[:, 9] - k[:, 0]), k[:, 12] - k[:, 9])[seen]
        for k in (left, right, in_place)
    ]
    assert (np.sign(chirality[0]) != np.sign(chirality[1])).all()
    assert (np.sign(chirality[2]) == np.sign(chirality[1])).all()
    for gap in (through_robot, in_place):
        assert np.isnan(gap[4]).all()
