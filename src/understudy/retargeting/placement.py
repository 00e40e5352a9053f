"""Where the motion of a clip is put when nothing is known of its camera: one stated rule.

1. The camera is taken to be level: gravity points down in the image, so base z = -camera y.
2. The robot takes the person's place, who faces the camera: base x (over the table) = -camera z, base y = camera x.
3. If the hand points steadily to one side, all is turned about the vertical until it points away from the base.
4. The median wrist is put at a fixed point over the table, higher if the hand points up (the arm then stands below
   it); if any keypoint were then in the table, all is lifted until none is. Lengths stay metric.
"""

import numpy as np
from jaxtyping import Float

from understudy.embodiments import ROBOTS
from understudy.errors import PromptError, UnknownName
from understudy.geometry.transforms import apply_transform, make_transform
from understudy.records import HandTrack

__all__ = ["PLACEMENT_NOTE", "place_before_robot"]

PLACEMENT_NOTE = (
    "camera unknown: taken to be level and faced by the person; "
    "median wrist put before the robot, hand pointing away from it"
)

_R_BASE_CAMERA = np.array([[0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
_WRIST_M = {"xarm7_xhand": (0.38, 0.0, 0.28), "xarm7_allegro": (0.38, 0.0, 0.28), "xarm7_gripper": (0.38, 0.0, 0.24)}
"""Median wrist in the base frame [m]: the middle of the arm's workspace, the hand's length short of the table's."""
_STEADY = 0.5
"""Length of the mean horizontal pointing direction from which it counts as steady; 1 is always the same way."""
_RAISED_M = 0.15
"""How much higher a hand is put that points straight up [m]."""
_LOWEST_M = 0.02


def place_before_robot(track: HandTrack, robot: str) -> Float[np.ndarray, "4 4"]:
    """T_base_camera for a clip whose camera pose is not known, by the rule above.

    Raises:
        UnknownName: no such robot.
        PromptError: no frame of the track has a hand.
    """
    if robot not in ROBOTS:
        raise UnknownName("robot", robot, ROBOTS)
    if not track.valid.any():
        raise PromptError("no frame of the track has a hand: nothing to place")
    T_camera_wrist = track.T_camera_wrist[track.valid]
    pointing = (_R_BASE_CAMERA @ T_camera_wrist[:, :3, 0].T).T[:, :2].mean(axis=0)
    yaw = -np.arctan2(pointing[1], pointing[0]) if np.linalg.norm(pointing) > _STEADY else 0.0
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0.0], [np.sin(yaw), np.cos(yaw), 0.0], [0.0, 0.0, 1.0]])
    R = turn @ _R_BASE_CAMERA
    up = max(0.0, float((R @ T_camera_wrist[:, :3, 0].mean(axis=0))[2]))
    place = np.array(_WRIST_M[robot]) + np.array([0.0, 0.0, _RAISED_M * up])
    T_base_camera = make_transform(R, place - R @ np.median(T_camera_wrist[:, :3, 3], axis=0))
    lowest = float(apply_transform(T_base_camera, track.keypoints_camera[track.valid])[..., 2].min())
    T_base_camera[2, 3] += max(0.0, _LOWEST_M - lowest)
    return T_base_camera
