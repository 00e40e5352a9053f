"""One watched video as a LeRobot v3 data set of one episode: what was seen, what was fitted, what the robot does."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from understudy.embodiments import get_embodiment
from understudy.episodes.features import Feature, scalar, vector, video
from understudy.episodes.writer import EpisodeWriter
from understudy.evaluation.watch_frames import counted, even_size, resized
from understudy.perception.video import read_frames
from understudy.records import KEYPOINT_NAMES, FrameStatus, HandTrack, HumanVideo, RobotTrajectory

__all__ = ["LONGEST_SIDE_PX", "write_data_set"]

LONGEST_SIDE_PX = 640
"""Frames of the data set are reduced to this; the hand stays as well visible as policies can use."""
_FILLER = 0.0
"""Stands where nothing was seen or solved; the masks `tracked.valid` and `action.valid` say so."""
_PROMPT = "observation.images.prompt"


def write_data_set(
    root: Path,
    human_video: HumanVideo,
    track: HandTrack,
    trajectory: RobotTrajectory,
    task: str,
    *,
    allow_partial: bool = False,
    advance: Callable[[int], None],
) -> None:
    """Write the data set to `root`, in the place of an earlier one. Row i is frame i of the video."""
    size = even_size(human_video.width, human_video.height, LONGEST_SIDE_PX)
    data = _columns(track, trajectory)

    def frames() -> Iterator[UInt8[np.ndarray, "H W 3"]]:
        for _, image in read_frames(human_video, allow_partial):
            yield resized(image, *size)

    features = _features(track, trajectory, size)
    with EpisodeWriter(root, human_video.fps, features, trajectory.robot, replace=True) as writer:
        writer.add_episode(data, {_PROMPT: counted(frames(), advance)}, task)


def _features(track: HandTrack, trajectory: RobotTrajectory, size: tuple[int, int]) -> dict[str, Feature]:
    actions = get_embodiment(trajectory.robot).action_space.names
    points = [f"{name}.{axis}" for name in KEYPOINT_NAMES for axis in "xyz"]
    pixels = [f"{name}.{axis}" for name in KEYPOINT_NAMES for axis in "uv"]
    return {
        _PROMPT: video(size[1], size[0]),
        "action": vector(actions, mask="action.valid"),
        "observation.state": vector(trajectory.joint_names, mask="action.valid"),
        "action.valid": scalar("bool"),
        "action.status": scalar("int64"),
        "action.residual_m": scalar("float32", mask="action.valid"),
        "tracked.keypoints_camera": vector(tuple(points), mask="tracked.valid"),
        "tracked.keypoints_px": vector(tuple(pixels), mask="tracked.valid"),
        "tracked.wrist_std_m": vector(("x", "y", "z"), mask="tracked.valid"),
        "tracked.residual_px": scalar("float32", mask="tracked.valid"),
        "tracked.valid": scalar("bool"),
        "tracked.status": scalar("int64"),
        "time_s": scalar("float32"),
    }


def _columns(track: HandTrack, trajectory: RobotTrajectory) -> dict[str, np.ndarray]:
    num_frames, valid = track.num_frames, track.valid
    solved = trajectory.status == FrameStatus.OK
    return {
        "action": trajectory.actions,
        "observation.state": trajectory.joints,
        "action.valid": solved,
        "action.status": trajectory.status,
        "action.residual_m": _filled(trajectory.residual_m, solved),
        "tracked.keypoints_camera": _filled(track.keypoints_camera.reshape(num_frames, -1), valid),
        "tracked.keypoints_px": _filled(track.keypoints_px.reshape(num_frames, -1), valid),
        "tracked.wrist_std_m": _filled(track.wrist_std_m, valid),
        "tracked.residual_px": _filled(track.residual_px, valid),
        "tracked.valid": valid,
        "tracked.status": track.status,
        "time_s": track.time_s,
    }


def _filled(values: Float[np.ndarray, "T ..."], valid: np.ndarray) -> Float[np.ndarray, "T ..."]:
    return np.where(valid.reshape(-1, *[1] * (values.ndim - 1)), values, _FILLER)
