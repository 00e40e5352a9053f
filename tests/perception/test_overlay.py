"""Drawing: the skeleton lands where the camera sees it, gaps carry a banner, sheets hold every image."""

from dataclasses import replace

import numpy as np
import pytest

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.errors import UnderstudyError
from understudy.geometry.cameras import camera_from_fov, project
from understudy.geometry.hand_frame import wrist_frame
from understudy.perception.overlay import FINGER_COLOURS, contact_sheet, draw_hand
from understudy.records import FrameStatus, HandTrack

pytest.importorskip("cv2", reason="OpenCV comes with the extra `hands`")
CAMERA = camera_from_fov(320, 240, 40.0)


def one_frame_track() -> HandTrack:
    R = np.array([[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
    points = (HandSkeleton().keypoints(np.full((1, 20), 0.1)) @ R.T) + np.array([0.0, 0.08, 0.7])
    return HandTrack(
        time_s=np.zeros(1),
        status=np.zeros(1, np.int8),
        confidence=np.ones(1),
        keypoints_px=project(CAMERA.K, points),
        keypoints_camera=points,
        T_camera_wrist=wrist_frame(points),
        joint_angles=np.full((1, 20), 0.1),
        wrist_std_m=np.full((1, 3), 0.01),
        residual_px=np.ones(1),
        handedness="right",
        hand_length_m=0.187,
        camera=CAMERA,
    )


@pytest.mark.parametrize("scale", [1, 2])
def test_the_skeleton_lands_on_its_pixels(scale):
    track = replace(one_frame_track(), keypoints_px=np.full((1, 21, 2), np.nan))
    image = np.zeros((240 * scale, 320 * scale, 3), np.uint8)
    drawn = draw_hand(image, track, 0)
    assert not image.any()
    points = project(CAMERA.K, track.keypoints_camera[0])
    for finger, colour in enumerate(FINGER_COLOURS):
        middle = (points[2 + 4 * finger] + points[3 + 4 * finger]) / 2
        u, v = np.rint((middle + 0.5) * scale - 0.5).astype(int)
        assert np.abs(drawn[v, u].astype(int) - colour).max() < 40


def test_detected_landmarks_are_drawn_beside_the_fit():
    track = one_frame_track()
    blank = np.zeros((240, 320, 3), np.uint8)
    seen_elsewhere = replace(track, keypoints_px=np.broadcast_to([20.0, 200.0], (1, 21, 2)).copy())
    assert draw_hand(blank, seen_elsewhere, 0)[190:210, 10:30].any()
    assert not draw_hand(blank, track, 0)[190:210, 10:30].any()


@pytest.mark.parametrize("status", [FrameStatus.NO_HAND, FrameStatus.UNSOLVED])
def test_frames_without_a_result_carry_a_banner_and_no_skeleton(status):
    track = one_frame_track()
    nothing = np.full((1, 21, 3), np.nan)
    unseen = np.full((1, 21, 2), np.nan)
    track = replace(track, status=np.array([status], np.int8), keypoints_camera=nothing, keypoints_px=unseen)
    drawn = draw_hand(np.zeros((240, 320, 3), np.uint8), track, 0)
    assert drawn[:20].any()
    assert not drawn[20:].any()


def test_contact_sheet_holds_every_image_in_order():
    images = [np.full((4, 6, 3), 10 * k, np.uint8) for k in range(1, 6)]
    sheet = contact_sheet(images, 3)
    assert sheet.shape == (8, 18, 3)
    assert [sheet[r, c, 0] for r, c in ((0, 0), (0, 6), (0, 12), (4, 0), (4, 6), (4, 12))] == [10, 20, 30, 40, 50, 0]


def test_contact_sheet_refuses_nothing_and_mixed_sizes():
    with pytest.raises(UnderstudyError, match="no images"):
        contact_sheet([], 3)
    with pytest.raises(UnderstudyError, match="different sizes"):
        contact_sheet([np.zeros((4, 6, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)], 2)
