"""understudy: a robot learns to do a thing by watching a video of a person doing it.

HumanVideo --perception--> HandTrack --retargeting--> RobotTrajectory --simulation--> Episode --episodes--> windows
                                                                                         |
      EvalReport <--evaluation-- Policy <--training-- methods/<m> (model, loss, policy) <-+
"""

import os
import sys

if sys.platform == "linux" and not os.environ.get("DISPLAY"):
    os.environ.setdefault("MUJOCO_GL", "egl")  # read when MuJoCo is imported; its default needs a display

import os
import sys

if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("MUJOCO_GL", "egl")  # read when mujoco is first imported; its own default needs a screen

from understudy.records import ActionChunk, Camera, HandTrack, HumanVideo, Observation, RobotTrajectory

__all__ = ["ActionChunk", "Camera", "HandTrack", "HumanVideo", "Observation", "RobotTrajectory", "__version__"]

__version__ = "0.1.0"
