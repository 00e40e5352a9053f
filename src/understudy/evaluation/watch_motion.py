"""The tracked hand in the robot's base frame, and how far the robot's fingertips are from it."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from understudy.embodiments import get_embodiment
from understudy.geometry.transforms import apply_transform
from understudy.records import HandTrack, RobotTrajectory
from understudy.retargeting.config import RetargetConfig
from understudy.retargeting.mirror import mirror_left_hand
from understudy.retargeting.placement import PLACEMENT_NOTE, place_before_robot
from understudy.retargeting.retarget import kinematic_tree, retarget_hand

__all__ = ["HandInBase", "fingertip_errors_m", "hand_in_base", "joint_limits", "robot_motion"]


@dataclass(frozen=True)
class HandInBase:
    """A right hand in the robot's base frame."""

    keypoints: Float[np.ndarray, "T 21 3"]
    """NaN where there is no hand [m]."""
    T_base_camera: Float[np.ndarray, "4 4"]
    placed: bool
    """True where the camera's pose is not known and the hand was put before the robot by rule."""
    notes: tuple[str, ...]

    @property
    def middle(self) -> Float[np.ndarray, "3"]:
        """Median of the wrist [m]."""
        return np.asarray(np.nanmedian(self.keypoints[:, 0], axis=0))


def hand_in_base(track: HandTrack, robot: str) -> HandInBase:
    """The track's keypoints where the robot is to reproduce them; a left hand as its mirror image."""
    T = track.camera.T_world_camera
    placed = T is None
    notes: tuple[str, ...] = ()
    if T is None:
        T = place_before_robot(track, robot)
        notes += (PLACEMENT_NOTE,)
    keypoints = apply_transform(T, track.keypoints_camera)
    if track.handedness == "left":
        # With a known camera things on the table have their places too: what the fingertips touch must not move.
        keypoints, note = mirror_left_hand(keypoints, about="robot" if placed else "hand")
        notes += (note,)
    return HandInBase(keypoints, T, placed, notes)


def robot_motion(track: HandTrack, robot: str, *, grip: bool = False) -> RobotTrajectory:
    """What `robot` does for this track; the notes say how the hand came into its frame.

    With `grip`, fingers squeeze what the hand holds and idle ones are tucked away, as a robot must that really grasps;
    without, the robot copies the hand as it is.
    """
    hand = hand_in_base(track, robot)
    config = RetargetConfig() if grip else RetargetConfig(squeeze_m=0.0, tuck_idle_fingers=False)
    trajectory = retarget_hand(hand.keypoints, track.status, track.time_s, robot, config=config)
    return replace(trajectory, notes=hand.notes + trajectory.notes)


def fingertip_errors_m(trajectory: RobotTrajectory, hand: HandInBase) -> Float[np.ndarray, " T"]:
    """Mean distance of the robot's fingertips from the human's, in the base frame [m]; NaN where there is no hand.

    A gripper's fingertips are the tips of its two pads.
    """
    embodiment = get_embodiment(trajectory.robot)
    tree = kinematic_tree(embodiment)
    tips = sorted(embodiment.fingertips.values())
    sites = [tree.site_names.index(f"k{tip}") for tip in tips]
    positions, _ = tree.forward(trajectory.joints)
    return np.asarray(np.linalg.norm(positions[:, sites] - hand.keypoints[:, tips], axis=-1).mean(-1))


def joint_limits(robot: str) -> Float[np.ndarray, "J 2"]:
    """Lower and upper limit of every joint, in the order of the trajectory [rad | m]."""
    tree = kinematic_tree(get_embodiment(robot))
    return np.stack([tree.lower, tree.upper], axis=-1)
