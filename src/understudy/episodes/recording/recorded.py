"""One recorded episode on its way from the process that made it to the one that writes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from understudy.episodes.recording.aligned import RobotMotion
from understudy.geometry.hand_frame import wrist_quaternions
from understudy.geometry.rotations import continuous_quaternions, quaternion_from_matrix
from understudy.records import KEYPOINT_NAMES
from understudy.simulation.layout import Layout

__all__ = [
    "BUTTON_SLOTS",
    "IMAGE",
    "KEYPOINT_COLUMNS",
    "OBJECT_SLOTS",
    "POSE",
    "WRIST_COLUMNS",
    "RecordedEpisode",
    "button_names",
    "button_rows",
    "object_names",
    "object_rows",
    "pose_rows",
    "wrist_rows",
]

IMAGE = "observation.images.front"
"""Name of the one video feature."""
OBJECT_SLOTS = 6
"""`truth.objects` has room for so many objects, in the order of the layout; empty places hold the identity pose."""
BUTTON_SLOTS = 2
"""The same for `truth.buttons`; empty places hold 0."""
POSE = ("x", "y", "z", "qw", "qx", "qy", "qz")
"""Numbers of a pose: position [m] and unit quaternion."""
WRIST_COLUMNS = tuple(f"wrist.{part}" for part in POSE)
"""Names of the numbers of a wrist's pose in the world."""
KEYPOINT_COLUMNS = tuple(f"{name}.{axis}" for name in KEYPOINT_NAMES for axis in "xyz")
"""Names of the numbers of 21 keypoints in the camera frame [m]."""


@dataclass(frozen=True)
class RecordedEpisode:
    """T frames of one embodiment."""

    columns: Mapping[str, np.ndarray]
    """(T, n) per numeric feature."""
    frames: UInt8[np.ndarray, "T S S 3"]
    """RGB."""
    label: str
    """The task in words."""
    metadata: Mapping[str, Any]
    """What does not change over the episode, as JSON."""
    success: bool
    failure: str = ""
    """Why not, in a word."""
    motion: RobotMotion | None = None
    """Of a robot: what a hand needs to go along."""


def object_names() -> tuple[str, ...]:
    """Names of the numbers in `truth.objects`."""
    return tuple(f"object_{slot}.{part}" for slot in range(OBJECT_SLOTS) for part in POSE)


def pose_rows(T: Float[np.ndarray, "T 4 4"]) -> Float[np.ndarray, "T 7"]:
    """Positions [m] and quaternions (w, x, y, z); they start with w >= 0 and do not flip along the sequence."""
    return np.concatenate([T[:, :3, 3], continuous_quaternions(quaternion_from_matrix(T[:, :3, :3]))], axis=1)


def wrist_rows(T_world_wrist: Float[np.ndarray, "T 4 4"]) -> Float[np.ndarray, "T 7"]:
    """The same for a wrist, with the signs of `wrist_quaternions`."""
    return np.concatenate([T_world_wrist[:, :3, 3], wrist_quaternions(T_world_wrist[:, :3, :3])], axis=1)


def object_rows(
    layout: Layout, poses: Mapping[str, Float[np.ndarray, "T 4 4"]], num_frames: int
) -> Float[np.ndarray, "T 42"]:
    """`truth.objects`: pose of every object of the layout in the world."""
    rows = np.tile(pose_rows(np.eye(4)[None]), (num_frames, OBJECT_SLOTS))
    for slot, item in enumerate(layout.objects[:OBJECT_SLOTS]):
        rows[:, 7 * slot : 7 * slot + 7] = pose_rows(poses[item.name])
    return rows


def button_names() -> tuple[str, ...]:
    """Names of the numbers in `truth.buttons`."""
    return tuple(f"button_{slot}" for slot in range(BUTTON_SLOTS))


def button_rows(
    layout: Layout, travel: Mapping[str, Float[np.ndarray, " T"]], num_frames: int
) -> Float[np.ndarray, "T 2"]:
    """`truth.buttons`: how far every button of the layout is down [m]."""
    rows = np.zeros((num_frames, BUTTON_SLOTS))
    for slot, item in enumerate(layout.buttons[:BUTTON_SLOTS]):
        rows[:, slot] = travel[item.name]
    return rows
