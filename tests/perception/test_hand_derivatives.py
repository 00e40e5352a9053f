"""Analytic derivatives of the hand's keypoints and of every term of the fit, against finite differences."""

import numpy as np
import pytest

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.geometry.cameras import camera_from_fov
from understudy.geometry.rotations import matrix_from_rotation_vector
from understudy.perception.hand_jacobian import keypoints_with_jacobian
from understudy.perception.hand_motion import MotionTerms, MotionWeights
from understudy.perception.hand_solver import moved
from understudy.perception.hand_terms import FrameTerms, HandObservations, HandState, TermWeights
from understudy.perception.landmark_calibration import NUM_FEATURES, LandmarkConvention

NUM_FRAMES = 5
STEP = 1e-6
CAMERA = camera_from_fov(640, 480, 50.0)
SKELETON = HandSkeleton(0.18)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.fixture
def offsets(rng) -> np.ndarray:
    return rng.normal(0, 0.004, (NUM_FRAMES, 21, 3))


@pytest.fixture
def state(rng) -> HandState:
    low, high = SKELETON.limits.T
    joints = rng.uniform(low - 0.1, high + 0.1, (NUM_FRAMES, 20))  # some lie beyond their limits
    rotation = matrix_from_rotation_vector(rng.normal(0, 0.6, (NUM_FRAMES, 3)) + np.array([0.3, 2.0, 0.1]))
    return HandState(rng.normal(0, 0.1, (NUM_FRAMES, 3)) + np.array([0.0, 0.0, 0.9]), rotation, joints)


def numeric_gradient(function, state: HandState) -> np.ndarray:
    gradient = np.zeros((NUM_FRAMES, 26))
    for t in range(NUM_FRAMES):
        for i in range(26):
            step = np.zeros((NUM_FRAMES, 26))
            step[t, i] = STEP
            gradient[t, i] = (function(moved(state, step)) - function(moved(state, -step))) / (2 * STEP)
    return gradient


def test_keypoints_without_offsets_are_the_skeletons_own(state):
    points, _ = keypoints_with_jacobian(SKELETON, state.joints, np.zeros((NUM_FRAMES, 21, 3)))
    np.testing.assert_allclose(points, SKELETON.keypoints(state.joints), atol=1e-12)


def test_keypoint_jacobian(state, offsets):
    _, J = keypoints_with_jacobian(SKELETON, state.joints, offsets)
    for joint in range(20):
        step = np.zeros(20)
        step[joint] = STEP
        ahead, _ = keypoints_with_jacobian(SKELETON, state.joints + step, offsets)
        behind, _ = keypoints_with_jacobian(SKELETON, state.joints - step, offsets)
        np.testing.assert_allclose(J[..., joint], (ahead - behind) / (2 * STEP), atol=1e-8)


def test_gradient_of_the_frame_terms(rng, state):
    time_s = np.array([0.0, 0.05, 0.15, 0.2, 0.6])
    seen = rng.normal(0, 40, (NUM_FRAMES, 21, 2)) + 300
    observations = HandObservations(time_s, seen, rng.normal(0, 0.05, (NUM_FRAMES, 21, 3)))
    convention = LandmarkConvention(rng.normal(0, 0.002, (21, NUM_FEATURES, 3)), np.linspace(1, 2, 21))
    terms = FrameTerms(SKELETON, convention, CAMERA.K, observations, TermWeights())
    terms.place_landmarks(state)
    _, gradient, _ = terms.linearised(state)
    expected = numeric_gradient(lambda s: terms.linearised(s)[0].sum(), state)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-3 * np.abs(expected).max())


def test_gradient_of_the_motion_terms_with_uneven_frames(state):
    terms = MotionTerms(np.array([0.0, 0.05, 0.15, 0.2, 0.6]), MotionWeights())
    gradient, *_ = terms.linearised(state)
    expected = numeric_gradient(terms.cost, state)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())


def test_motion_at_constant_velocity_costs_nothing():
    time_s = np.array([0.0, 0.02, 0.1, 0.15])
    velocity = np.array([0.3, -0.2, 0.1])
    rotation = matrix_from_rotation_vector(time_s[:, None] * np.array([0.5, 1.0, -0.7]))
    state = HandState(time_s[:, None] * velocity, rotation, time_s[:, None] * np.ones(20))
    assert MotionTerms(time_s, MotionWeights()).cost(state) < 1e-20
