"""From pixels to metres: real clips where they are at hand, and what is refused before any fitting."""

import os
from pathlib import Path

import numpy as np
import pytest

from understudy.errors import BadVideo, NoHand, UnderstudyError
from understudy.geometry.cameras import camera_from_fov, project
from understudy.perception.bundle import has_bundle
from understudy.perception.track import DEFAULT_FOV_DEG, assumed_camera, track_hand
from understudy.perception.video import open_video, read_frames, write_video
from understudy.records import FrameStatus, HumanVideo

DATA = os.environ.get("UNDERSTUDY_DATA")
needs_model = pytest.mark.skipif(not has_bundle(), reason="the hand model is not there: run understudy doctor --fix")
needs_data = pytest.mark.skipif(not DATA, reason="UNDERSTUDY_DATA is not set: no real clips")


def clip_start(name: str, num_frames: int, folder: Path) -> HumanVideo:
    """The first frames of a real clip as a video of its own."""
    assert DATA is not None
    source = open_video(Path(DATA) / "human_video" / name)
    images = [image for _, (_, image) in zip(range(num_frames), read_frames(source), strict=False)]
    path = folder / name
    write_video(path, images, source.fps)
    return open_video(path)


@needs_model
@needs_data
def test_a_real_right_hand_is_tracked_as_one(tmp_path, capfd):
    video = clip_start("hand_gestures.mp4", 24, tmp_path)
    seen = []
    track = track_hand(video, progress=seen.append)
    assert seen == list(range(1, 25))
    assert track.handedness == "right"
    assert track.valid.all()
    assert np.median(track.residual_px) < 0.03 * 720
    assert np.abs(project(track.camera.K, track.keypoints_camera) - track.keypoints_px).mean() < 20
    assert ((track.T_camera_wrist[:, 2, 3] > 0.2) & (track.T_camera_wrist[:, 2, 3] < 1.0)).all()
    assert (track.T_camera_wrist[:, 2, 2] < 0).all()  # the palm faces the camera
    assert capfd.readouterr().err == ""  # MediaPipe's start-up lines stay out of the terminal


@needs_model
@needs_data
def test_only_the_other_hand(tmp_path):
    video = clip_start("hand_gestures.mp4", 8, tmp_path)
    with pytest.raises(NoHand, match="only a right hand was seen") as caught:
        track_hand(video, hand="left")
    assert str(video.path) in str(caught.value)


@needs_model
@needs_data
def test_of_two_hands_either_can_be_asked_for(tmp_path):
    video = clip_start("toy_coffee_machine.mp4", 12, tmp_path)
    right, left = (track_hand(video, hand=side) for side in ("right", "left"))
    assert (right.handedness, left.handedness) == ("right", "left")
    # The person faces the camera: their right hand is on the left of the image.
    assert np.nanmedian(right.keypoints_px[..., 0]) < np.nanmedian(left.keypoints_px[..., 0])
    assert right.valid.mean() > 0.8
    assert left.valid.mean() > 0.8


@needs_model
def test_a_video_without_a_hand(tmp_path):
    write_video(tmp_path / "grey.mp4", [np.full((120, 160, 3), 90, np.uint8)] * 5, 20.0)
    with pytest.raises(NoHand, match=r"grey.mp4: no hand in this video \(0 of 5 frames"):
        track_hand(open_video(tmp_path / "grey.mp4"))


@needs_model
def test_a_single_frame_is_no_motion(tmp_path):
    write_video(tmp_path / "one.mp4", [np.zeros((120, 160, 3), np.uint8)], 20.0)
    with pytest.raises(NoHand, match="needs at least 2"):
        track_hand(open_video(tmp_path / "one.mp4"))


def test_impossible_hand_lengths_and_views_are_refused(tmp_path):
    write_video(tmp_path / "clip.mp4", [np.zeros((120, 160, 3), np.uint8)] * 3, 20.0)
    video = open_video(tmp_path / "clip.mp4")
    with pytest.raises(UnderstudyError, match=r"hand length 187.*metres"):
        track_hand(video, hand_length_m=187.0)
    with pytest.raises(UnderstudyError, match="field of view"):
        track_hand(video, fov_deg=190.0)
    with pytest.raises(BadVideo, match="the given camera is for 100x100"):
        track_hand(video, camera=camera_from_fov(100, 100, 50.0))


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (720, 1280), (600, 600)])
def test_the_assumed_field_of_view_is_that_of_the_short_side(width, height):
    camera = assumed_camera(HumanVideo(Path("clip.mp4"), width, height, 30.0, 10))
    short = 2 * np.degrees(np.arctan(min(width, height) / 2 / camera.K[0, 0]))
    assert short == pytest.approx(DEFAULT_FOV_DEG)
    assert camera.K[0, 0] == camera.K[1, 1]


def test_statuses_of_the_record_are_what_the_tracker_uses():
    assert [status.name for status in FrameStatus][:3] == ["OK", "NO_HAND", "UNSOLVED"]
