"""What a camera would tell of a person's clip: the hand tracker and the retargeting run on the clip as it is stored.

The track is what was seen of the hand. Robots' actions are of the hand put where it must have been, by what the clip
shows of the things on the table (`retargeting.anchored`): trackers err by centimetres along a camera's rays.
The camera is known, and the length of the person's hand, as where people are recorded on purpose: both are measured
once. (Without the length, all distances from the camera would be off by as much as the hand differs from the average,
some 5 %.) Where nothing was seen or solved, rows hold the last good one (before it, the first) and masks say so. Where
a clip has no good row at all, they hold a hand or robot at rest: a row in the midst of real ones widens no range.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8

from understudy.embodiments import get_embodiment
from understudy.embodiments.hand_skeleton import HAND_JOINTS, HandSkeleton
from understudy.episodes.features import Feature, scalar, vector
from understudy.episodes.recording.recorded import KEYPOINT_COLUMNS, WRIST_COLUMNS, wrist_rows
from understudy.errors import BadVideo
from understudy.geometry.rotations import matrix_from_quaternion
from understudy.geometry.transforms import apply_transform, inverse_transform, make_transform
from understudy.perception.track import track_hand
from understudy.perception.video import open_video, read_frames
from understudy.records import Camera, FrameStatus, HandTrack
from understudy.retargeting.actions import home_action
from understudy.retargeting.anchored import AnchoredHand, anchor_hand
from understudy.retargeting.mirror import mirror_left_hand
from understudy.retargeting.retarget import retarget_hand

__all__ = ["action_columns", "action_features", "tracked_columns", "tracked_features"]

_VALID = "tracked.valid"
_RESTING_WRIST = np.array([0.37, 0.0, 0.2, 0.0, 0.951, 0.0, -0.309])
"""A hand above the middle of the table, in the world [m] and as a quaternion: about the median of all clips."""
_RESTING_JOINTS = np.array(
    [0.14, 0.26, 0.27, 0.25, 0.0, 0.35, 0.38, 0.22, 0.0, 0.37, 0.71, 0.47, 0.0, 0.6, 0.6, 0.3, 0.0, 0.68, 0.59, 0.3]
)
"""Its joint angles [rad], likewise."""
_RESTING_STD_M = np.array([0.01, 0.01, 0.03])
"""As uncertain as trackers are, along the camera's axes [m]."""


def tracked_features(robots: tuple[str, ...]) -> dict[str, Feature]:
    """Columns of the tracked hand, and of what each robot would do for it."""
    features = {
        "action": vector((*WRIST_COLUMNS, *HAND_JOINTS), mask=_VALID),
        _VALID: scalar("bool"),
        "tracked.keypoints": vector(KEYPOINT_COLUMNS, mask=_VALID),
        "tracked.wrist": vector(WRIST_COLUMNS, mask=_VALID),
        "tracked.wrist_std_m": vector(("x", "y", "z"), mask=_VALID),
    }
    return features | action_features(robots)


def action_features(robots: tuple[str, ...]) -> dict[str, Feature]:
    """Columns of `action_columns`."""
    features: dict[str, Feature] = {}
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
    track = _track(clip, camera, hand_length_m)
    assert camera.T_world_camera is not None
    if track is None:
        valid = np.zeros(num_frames, dtype=bool)
        wrist, joints, std_m = _RESTING_WRIST[None], _RESTING_JOINTS[None], _RESTING_STD_M[None]
        keypoints = _resting_keypoints(camera, hand_length_m)[None]
    else:
        valid = track.valid
        wrist = wrist_rows(camera.T_world_camera @ track.T_camera_wrist[valid])
        joints, std_m, keypoints = (
            rows[valid] for rows in (track.joint_angles, track.wrist_std_m, track.keypoints_camera)
        )
    columns = {
        "action": _held(np.concatenate([wrist, joints], axis=1), valid),
        _VALID: valid,
        "tracked.keypoints": _held(keypoints.reshape(len(keypoints), -1), valid),
        "tracked.wrist": _held(wrist, valid),
        "tracked.wrist_std_m": _held(std_m, valid),
    }
    return columns | action_columns(track, (image for _, image in read_frames(open_video(clip))), robots, num_frames)


def action_columns(
    track: HandTrack | None, frames: Iterable[UInt8[np.ndarray, "H W 3"]], robots: tuple[str, ...], num_frames: int
) -> dict[str, np.ndarray]:
    """What each robot would do for the hand, and which rows say so.

    Args:
        track: of `num_frames` frames, with the camera's pose and the person's own length of hand; None without a hand.
        frames: the clip, image by image.
        robots: whose actions are wanted.
        num_frames: T.
    """
    hand = None
    if track is not None and robots:
        hand = anchor_hand(track, frames, track.camera, known_length=True)
    columns: dict[str, np.ndarray] = {}
    for robot in robots:
        columns |= _retargeted(track, hand, robot, num_frames)
    return columns


def _track(clip: Path, camera: Camera, hand_length_m: float) -> HandTrack | None:
    """None where no hand was seen and solved in any frame."""
    try:
        track = track_hand(open_video(clip), camera=camera, hand_length_m=hand_length_m)
    except BadVideo:
        return None
    return track if track.valid.any() else None


def _resting_keypoints(camera: Camera, hand_length_m: float) -> Float[np.ndarray, "21 3"]:
    """Keypoints of the hand at rest in the camera frame [m]."""
    assert camera.T_world_camera is not None
    T_world_wrist = make_transform(matrix_from_quaternion(_RESTING_WRIST[3:]), _RESTING_WRIST[:3])
    points = HandSkeleton(hand_length_m).keypoints(_RESTING_JOINTS)
    return apply_transform(inverse_transform(camera.T_world_camera) @ T_world_wrist, points)


def _retargeted(
    track: HandTrack | None, hand: AnchoredHand | None, robot: str, num_frames: int
) -> dict[str, np.ndarray]:
    name = f"tracked.action.{robot}"
    space, home = get_embodiment(robot).action_space, home_action(get_embodiment(robot))[None]
    if track is None or hand is None:
        none = np.zeros(num_frames, dtype=bool)
        return {name: _held(home, none), f"{name}.valid": none}
    keypoints = hand.keypoints
    if track.handedness == "left":  # what the fingertips touch must not move, as things on the table have their places
        keypoints, _ = mirror_left_hand(keypoints, about="hand")
    trajectory = retarget_hand(keypoints, track.status, track.time_s, robot, grasps=hand.grasps)
    valid = trajectory.status == FrameStatus.OK
    valid &= ((trajectory.actions >= space.low) & (trajectory.actions <= space.high)).all(axis=1)
    return {name: _held(trajectory.actions[valid] if valid.any() else home, valid), f"{name}.valid": valid}


def _held(values: Float[np.ndarray, "V n"], valid: Bool[np.ndarray, " T"]) -> Float[np.ndarray, "T n"]:
    """Valid rows in their places; the others hold the last valid one, before the first the first.

    Args:
        values: the valid rows; where there is none, the one row that stands in all places.
        valid: which of the T places they are for.
    """
    return values[np.maximum(np.cumsum(valid) - 1, 0)]
