"""A clip of a few frames with a known hand, so that `watch` runs in seconds and without a hand tracker."""

from dataclasses import replace

import numpy as np
import pytest

from understudy.embodiments.hand_skeleton import ADULT_HAND_LENGTH_M, HandSkeleton
from understudy.geometry.cameras import camera_from_fov, project
from understudy.geometry.hand_frame import wrist_frame
from understudy.geometry.transforms import apply_transform, make_transform
from understudy.perception.track_file import save_hand_track
from understudy.perception.video import write_video
from understudy.records import FrameStatus, HandTrack

NUM_FRAMES, FPS, WIDTH, HEIGHT = 6, 10.0, 96, 64
GAP = 3
"""The frame in which no hand is seen."""


def hand_track(num_frames=NUM_FRAMES):
    """A right hand 0.6 m before the camera, palm towards it, fingers up, closing a little; one frame is a gap."""
    camera = camera_from_fov(WIDTH, HEIGHT, 50.0)
    skeleton = HandSkeleton()
    bend = np.linspace(0.1, 0.6, num_frames)
    joints = np.tile([0.0, 0.1, 0.1, 0.1, *[0.0, 1.0, 1.0, 0.5] * 4], (num_frames, 1)) * bend[:, None]
    R = np.array([[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])  # x up in the image, z towards the camera
    T = make_transform(R, np.array([0.0, 0.08, 0.6]))
    keypoints = apply_transform(T, skeleton.keypoints(joints))
    track = HandTrack(
        time_s=np.arange(num_frames) / FPS,
        status=np.zeros(num_frames, dtype=np.int8),
        confidence=np.full(num_frames, 0.9),
        keypoints_px=project(camera.K, keypoints),
        keypoints_camera=keypoints,
        T_camera_wrist=wrist_frame(keypoints),
        joint_angles=joints,
        wrist_std_m=np.tile([0.005, 0.005, 0.03], (num_frames, 1)),
        residual_px=np.full(num_frames, 2.5),
        handedness="right",
        hand_length_m=ADULT_HAND_LENGTH_M,
        camera=camera,
        source="truth",
    )
    fitted = ("keypoints_px", "keypoints_camera", "T_camera_wrist", "joint_angles", "wrist_std_m", "residual_px")
    for name in fitted:
        getattr(track, name)[GAP] = np.nan
    track.status[GAP], track.confidence[GAP] = FrameStatus.NO_HAND, 0.0
    return track


def make_clip(folder):
    """A short mp4 and, beside it, the hand that would be tracked in it: (video, track file)."""
    levels = np.linspace(40, 200, NUM_FRAMES).astype(np.uint8)
    video = folder / "clip.mp4"
    write_video(video, [np.full((HEIGHT, WIDTH, 3), level) for level in levels], FPS)
    save_hand_track(folder / "hand.npz", hand_track())
    return video, folder / "hand.npz"


@pytest.fixture
def clip(tmp_path):
    """A clip of one's own, to be changed at will."""
    return make_clip(tmp_path)


@pytest.fixture(scope="module")
def shared_clip(tmp_path_factory):
    """A clip for tests that only read it."""
    return make_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def left_hand(tmp_path):
    """A track file with a left hand: the right one seen in a mirror."""
    track = hand_track()
    keypoints = track.keypoints_camera * np.array([-1.0, 1.0, 1.0])
    path = tmp_path / "left.npz"
    T = wrist_frame(keypoints, "left")
    save_hand_track(path, replace(track, keypoints_camera=keypoints, T_camera_wrist=T, handedness="left"))
    return path
