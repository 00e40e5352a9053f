"""Rotations against SciPy, on random and on awkward ones: tiny angles, half turns, zero scalar parts."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from understudy.geometry.rotations import (
    canonical_quaternion,
    continuous_quaternions,
    matrix_from_quaternion,
    matrix_from_rotation_6d,
    matrix_from_rotation_vector,
    quaternion_from_matrix,
    rotation_6d_from_matrix,
    rotation_angle,
    rotation_vector_from_matrix,
    skew,
)

VECTORS = arrays(float, 3, elements=st.floats(-3, 3))
QUATERNIONS = arrays(float, 4, elements=st.floats(-2, 2)).filter(lambda q: np.linalg.norm(q) > 1e-3)


@given(VECTORS)
def test_exponential_agrees_with_scipy(vector):
    np.testing.assert_allclose(
        matrix_from_rotation_vector(vector), Rotation.from_rotvec(vector).as_matrix(), atol=1e-12
    )


@given(VECTORS, st.integers(-14, -4))
def test_exponential_is_exact_near_zero(vector, power):
    tiny = vector * 10.0**power
    np.testing.assert_allclose(matrix_from_rotation_vector(tiny), Rotation.from_rotvec(tiny).as_matrix(), atol=1e-14)


@given(VECTORS)
def test_logarithm_undoes_the_exponential(vector):
    angle = np.linalg.norm(vector)
    assume(angle < np.pi - 1e-3)
    np.testing.assert_allclose(rotation_vector_from_matrix(matrix_from_rotation_vector(vector)), vector, atol=1e-7)


@given(QUATERNIONS)
def test_quaternion_and_matrix_agree_with_scipy(quaternion):
    R = matrix_from_quaternion(quaternion)
    np.testing.assert_allclose(R, Rotation.from_quat(quaternion, scalar_first=True).as_matrix(), atol=1e-12)
    np.testing.assert_allclose(matrix_from_quaternion(quaternion_from_matrix(R)), R, atol=1e-12)


@given(QUATERNIONS)
def test_canonical_quaternion_is_the_same_rotation_in_one_hemisphere(quaternion):
    unit = canonical_quaternion(quaternion)
    assert np.linalg.norm(unit) == pytest.approx(1.0)
    assert unit[0] >= -1e-12
    np.testing.assert_allclose(unit, canonical_quaternion(-quaternion), atol=1e-12)
    np.testing.assert_allclose(matrix_from_quaternion(unit), matrix_from_quaternion(quaternion), atol=1e-12)


@pytest.mark.parametrize(
    ("quaternion", "expected"),
    [([0, -1, 0, 0], [0, 1, 0, 0]), ([0, 0, 0, -2.0], [0, 0, 0, 1]), ([-1, 0, 0, 0], [1, 0, 0, 0])],
)
def test_half_turns_have_one_representative(quaternion, expected):
    np.testing.assert_array_equal(canonical_quaternion(np.array(quaternion, float)), np.array(expected, float))


@given(arrays(float, (9, 4), elements=st.floats(-1, 1)), st.integers(0, 2**9 - 1))
def test_continuous_quaternions_undo_any_sign_flips(steps, flips):
    path = np.cumsum(0.1 * steps, axis=0) + np.array([1.0, 0, 0, 0])
    assume(np.linalg.norm(path, axis=-1).min() > 0.3)
    path /= np.linalg.norm(path, axis=-1, keepdims=True)
    assume(np.abs(np.einsum("ti,ti->t", path[1:], path[:-1])).min() > 1e-3)
    signs = np.array([1.0 if flips >> i & 1 else -1.0 for i in range(9)])
    result = continuous_quaternions(path * signs[:, None])
    assert result[0, 0] >= 0
    assert np.einsum("ti,ti->t", result[1:], result[:-1]).min() > 0
    np.testing.assert_allclose(matrix_from_quaternion(result), matrix_from_quaternion(path), atol=1e-9)


def test_continuous_quaternions_step_over_gaps():
    row, gap = np.array([0.8, 0.6, 0.0, 0.0]), np.full(4, np.nan)
    result = continuous_quaternions(np.stack([gap, -row, gap, gap, -row, row]))
    np.testing.assert_array_equal(result, np.stack([gap, row, gap, gap, row, row]))
    assert np.isnan(continuous_quaternions(np.stack([gap, gap]))).all()


@given(VECTORS)
def test_six_numbers_carry_a_rotation_whatever_their_length(vector):
    R = matrix_from_rotation_vector(vector)
    six = rotation_6d_from_matrix(R)
    np.testing.assert_allclose(matrix_from_rotation_6d(six), R, atol=1e-12)
    np.testing.assert_allclose(matrix_from_rotation_6d(3.0 * six), R, atol=1e-12)


@given(VECTORS, VECTORS)
def test_angle_between_rotations_agrees_with_scipy(first, second):
    a, b = Rotation.from_rotvec(first), Rotation.from_rotvec(second)
    ours = rotation_angle(a.as_matrix(), b.as_matrix())
    assert float(ours) == pytest.approx((a.inv() * b).magnitude(), abs=1e-7)


@given(VECTORS, VECTORS)
def test_skew_is_the_cross_product(a, b):
    np.testing.assert_allclose(skew(a) @ b, np.cross(a, b), atol=1e-12)
    np.testing.assert_array_equal(skew(a), -skew(a).T)


def test_batches_are_the_single_results():
    vectors = np.random.default_rng(0).normal(size=(2, 3, 3))
    batch = matrix_from_rotation_vector(vectors)
    for index in np.ndindex(2, 3):
        np.testing.assert_allclose(batch[index], matrix_from_rotation_vector(vectors[index]), atol=1e-15)
        np.testing.assert_allclose(quaternion_from_matrix(batch)[index], quaternion_from_matrix(batch[index]))
