"""Rigid transforms: group laws, and points against SciPy."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import RigidTransform, Rotation

from understudy.geometry.rotations import matrix_from_rotation_vector
from understudy.geometry.transforms import apply_transform, inverse_transform, make_transform

POSES = arrays(float, 6, elements=st.floats(-3, 3))
POINTS = arrays(float, (4, 3), elements=st.floats(-5, 5))


def pose(numbers):
    return make_transform(matrix_from_rotation_vector(numbers[:3]), numbers[3:])


@given(POSES)
def test_inverse_agrees_with_scipy(numbers):
    T = pose(numbers)
    np.testing.assert_allclose(inverse_transform(T) @ T, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(inverse_transform(T), RigidTransform.from_matrix(T).inv().as_matrix(), atol=1e-12)


@given(POSES, POSES, POINTS)
def test_points_go_through_a_chain_as_through_the_product(first, second, points):
    T_a_b, T_b_c = pose(first), pose(second)
    through = apply_transform(T_a_b, apply_transform(T_b_c, points))
    np.testing.assert_allclose(through, apply_transform(T_a_b @ T_b_c, points), atol=1e-10)
    np.testing.assert_allclose(
        apply_transform(T_a_b, points), Rotation.from_rotvec(first[:3]).apply(points) + first[3:], atol=1e-12
    )


def test_a_batch_of_transforms_moves_a_batch_of_points():
    rng = np.random.default_rng(0)
    T, points = np.stack([pose(rng.normal(size=6)) for _ in range(5)]), rng.normal(size=(5, 7, 3))
    moved = apply_transform(T, points)
    for i in range(5):
        np.testing.assert_allclose(moved[i], apply_transform(T[i], points[i]), atol=1e-14)
    np.testing.assert_allclose(inverse_transform(T) @ T, np.broadcast_to(np.eye(4), (5, 4, 4)), atol=1e-12)
