"""What a camera would tell of a person's clip: the hand tracker and the retargeting run on the clip as it is stored.

The camera is known, and the length of the person's hand, as where people are recorded on purpose: both are measured
once. (Without the length, all distances from the camera would be off by as much as the hand differs from the average,
some 5 %.) Where nothing was seen or solved, rows hold the last good one (before it, the first) and masks say so.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from understudy.embodiments import get_embodiment
from understudy.embodiments.hand_skeleton import HAND_JOINTS
from understudy.episodes.features import Feature, scalar, vector
from understudy.episodes.recording.recorded import KEYPOINT_COLUMNS, WRIST_COLUMNS, wrist_rows
from understudy.errors import BadVideo
from understudy.geometry.transforms import apply_transform
from understudy.perception.track import track_hand
from understudy.perception.video import open_video
from understudy.records import NUM_KEYPOINTS, Camera, FrameStatus, HandTrack
from understudy.retargeting.actions import home_action
from understudy.retargeting.mirror import mirror_left_hand
from understudy.retargeting.retarget import retarget_hand

__all__ = ["tracked_columns", "tracked_features"]

_VALID = "tracked.valid"


def tracked_features(robots: tuple[str, ...]) -> dict[str, Feature]:
    """Columns of the tracked hand, and of what each robot would do for it."""
    features = {
        "action": vector((*WRIST_COLUMNS, *HAND_JOINTS), mask=_VALID),
        _VALID: scalar("bool"),
        "tracked.keypoints": vector(KEYPOINT_COLUMNS, mask=_VALID),
        "tracked.wrist": vector(WRIST_COLUMNS, mask=_VALID),
        "tracked.wrist_std_m": vector(("x", "y", "z"), mask=_VALID),
    }
    for robot in robots:
        name = f"tracked.action.{robot}"
        features[f"{name}.valid"] = scalar("bool")
        features[name] = vector(get_embodiment(robot).action_space.names, mask=f"{name}.valid")
    return features


def tracked_columns(
    clip: Path, camera: Camera, hand_length_m: float, num_frames: int, robots: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """Columns of `tracked_features`; without a hand in the clip, no row is valid.

    Args:
        clip: the video, of `num_frames` frames.
        camera: with its pose.
        hand_length_m: wrist to tip of the middle finger, straight [m].
        num_frames: T.
        robots: whose actions are wanted.
    """
    try:
        track = track_hand(open_video(clip), camera=camera, hand_length_m=hand_length_m)
    except BadVideo:
        return _nothing_seen(num_frames, robots)
    assert camera.T_world_camera is not None
    valid = track.valid
    wrist = np.tile(_NO_WRIST, (num_frames, 1))
    wrist[valid] = wrist_rows(camera.T_world_camera @ track.T_camera_wrist[valid])
    wrist = _held(wrist, valid)
    joints = _held(track.joint_angles, valid)
    columns = {
        "action": np.concatenate([wrist, joints], axis=1),
        _VALID: valid,
        "tracked.keypoints": _held(track.keypoints_camera.reshape(num_frames, -1), valid),
        "tracked.wrist": wrist,
        "tracked.wrist_std_m": _held(track.wrist_std_m, valid),
    }
    for robot in robots:
        columns |= _retargeted(track, camera.T_world_camera, robot)
    return columns


_NO_WRIST = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0])


def _nothing_seen(num_frames: int, robots: tuple[str, ...]) -> dict[str, np.ndarray]:
    none = np.zeros(num_frames, dtype=bool)
    wrist = np.tile(_NO_WRIST, (num_frames, 1))
    columns = {
        "action": np.concatenate([wrist, np.zeros((num_frames, len(HAND_JOINTS)))], axis=1),
        _VALID: none,
        "tracked.keypoints": np.zeros((num_frames, 3 * NUM_KEYPOINTS)),
        "tracked.wrist": wrist,
        "tracked.wrist_std_m": np.zeros((num_frames, 3)),
    }
    for robot in robots:
        name = f"tracked.action.{robot}"
        columns |= {name: np.tile(home_action(get_embodiment(robot)), (num_frames, 1)), f"{name}.valid": none}
    return columns


def _retargeted(track: HandTrack, T_world_camera: Float[np.ndarray, "4 4"], robot: str) -> dict[str, np.ndarray]:
    keypoints = apply_transform(T_world_camera, track.keypoints_camera)
    if track.handedness == "left":  # what the fingertips touch must not move, as things on the table have their places
        keypoints, _ = mirror_left_hand(keypoints, about="hand")
    trajectory = retarget_hand(keypoints, track.status, track.time_s, robot)
    valid = trajectory.status == FrameStatus.OK
    name = f"tracked.action.{robot}"
    return {name: _held(trajectory.actions, valid), f"{name}.valid": valid}


def _held(values: Float[np.ndarray, "T n"], valid: Bool[np.ndarray, " T"]) -> Float[np.ndarray, "T n"]:
    """Rows that are not valid hold the last valid one; before the first, the first; zeros where there is none."""
    if not valid.any():
        return np.zeros_like(values)
    last = np.maximum.accumulate(np.where(valid, np.arange(len(valid)), -1))
    return values[np.where(last >= 0, last, int(valid.argmax()))]
