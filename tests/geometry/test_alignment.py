"""Alignment: three marked points define a frame and a scale; more points agree with SciPy's least squares."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from understudy.geometry.alignment import align_points, shared_frame, three_point_alignment
from understudy.geometry.rotations import matrix_from_rotation_vector
from understudy.geometry.transforms import apply_transform, inverse_transform, make_transform

POSES = arrays(float, 6, elements=st.floats(-3, 3))
TRIPLES = arrays(float, (3, 3), elements=st.floats(-2, 2))
SCALES = st.floats(0.2, 5.0)


def pose(numbers):
    return make_transform(matrix_from_rotation_vector(numbers[:3]), numbers[3:])


def spread(points):
    return np.linalg.norm(np.cross(points[1] - points[0], points[2] - points[0]))


@given(TRIPLES)
def test_shared_frame_has_origin_axis_and_plane_at_the_marks(points):
    assume(spread(points) > 1e-2)
    T, scale = shared_frame(points)
    local = apply_transform(inverse_transform(T), points)
    np.testing.assert_allclose(local[0], 0, atol=1e-9)
    np.testing.assert_allclose(local[1], [scale, 0, 0], atol=1e-9)
    assert local[2][1] > 0
    assert local[2][2] == pytest.approx(0, abs=1e-9)


@given(POSES, TRIPLES, SCALES)
def test_three_points_recover_a_similarity(numbers, human, scale):
    assume(spread(human) > 1e-2)
    truth = pose(numbers)
    T, found = three_point_alignment(human, apply_transform(truth, scale * human))
    assert found == pytest.approx(scale, rel=1e-9)
    np.testing.assert_allclose(T, truth, atol=1e-7)


def test_three_points_on_one_line_are_refused():
    with pytest.raises(ValueError, match="one line"):
        shared_frame(np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]]))
    with pytest.raises(ValueError, match="one line"):
        shared_frame(np.array([[0.0, 0, 0], [0, 0, 0], [2, 0, 0]]))


@given(st.integers(0, 2**32 - 1))
def test_least_squares_rotation_agrees_with_scipy(seed):
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(6, 3))
    target = apply_transform(pose(rng.normal(size=6)), source) + rng.normal(0, 0.1, (6, 3))
    T, scale = align_points(source, target)
    expected, _ = Rotation.align_vectors(target - target.mean(0), source - source.mean(0))
    assert scale == 1.0
    np.testing.assert_allclose(T[:3, :3], expected.as_matrix(), atol=1e-9)
    np.testing.assert_allclose(T[:3, 3], target.mean(0) - T[:3, :3] @ source.mean(0), atol=1e-12)


@given(POSES, SCALES, st.integers(0, 2**32 - 1))
def test_least_squares_recovers_a_similarity(numbers, scale, seed):
    source, truth = np.random.default_rng(seed).normal(size=(5, 3)), pose(numbers)
    T, found = align_points(source, apply_transform(truth, scale * source), with_scale=True)
    assert found == pytest.approx(scale)
    np.testing.assert_allclose(T, truth, atol=1e-6)


def test_mirrored_points_still_give_a_rotation():
    source = np.random.default_rng(0).normal(size=(8, 3))
    T, _ = align_points(source, source * [1.0, 1.0, -1.0])
    assert np.linalg.det(T[:3, :3]) == pytest.approx(1.0)


def test_two_points_are_too_few():
    with pytest.raises(ValueError, match="at least 3"):
        align_points(np.zeros((2, 3)), np.zeros((2, 3)))
