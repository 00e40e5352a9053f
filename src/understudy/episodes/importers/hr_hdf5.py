"""H&R, the paired data of Human2Robot (dannyXSC/HumanAndRobot): one HDF5 file an episode, hand and robot in step.

`FOLDER/.../TASK/*.hdf5` with `cam_data/human_camera` and `cam_data/robot_camera` (T, 240, 426, 3), uint8 in **BGR**;
`end_position` (T, 6), millimetres and fixed-axis roll, pitch, yaw in degrees, as the xArm's controller gives them;
`gripper_state` (T,); in version 1 also `action` (T, n), which is the person's hand in the robot's frame and no action.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from understudy.episodes.features import Feature, vector
from understudy.episodes.importers import hdf5_file
from understudy.episodes.importers.image_file import video_feature
from understudy.episodes.importers.source import Source, SourceEpisode, natural_order
from understudy.errors import UnderstudyError

__all__ = ["open_hr_hdf5"]

FPS = 30.0
"""The rate at which the authors' tools play the recordings [1/s]."""
_POSE = ("x", "y", "z", "roll", "pitch", "yaw")
_CAMERAS = {"observation.images.human": "cam_data/human_camera", "observation.images.robot": "cam_data/robot_camera"}
_HAND = "human.hand_pose"


def open_hr_hdf5(path: Path) -> Source:
    """One file, the folder of a task, or the folder of all tasks; all of the same version."""
    files = [path] if path.is_file() else natural_order(path.rglob("*.hdf5"))
    if not files:
        raise UnderstudyError(f"{path}: no *.hdf5 in it; an H&R episode is TASK/NAME.hdf5")
    features = _features(files[0])
    episodes = (_episode(file, features) for file in files)
    return Source(FPS, "xarm7", features, len(files), episodes)


def _features(path: Path) -> dict[str, Feature]:
    with hdf5_file.opened(path) as file:
        sizes = {name: hdf5_file.dataset(path, file, key, 4).shape[1:3] for name, key in _CAMERAS.items()}
        hand = hdf5_file.dataset(path, file, "action", 2).shape[1] if "action" in file else 0
    features = {"observation.state": vector((*_POSE, "gripper")), "action": vector((*_POSE, "gripper"))}
    if hand:
        features[_HAND] = vector(tuple(f"h{i}" for i in range(hand)))
    return features | {name: video_feature(*size) for name, size in sizes.items()}


def _episode(path: Path, features: dict[str, Feature]) -> SourceEpisode:
    with hdf5_file.opened(path) as file:
        state = _state(path, file)
        columns = {"observation.state": state, "action": _next(state)}
        if (_HAND in features) != ("action" in file):
            raise UnderstudyError(f"{path}: 'action' is in one file and not in another: convert v0 and v1 one by one")
        if _HAND in features:
            columns[_HAND] = hdf5_file.numbers(path, file, "action", 2, len(state))
    videos = {name: hdf5_file.frames(path, key, bgr=True) for name, key in _CAMERAS.items()}
    metadata = {"source": str(path), "format": "hr_hdf5", "embodiment": "xarm7", "aligned": True}
    return SourceEpisode(columns, videos, _task(path.parent.name), metadata)


def _state(path: Path, file: Any) -> np.ndarray:  # noqa: ANN401
    pose = hdf5_file.numbers(path, file, "end_position", 2)
    if pose.shape[1] != len(_POSE):
        raise UnderstudyError(f"{path}: 'end_position' has {pose.shape[1]} numbers a row, H&R has {len(_POSE)}")
    gripper = hdf5_file.numbers(path, file, "gripper_state", 1, len(pose))
    return np.concatenate([pose[:, :3] / 1000, np.deg2rad(pose[:, 3:]), gripper[:, None]], axis=1)


def _next(state: np.ndarray) -> np.ndarray:
    """The absolute target of a step is the state one step later; the last one is held."""
    return np.concatenate([state[1:], state[-1:]])


def _task(folder: str) -> str:
    """`grab_to_plate1_and_back_v1` -> `grab to plate and back`: instances and versions are no part of the task."""
    return re.sub(r"\d+(?=_|$)", "", re.sub(r"_v\d+$", "", folder)).replace("_", " ").strip() or folder
