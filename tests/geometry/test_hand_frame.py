"""The wrist frame by its equations, for both hands, and against the definition that dex_retargeting uses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.geometry.hand_frame import (
    FRAME_CONVENTIONS,
    convert_wrist_rotation,
    mirror_keypoints,
    wrist_frame,
    wrist_quaternion,
    wrist_quaternions,
    wrist_rotation_vector,
)
from understudy.geometry.rotations import matrix_from_quaternion, matrix_from_rotation_vector, rotation_angle
from understudy.geometry.transforms import apply_transform, make_transform

WRIST, INDEX, MIDDLE, LITTLE = 0, 5, 9, 17
POSES = arrays(float, 6, elements=st.floats(-3, 3))
SHARES = arrays(float, 20, elements=st.floats(0, 1))


def hand(shares):
    limits = HandSkeleton().limits
    return HandSkeleton().keypoints(limits[:, 0] + shares * np.ptp(limits, axis=1))


def pose(numbers):
    return make_transform(matrix_from_rotation_vector(numbers[:3]), numbers[3:])


@given(POSES, SHARES)
def test_frame_of_a_posed_hand_is_its_pose(numbers, shares):
    T = pose(numbers)
    np.testing.assert_allclose(wrist_frame(apply_transform(T, hand(shares))), T, atol=1e-9)


@given(POSES)
def test_equations_9_to_11_hold(numbers):
    points = apply_transform(pose(numbers), hand(np.full(20, 0.5)))
    R, p = wrist_frame(points)[:3, :3], wrist_frame(points)[:3, 3]
    along = points[MIDDLE] - points[WRIST]
    across = np.cross(points[INDEX] - points[WRIST], along)
    np.testing.assert_array_equal(p, points[WRIST])
    np.testing.assert_allclose(R[:, 0], along / np.linalg.norm(along), atol=1e-12)
    np.testing.assert_allclose(R[:, 2], across / np.linalg.norm(across), atol=1e-12)
    np.testing.assert_allclose(R[:, 1], np.cross(R[:, 2], R[:, 0]), atol=1e-12)
    assert np.linalg.det(R) == pytest.approx(1.0)


def test_palm_is_where_closed_fingers_go_for_both_hands():
    skeleton = HandSkeleton()
    flat, closed = np.zeros(20), np.zeros(20)
    closed[[5, 9, 13, 17]] = 1.2
    for handedness, mirrored in (("right", False), ("left", True)):
        open_hand, fist = skeleton.keypoints(flat), skeleton.keypoints(closed)
        if mirrored:
            open_hand, fist = mirror_keypoints(open_hand, axis=1), mirror_keypoints(fist, axis=1)
        palm = wrist_frame(open_hand, handedness)[:3, 2]
        assert ((fist - open_hand)[[8, 12, 16, 20]] @ palm > 0.03).all()


@given(POSES)
def test_a_left_hand_is_a_mirrored_right_one(numbers):
    points = apply_transform(pose(numbers), hand(np.full(20, 0.3)))
    right = wrist_frame(points)
    left = wrist_frame(mirror_keypoints(points, axis=1), "left")
    mirror = np.diag([1.0, -1.0, 1.0])
    # x and z are mirrored as directions; y, a cross product, is mirrored and turned.
    np.testing.assert_allclose(left[:3, 0], mirror @ right[:3, 0], atol=1e-9)
    np.testing.assert_allclose(left[:3, 2], mirror @ right[:3, 2], atol=1e-9)
    np.testing.assert_allclose(left[:3, 1], -(mirror @ right[:3, 1]), atol=1e-9)


@given(POSES, st.integers(0, 2))
def test_mirroring_twice_changes_nothing(numbers, axis):
    points = apply_transform(pose(numbers), hand(np.full(20, 0.3)))
    before = points.copy()
    np.testing.assert_array_equal(mirror_keypoints(mirror_keypoints(points, axis), axis), before)
    np.testing.assert_array_equal(points, before)


def operator_frame(points):
    """The hand frame of dex_retargeting's examples.

    x from middle knuckle to wrist, y normal to the plane through wrist, index and middle knuckle, z on the index
    finger's side of the middle one.
    """
    three = points[[WRIST, INDEX, MIDDLE]]
    normal = np.linalg.svd(three - three.mean(0))[2][2]
    x = three[0] - three[2]
    x -= (x @ normal) * normal
    x /= np.linalg.norm(x)
    z = np.cross(x, normal)
    if z @ (three[1] - three[2]) < 0:
        normal, z = -normal, -z
    return np.stack([x, normal, z], axis=1)


@given(POSES, SHARES)
def test_dex_retargeting_rotation_maps_to_ours(numbers, shares):
    points = apply_transform(pose(numbers), hand(shares))
    ours = convert_wrist_rotation(operator_frame(points), "dex_retargeting")
    np.testing.assert_allclose(ours, wrist_frame(points)[:3, :3], atol=1e-7)


def test_mano_axes_at_rest():
    # MANO's right hand at rest: fingers along -x, palm towards -y, index finger on the +z side of the little one.
    flat = hand(np.zeros(20))
    R_ours_mano = FRAME_CONVENTIONS["mano_right"]
    in_mano = flat @ R_ours_mano
    fingers, across = in_mano[MIDDLE] - in_mano[WRIST], in_mano[INDEX] - in_mano[LITTLE]
    assert np.argmax(np.abs(fingers)) == 0
    assert fingers[0] < 0
    assert np.argmax(np.abs(across)) == 2
    assert across[2] > 0
    np.testing.assert_allclose(R_ours_mano.T @ [0, 0, 1], [0, -1, 0])


@pytest.mark.parametrize("name", FRAME_CONVENTIONS)
def test_conventions_are_rotations(name):
    R = FRAME_CONVENTIONS[name]
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-15)
    assert np.linalg.det(R) == pytest.approx(1.0)


def test_errors_name_what_is_wrong():
    with pytest.raises(ValueError, match="valid: understudy, dex_retargeting, mano_right"):
        convert_wrist_rotation(np.eye(3), "shadow")
    with pytest.raises(ValueError, match="one line"):
        wrist_frame(np.zeros((21, 3)))


@given(POSES)
def test_wrist_rotations_are_the_same_rotation_within_the_action_space(numbers):
    R = pose(numbers)[:3, :3]
    vector = wrist_rotation_vector(R)
    assert np.abs(vector).max() <= np.pi + 1e-9
    assert rotation_angle(matrix_from_rotation_vector(vector), R) < 1e-6
    assert rotation_angle(matrix_from_quaternion(wrist_quaternion(R)), R) < 1e-6


def test_wrist_rotations_of_a_reaching_hand_do_not_flip():
    """A palm that faces down is half a turn away from the axes: rolling it to either side must stay one number."""
    rolls = np.linspace(-0.6, 0.6, 25)
    turns = np.stack([rolls, np.full(25, 0.0), np.zeros(25)], axis=1)
    down = np.array([[np.cos(1.2), 0.0, -np.sin(1.2)], [0.0, -1.0, 0.0], [-np.sin(1.2), 0.0, -np.cos(1.2)]])
    R = matrix_from_rotation_vector(turns) @ down
    assert np.abs(np.diff(wrist_rotation_vector(R), axis=0)).max() < 0.1
    assert np.abs(np.diff(wrist_quaternion(R), axis=0)).max() < 0.1
    assert np.allclose(wrist_quaternions(R), wrist_quaternion(R))
    assert (wrist_quaternions(R)[:, 1] > 0).all()


@given(POSES)
def test_rotations_far_from_half_a_turn_are_written_plainly(numbers):
    vector = numbers[:3] * (2.3 / max(float(np.linalg.norm(numbers[:3])), 2.3))
    assert np.allclose(wrist_rotation_vector(matrix_from_rotation_vector(vector)), vector, atol=1e-6)
