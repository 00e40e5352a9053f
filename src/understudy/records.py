"""The nouns that cross stages. Every array carries shape, dtype, unit, frame and range; all records are frozen.

Conventions, stated once and used everywhere:

- `T_a_b` (4, 4) maps coordinates of frame b into frame a; `R_a_b` is its rotation; `p_a` is a point in frame a.
- World = robot base frame: x forward from the base over the table, y left, z up; the table top is z = 0. [m]
- Camera frame as in OpenCV: x right, y down, z forward along the optical axis. [m] Pixels: u right, v down, the
  centre of the top-left pixel is (0, 0).
- Wrist frame: equations 9-11 of video_prompt: origin at the wrist keypoint, x towards the middle knuckle,
  z out of the palm (right hand), y = z x x.
- Quaternions are (w, x, y, z), unit, with w >= 0 for a single one and continuous along a sequence.
- The 21 hand keypoints are the usual ones: wrist, then thumb, index, middle, ring and little finger, root to tip.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int8, UInt8

__all__ = [
    "KEYPOINT_NAMES",
    "NUM_KEYPOINTS",
    "ActionChunk",
    "Camera",
    "EvalCell",
    "EvalReport",
    "FrameStatus",
    "HandTrack",
    "Handedness",
    "HumanVideo",
    "Observation",
    "RobotTrajectory",
]

NUM_KEYPOINTS = 21
KEYPOINT_NAMES = (
    "wrist",
    *(f"thumb_{part}" for part in ("cmc", "mcp", "ip", "tip")),
    *(f"{finger}_{part}" for finger in ("index", "middle", "ring", "little") for part in ("mcp", "pip", "dip", "tip")),
)

Handedness = Literal["right", "left"]


class FrameStatus(IntEnum):
    """What became of one frame. Only `OK` frames carry a result; no other status is ever replaced silently."""

    OK = 0
    NO_HAND = 1
    """The tracker saw no hand here (a gap)."""
    UNSOLVED = 2
    """The solver did not converge or its residual is above the stated bound."""
    OUT_OF_REACH = 3
    """Solved, but the residual says the robot cannot get there."""
    TOO_FAST = 4
    """Solved, but only by breaking a speed limit."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion."""

    width: int
    height: int
    K: Float[np.ndarray, "3 3"]
    """Intrinsics [px]."""
    T_world_camera: Float[np.ndarray, "4 4"] | None = None
    """Pose of the camera (OpenCV axes) in the world [m]; None if not known."""


@dataclass(frozen=True)
class HumanVideo:
    """A video of a person on disk. Frames are streamed, never held: see `understudy.perception.video.read_frames`."""

    path: Path
    width: int
    """Pixels, after the container's rotation is applied; even or odd."""
    height: int
    fps: float
    """Mean frame rate [1/s]; frames may be unevenly spaced."""
    num_frames: int
    """Frames the container declares; a reader that finds fewer raises `BadVideo` unless told otherwise."""
    rotation_deg: int = 0
    """Clockwise rotation that the reader applies: 0, 90, 180 or 270."""
    camera: Camera | None = None
    """Known camera, if any."""


@dataclass(frozen=True)
class HandTrack:
    """One hand over T frames of one video: what was seen (pixels) and what was fitted (metres, camera frame).

    Frames whose status is not `OK` hold NaN in every fitted array: a gap stays a gap.
    """

    time_s: Float[np.ndarray, " T"]
    """Presentation time of each frame [s], increasing, first frame at 0."""
    status: Int8[np.ndarray, " T"]
    """`FrameStatus` of each frame."""
    confidence: Float[np.ndarray, " T"]
    """Tracker's score, 0 to 1; 0 where no hand was seen."""
    keypoints_px: Float[np.ndarray, "T 21 2"]
    """Detected landmarks (u, v) [px]; NaN where no hand was seen."""
    keypoints_camera: Float[np.ndarray, "T 21 3"]
    """Fitted keypoints in the camera frame [m]."""
    T_camera_wrist: Float[np.ndarray, "T 4 4"]
    """Fitted wrist frame (eq. 9-11) in the camera frame [m]."""
    joint_angles: Float[np.ndarray, "T 20"]
    """Fitted joints of `human_hand` [rad]."""
    wrist_std_m: Float[np.ndarray, "T 3"]
    """Standard deviation of the wrist position along the camera's x, y and z axes [m]."""
    residual_px: Float[np.ndarray, " T"]
    """Root mean square reprojection error of the fit [px]."""
    handedness: Handedness
    hand_length_m: float
    """Wrist to tip of the middle finger, straight [m]: as given, or as estimated."""
    camera: Camera
    """Intrinsics used, given or assumed; extrinsics if known."""
    source: str = "mediapipe"
    """Which tracker or truth the keypoints come from."""

    @property
    def num_frames(self) -> int:
        """T."""
        return len(self.time_s)

    @property
    def valid(self) -> Bool[np.ndarray, " T"]:
        """Frames that carry a fitted hand."""
        return self.status == FrameStatus.OK


@dataclass(frozen=True)
class RobotTrajectory:
    """Joint and action trajectory of one robot over T frames, with the residual and status of every frame."""

    robot: str
    time_s: Float[np.ndarray, " T"]
    joint_names: tuple[str, ...]
    joints: Float[np.ndarray, "T J"]
    """Joint positions in the order of `joint_names` [rad, or m for sliding fingers]."""
    actions: Float[np.ndarray, "T A"]
    """Absolute targets in the robot's action space (its base frame); see `Embodiment.action_space`."""
    residual_m: Float[np.ndarray, " T"]
    """Mean distance between robot and human keypoints that are meant to coincide [m]."""
    status: Int8[np.ndarray, " T"]
    """`FrameStatus` of each frame. Where it is not `OK`, joints and actions hold the last command: not for learning."""
    notes: tuple[str, ...] = ()
    """Rules that were applied and that a reader must know (placement, mirroring, slowing down)."""

    @property
    def num_frames(self) -> int:
        """T."""
        return len(self.time_s)


@dataclass(frozen=True)
class Observation:
    """What a policy may see at one control step."""

    image: UInt8[np.ndarray, "H W 3"]
    """RGB of the fixed camera."""
    camera: Camera
    time_s: float
    proprioception: Float[np.ndarray, " P"] | None = None
    """Robot state in its action space; None for policies that see images only."""


@dataclass(frozen=True)
class ActionChunk:
    """The next N actions, one per control step."""

    actions: Float[np.ndarray, "N A"]
    """Absolute targets in the robot's action space."""
    dt_s: float
    """Duration of one action [s]."""
    done: bool = False
    """True when the policy has nothing left to do after this chunk."""


@dataclass(frozen=True)
class EvalCell:
    """One number of a result table. Units are in the metric's name; counts where the value is a rate."""

    row: str
    metric: str
    value: float
    column: str | None = None
    robot: str | None = None
    prompt: str | None = None
    k: int | None = None
    n: int | None = None
    low: float | None = None
    """Lower end of the 95 % interval."""
    high: float | None = None
    seed: int | None = None
    paper: float | None = None
    """The paper's number, where it has one; in the unit of `value`."""
    commit: str | None = None
    """Commit that made this number, where it is another than the report's."""
    p: float | None = None
    """Of the exact test, where two rows or prompts are compared."""


@dataclass(frozen=True)
class EvalReport:
    """A result file: what was run, where and when, and the cells."""

    name: str
    command: str
    commit: str
    date: str
    machine: str
    minutes: float
    cells: tuple[EvalCell, ...] = field(default_factory=tuple)
