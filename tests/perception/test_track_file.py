"""A track on disk is the track; anything else is refused with one line."""

from dataclasses import fields, replace

import numpy as np
import pytest

from understudy.errors import UnderstudyError
from understudy.geometry.cameras import camera_from_fov
from understudy.perception.track_file import load_hand_track, save_hand_track
from understudy.records import FrameStatus, HandTrack

NUM_FRAMES = 6


def some_track() -> HandTrack:
    rng = np.random.default_rng(0)
    camera = camera_from_fov(320, 240, 50.0)
    status = np.zeros(NUM_FRAMES, np.int8)
    status[2] = FrameStatus.NO_HAND
    keypoints = rng.normal(size=(NUM_FRAMES, 21, 3))
    keypoints[2] = np.nan
    return HandTrack(
        time_s=np.arange(NUM_FRAMES) / 10,
        status=status,
        confidence=rng.uniform(size=NUM_FRAMES),
        keypoints_px=rng.normal(size=(NUM_FRAMES, 21, 2)),
        keypoints_camera=keypoints,
        T_camera_wrist=rng.normal(size=(NUM_FRAMES, 4, 4)),
        joint_angles=rng.normal(size=(NUM_FRAMES, 20)),
        wrist_std_m=rng.uniform(size=(NUM_FRAMES, 3)),
        residual_px=rng.uniform(size=NUM_FRAMES),
        handedness="left",
        hand_length_m=0.18,
        camera=camera,
        source="mediapipe",
    )


@pytest.mark.parametrize("with_pose", [False, True])
def test_round_trip(tmp_path, with_pose):
    track = some_track()
    if with_pose:
        track = replace(track, camera=replace(track.camera, T_world_camera=np.eye(4)))
    path = tmp_path / "folder" / "track.npz"
    save_hand_track(path, track)
    assert [file.name for file in path.parent.iterdir()] == ["track.npz"]
    loaded = load_hand_track(path)
    for field in fields(HandTrack):
        ours, theirs = getattr(track, field.name), getattr(loaded, field.name)
        if isinstance(ours, np.ndarray):
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype
        elif field.name != "camera":
            assert ours == theirs
    np.testing.assert_array_equal(loaded.camera.K, track.camera.K)
    assert (loaded.camera.T_world_camera is not None) == with_pose


def test_no_such_file(tmp_path):
    with pytest.raises(UnderstudyError, match="no such file"):
        load_hand_track(tmp_path / "nothing.npz")


def test_a_text_file(tmp_path):
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(UnderstudyError, match="not a hand track"):
        load_hand_track(tmp_path / "text.npz")


def test_another_npz(tmp_path):
    np.savez(tmp_path / "other.npz", time_s=np.zeros(3))
    with pytest.raises(UnderstudyError, match="format"):
        load_hand_track(tmp_path / "other.npz")


def test_pickled_objects_are_not_read(tmp_path):
    np.savez(tmp_path / "objects.npz", format=np.array({"a": 1}, dtype=object))
    with pytest.raises(UnderstudyError, match="not a hand track"):
        load_hand_track(tmp_path / "objects.npz")


@pytest.mark.parametrize("name", ["status", "keypoints_camera"])
def test_missing_and_misshapen_arrays_are_named(tmp_path, name):
    path = tmp_path / "track.npz"
    save_hand_track(path, some_track())
    with np.load(path) as file:
        content = {key: file[key] for key in file.files}
    np.savez(path, **{key: value for key, value in content.items() if key != name})
    with pytest.raises(UnderstudyError, match=f"without {name}"):
        load_hand_track(path)
    np.savez(path, **content | {name: content[name][:-1]})
    with pytest.raises(UnderstudyError, match=name):
        load_hand_track(path)
