"""The fit against synthetic hands whose motion, size and camera are known."""

from dataclasses import replace

import numpy as np
import pytest

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.geometry.cameras import camera_from_fov, project
from understudy.geometry.rotations import matrix_from_rotation_vector, rotation_angle
from understudy.geometry.transforms import apply_transform, make_transform
from understudy.perception.hand_choice import choose_hand
from understudy.perception.hand_fit import FitConfig, fit_hand
from understudy.perception.hand_landmarker import HandDetections
from understudy.perception.hand_terms import HandObservations
from understudy.perception.landmark_calibration import mediapipe_convention, plain_convention
from understudy.perception.track import HAND_LENGTH_STD, fit_detections
from understudy.records import FrameStatus

CAMERA = camera_from_fov(640, 480, 40.0)
LENGTH_M = 0.19
FPS = 15.0


def moving_hand(num_frames: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Times, T_camera_wrist, joints and keypoints of a right hand that reaches, turns and closes, 0.8 m away."""
    time_s = np.arange(num_frames) / FPS
    s = (1 - np.cos(np.pi * np.linspace(0, 1, num_frames))) / 2
    R0 = np.array([[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])  # fingers up, palm to the camera
    R = R0 @ matrix_from_rotation_vector(s[:, None] * np.array([0.3, -0.6, 0.4]))
    p = np.array([0.02, 0.08, 0.8]) + s[:, None] * np.array([-0.10, 0.03, 0.06])
    joints = np.tile(np.array([0.1, 0.2, 0.3, 0.3] + [0.0, 0.3, 0.4, 0.25] * 4), (num_frames, 1))
    joints[:, 5:] += s[:, None] * np.array([0.0, 0.4, 0.4, 0.25] * 4)[1:]
    T = make_transform(R, p)
    return time_s, T, joints, apply_transform(T, HandSkeleton(LENGTH_M).keypoints(joints))


def observe(keypoints: np.ndarray, time_s: np.ndarray, noise_px: float = 0.0, seed: int = 0) -> HandObservations:
    rng = np.random.default_rng(seed)
    pixels = project(CAMERA.K, keypoints) + rng.normal(0, noise_px, (*keypoints.shape[:-1], 2))
    return HandObservations(time_s, pixels, keypoints - keypoints.mean(1, keepdims=True))


def test_perfect_landmarks_give_the_hand_back():
    time_s, T, _, keypoints = moving_hand()
    fit = fit_hand(observe(keypoints, time_s), CAMERA.K, HandSkeleton(LENGTH_M), plain_convention())
    assert fit.solved.all()
    error = np.linalg.norm(fit.state.position - T[:, :3, 3], axis=1)
    assert np.median(error) < 0.012  # 1.5 % of the distance: the pose prior and the smoothness pull a little
    assert np.degrees(np.median(rotation_angle(fit.state.rotation, T[:, :3, :3]))) < 4
    assert np.median(fit.residual_px) < 1.5


def test_noise_is_within_the_stated_deviation():
    time_s, T, _, keypoints = moving_hand(60)
    inside = []
    for seed in range(3):
        seen = observe(keypoints, time_s, noise_px=1.5, seed=seed)
        fit = fit_hand(seen, CAMERA.K, HandSkeleton(LENGTH_M), plain_convention())
        std = np.sqrt(np.diagonal(fit.covariance, axis1=1, axis2=2))
        inside.append(np.abs(fit.state.position - T[:, :3, 3]) < 2 * std)
    assert np.mean(inside) > 0.9


def test_a_wrong_landmark_hardly_matters():
    time_s, _, _, keypoints = moving_hand()
    seen = observe(keypoints, time_s)
    pixels = seen.pixels.copy()
    pixels[:, 8] += 60.0  # the index finger's tip is somewhere else altogether
    fit = fit_hand(replace(seen, pixels=pixels), CAMERA.K, HandSkeleton(LENGTH_M), plain_convention())
    clean = fit_hand(seen, CAMERA.K, HandSkeleton(LENGTH_M), plain_convention())
    assert np.linalg.norm(fit.state.position - clean.state.position, axis=1).max() < 0.03


def test_windows_change_little():
    time_s, _, _, keypoints = moving_hand(90)
    seen = observe(keypoints, time_s, noise_px=1.0)
    whole = fit_hand(seen, CAMERA.K, HandSkeleton(LENGTH_M), plain_convention())
    parts = fit_hand(
        seen, CAMERA.K, HandSkeleton(LENGTH_M), plain_convention(), FitConfig(window_frames=50, overlap_frames=24)
    )
    assert len(parts.residual_px) == 90
    assert np.linalg.norm(whole.state.position - parts.state.position, axis=1).max() < 0.008


def test_landmarks_that_are_no_hand_are_not_solved():
    time_s, _, _, keypoints = moving_hand(20)
    seen = observe(keypoints, time_s)
    pixels = np.random.default_rng(0).permuted(seen.pixels, axis=1)
    fit = fit_hand(replace(seen, pixels=pixels), CAMERA.K, HandSkeleton(LENGTH_M), plain_convention())
    assert not fit.solved.any()


def test_convention_is_linear_in_its_features_and_finite():
    _, T, joints, _ = moving_hand()
    offsets = mediapipe_convention().offsets(T[:, :3, 3], T[:, :3, :3], joints)
    assert offsets.shape == (30, 21, 3)
    assert np.abs(offsets).max() < 0.04


def detections_of(keypoints: np.ndarray, time_s: np.ndarray, right: bool) -> HandDetections:
    num = len(time_s)
    pixels, world = np.full((num, 2, 21, 2), np.nan), np.full((num, 2, 21, 3), np.nan)
    pixels[:, 0] = project(CAMERA.K, keypoints)
    world[:, 0] = keypoints - keypoints.mean(1, keepdims=True)
    score, label = np.zeros((num, 2)), np.full((num, 2), np.nan)
    score[:, 0], label[:, 0] = 0.95, 0.95 if right else 0.05
    return HandDetections(time_s, pixels, world, score, label)


def test_a_left_hand_is_the_mirror_image_of_a_right_one():
    time_s, _, _, keypoints = moving_hand()
    left_points = keypoints * np.array([-1.0, 1.0, 1.0])
    tracks = []
    for points, right in ((keypoints, True), (left_points, False)):
        seen = detections_of(points, time_s, right)
        tracks.append(fit_detections(seen, choose_hand(seen), CAMERA, LENGTH_M, landmark_offsets=False))
    right, left = tracks
    assert (right.handedness, left.handedness) == ("right", "left")
    np.testing.assert_allclose(left.keypoints_camera * np.array([-1, 1, 1]), right.keypoints_camera, atol=1e-6)
    np.testing.assert_allclose(left.joint_angles, right.joint_angles, atol=1e-6)
    palm = left.T_camera_wrist[0, :3, 2]
    np.testing.assert_allclose(palm * np.array([-1, 1, 1]), right.T_camera_wrist[0, :3, 2], atol=1e-6)


def test_unknown_hand_length_widens_the_deviation_along_the_ray():
    time_s, _, _, keypoints = moving_hand()
    seen = detections_of(keypoints, time_s, True)
    known = fit_detections(seen, choose_hand(seen), CAMERA, 0.187, landmark_offsets=False)
    unknown = fit_detections(seen, choose_hand(seen), CAMERA, None, landmark_offsets=False)
    np.testing.assert_allclose(known.keypoints_camera, unknown.keypoints_camera)
    more = unknown.wrist_std_m[:, 2] ** 2 - known.wrist_std_m[:, 2] ** 2
    np.testing.assert_allclose(more, (HAND_LENGTH_STD * known.T_camera_wrist[:, 2, 3]) ** 2, rtol=1e-6)


def test_gaps_stay_gaps():
    time_s, _, _, keypoints = moving_hand(40)
    seen = detections_of(keypoints, time_s, True)
    for array in (seen.pixels, seen.world, seen.right):
        array[12:18] = np.nan
    seen.score[12:18] = 0
    track = fit_detections(seen, choose_hand(seen), CAMERA, LENGTH_M, landmark_offsets=False)
    assert (track.status[12:18] == FrameStatus.NO_HAND).all()
    assert np.isnan(track.keypoints_camera[12:18]).all()
    assert np.isnan(track.T_camera_wrist[12:18]).all()
    assert (track.confidence[12:18] == 0).all()
    assert track.valid[:12].all()
    assert track.valid[18:].all()


@pytest.mark.parametrize("fps_factor", [1, 3])
def test_stated_deviation_does_not_shrink_with_the_frame_rate(fps_factor):
    """Landmark errors last longer than a frame: more frames of the same second are not more evidence."""
    num_frames = 20 * fps_factor
    _, _, _, keypoints = moving_hand(num_frames)
    time_s = np.linspace(0, 1.3, num_frames)
    fit = fit_hand(observe(keypoints, time_s), CAMERA.K, HandSkeleton(LENGTH_M), plain_convention())
    std = np.sqrt(fit.covariance[num_frames // 2, 2, 2])
    assert 0.014 < std < 0.05
