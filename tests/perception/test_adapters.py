"""Outputs of other trackers, in the layouts they are stored in."""

import numpy as np
import pytest

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.errors import UnderstudyError, UnknownName
from understudy.geometry.cameras import camera_from_fov, project
from understudy.geometry.hand_frame import wrist_frame
from understudy.geometry.rotations import matrix_from_rotation_vector
from understudy.perception.adapters import read_tracker_output
from understudy.records import FrameStatus

NUM_FRAMES = 12
WIDTH, HEIGHT, FOCAL = 640, 480, 900.0
JOINTS = np.array([0.1, 0.2, 0.3, 0.3] + [0.0, 0.5, 0.6, 0.4] * 4)
MANO_ORDER = [0, 5, 6, 7, 9, 10, 11, 17, 18, 19, 13, 14, 15, 1, 2, 3, 8, 12, 20, 16, 4]


def hand() -> tuple[np.ndarray, np.ndarray]:
    """Keypoints about the hand's middle (a right hand) and where that middle is [m]."""
    turn = matrix_from_rotation_vector(np.linspace(0, 0.5, NUM_FRAMES)[:, None] * np.array([0.2, 0.3, 1.0]))
    R = np.array([[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]) @ turn
    local = HandSkeleton().keypoints(JOINTS) @ np.swapaxes(R, 1, 2)
    centre = local.mean(1, keepdims=True)
    place = np.array([0.05, -0.02, 0.7]) + np.linspace(0, 0.1, NUM_FRAMES)[:, None] * np.array([1.0, 0.0, 0.5])
    return local - centre, place


def mesh_content(**changes) -> dict[str, np.ndarray]:
    local, place = hand()
    content = {
        "pred_keypoints_3d": local.astype(np.float32),
        "pred_cam_t_full": place.astype(np.float32),
        "scaled_focal_length": np.array(FOCAL),
        "is_right": np.ones(NUM_FRAMES),
        "img_size": np.array([WIDTH, HEIGHT]),
        "fps": np.array(20.0),
    }
    return {key: value for key, value in (content | changes).items() if value is not None}


@pytest.mark.parametrize("layout", ["wilor", "hamer"])
def test_mesh_trackers_are_taken_as_they_are(tmp_path, layout):
    valid = np.ones(NUM_FRAMES, bool)
    valid[4] = False
    np.savez(tmp_path / "out.npz", **mesh_content(valid=valid))
    track = read_tracker_output(tmp_path / "out.npz", layout)
    local, place = hand()
    points = local + place[:, None]
    np.testing.assert_allclose(track.keypoints_camera[valid], points[valid], atol=1e-6)
    np.testing.assert_allclose(track.T_camera_wrist[valid], wrist_frame(points[valid]), atol=1e-5)
    np.testing.assert_allclose(track.time_s, np.arange(NUM_FRAMES) / 20.0)
    assert track.status[4] == FrameStatus.NO_HAND
    assert np.isnan(track.keypoints_camera[4]).all()
    assert track.camera.K[0, 0] == FOCAL
    assert (track.handedness, track.source) == ("right", layout)
    assert track.hand_length_m == pytest.approx(HandSkeleton().hand_length_m, rel=0.01)
    assert np.abs(track.joint_angles[valid] - JOINTS).mean() < 0.05


def test_hand_length_scales_hand_and_distance_together(tmp_path):
    np.savez(tmp_path / "out.npz", **mesh_content())
    plain = read_tracker_output(tmp_path / "out.npz", "wilor")
    half = read_tracker_output(tmp_path / "out.npz", "wilor", hand_length_m=plain.hand_length_m / 2)
    np.testing.assert_allclose(half.keypoints_camera, plain.keypoints_camera / 2, rtol=1e-6)
    np.testing.assert_allclose(half.residual_px, 0.0, atol=1e-3)


def test_known_camera_moves_the_hand_along_its_ray(tmp_path):
    np.savez(tmp_path / "out.npz", **mesh_content())
    camera = camera_from_fov(WIDTH, HEIGHT, 40.0)
    track = read_tracker_output(tmp_path / "out.npz", "hamer", camera=camera)
    own = read_tracker_output(tmp_path / "out.npz", "hamer")
    assert np.abs(project(camera.K, track.keypoints_camera) - own.keypoints_px).max() < 12


@pytest.mark.parametrize("stored_as_right", [True, False])
def test_left_hands_end_as_left_hands(tmp_path, stored_as_right):
    local, _ = hand()
    shape = local if stored_as_right else local * np.array([-1, 1, 1])
    np.savez(tmp_path / "out.npz", **mesh_content(is_right=np.array(0), pred_keypoints_3d=shape))
    track = read_tracker_output(tmp_path / "out.npz", "wilor")
    assert track.handedness == "left"
    centred = track.keypoints_camera - track.keypoints_camera.mean(1, keepdims=True)
    np.testing.assert_allclose(centred, local * np.array([-1, 1, 1]), atol=1e-6)
    assert np.abs(track.joint_angles - JOINTS).mean() < 0.05


def test_mediapipe_landmarks_are_fitted(tmp_path):
    local, place = hand()
    camera = camera_from_fov(WIDTH, HEIGHT, 40.0)
    points = local + place[:, None]
    content = {
        "landmarks_px": project(camera.K, points),
        "world_landmarks": local,
        "is_right": np.array(True),
        "img_size": np.array([WIDTH, HEIGHT]),
        "time_s": np.arange(NUM_FRAMES) / 15.0,
    }
    np.savez(tmp_path / "out.npz", **content)
    track = read_tracker_output(tmp_path / "out.npz", "mediapipe", camera=camera, hand_length_m=0.187)
    assert track.valid.all()
    assert np.linalg.norm(track.T_camera_wrist[:, :3, 3] - points[:, 0], axis=1).mean() < 0.03
    assert track.source == "mediapipe"


def refused(tmp_path, match: str, layout: str = "wilor", **changes) -> None:
    np.savez(tmp_path / "out.npz", **mesh_content(**changes))
    with pytest.raises(UnderstudyError, match=match) as caught:
        read_tracker_output(tmp_path / "out.npz", layout)
    assert "\n" not in str(caught.value)


def test_missing_keys_are_named(tmp_path):
    refused(tmp_path, "without pred_cam_t_full, scaled_focal_length", pred_cam_t_full=None, scaled_focal_length=None)


def test_manos_own_order_is_refused(tmp_path):
    refused(tmp_path, "not in the usual order", pred_keypoints_3d=hand()[0][:, MANO_ORDER])


def test_millimetres_are_refused(tmp_path):
    refused(tmp_path, "must be in metres", pred_keypoints_3d=hand()[0] * 1000)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"pred_keypoints_3d": np.zeros((NUM_FRAMES, 778, 3))}, "pred_keypoints_3d is"),
        ({"pred_cam_t_full": np.zeros((3, 3))}, "pred_cam_t_full is"),
        ({"valid": np.zeros(NUM_FRAMES)}, "no frame with a hand"),
        ({"valid": np.ones(3)}, "valid has 3 values"),
        ({"time_s": np.zeros(NUM_FRAMES)}, "time_s must increase"),
        ({"fps": np.array(0.0)}, "fps"),
        ({"pred_cam_t_full": np.zeros((NUM_FRAMES, 3))}, "behind the camera"),
        ({"scaled_focal_length": np.array(0.0)}, "focal length"),
        ({"pred_keypoints_3d": np.full((NUM_FRAMES, 21, 3), "a")}, "not numbers"),
    ],
)
def test_bad_content_is_named(tmp_path, changes, match):
    refused(tmp_path, match, **changes)


def test_objects_are_not_unpickled(tmp_path):
    refused(tmp_path, "objects are not read", pred_keypoints_3d=np.array([{}], dtype=object))


def test_unknown_layouts_list_the_valid_ones(tmp_path):
    with pytest.raises(UnknownName, match="hamer, mediapipe, wilor"):
        read_tracker_output(tmp_path / "out.npz", "frankmocap")


def test_no_such_file(tmp_path):
    with pytest.raises(UnderstudyError, match="no such file"):
        read_tracker_output(tmp_path / "out.npz", "wilor")
