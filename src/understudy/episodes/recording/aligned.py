"""Frame-aligned pairs: a person's hand that goes, frame by frame, where the robot's hand is.

The robot's expert comes first. In every frame the person's fingertips are put where the robot's are (of a gripper: its
two pads), and the things on the table are where they were with the robot. So frame i of one episode shows the same
moment as frame i of the other, as teleoperated pairs do.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.geometry.rotations import matrix_from_rotation_vector, quaternion_from_matrix
from understudy.geometry.transforms import apply_transform
from understudy.simulation.human import HumanDemonstration, true_track
from understudy.simulation.human_pose import HandPose, posture, solve_pose

__all__ = ["RobotMotion", "hand_along"]

_THUMB, _INDEX = 4, 8
_SKIN_M = 0.003
"""Fingertip keypoints stay this far outside of what the pads touch: the flesh of the tip [m]."""
_FINGER_M = 0.008
"""Half the thickness of a fingertip: closed pads meet, fingertips lie beside each other [m]."""
_TILT_RAD = 0.35
"""A person's fingers point less steeply down than a gripper."""
_LOOSE = posture((0.2, 0.3, 0.2, 0.2), (0.4, 0.5, 0.3), (0.45, 0.55, 0.3), (0.65, 0.6, 0.3), (0.75, 0.6, 0.3))


@dataclass(frozen=True)
class RobotMotion:
    """What a hand needs to know of a robot's episode to go along, over its T frames."""

    wrist: Float[np.ndarray, "T 4 4"]
    """T_world_wrist [m]."""
    tips: dict[int, Float[np.ndarray, "T 3"]]
    """Human keypoint -> the robot's fingertip that corresponds to it, world [m]."""
    object_poses: dict[str, Float[np.ndarray, "T 4 4"]]
    """T_world_object [m]."""
    button_travel: dict[str, Float[np.ndarray, " T"]]
    """How far each button is down [m]."""
    bead_paths: dict[str, Float[np.ndarray, "T N 3"]] = field(default_factory=dict)
    """Centres of the beads of every full cup, world [m]."""


def hand_along(demonstration: HumanDemonstration, motion: RobotMotion, fps: int) -> HumanDemonstration:
    """The same person in the same layout, with the hand and the things where the robot has them."""
    skeleton = HandSkeleton(demonstration.body.hand_length_m)
    targets = _targets(motion)
    turn = matrix_from_rotation_vector(np.array([0.0, _TILT_RAD, 0.0]))
    poses = []
    for frame, T in enumerate(motion.wrist):
        start = HandPose(T.copy(), _LOOSE)
        start.T_world_wrist[:3, :3] = T[:3, :3] @ turn
        poses.append(solve_pose(skeleton, start, {tip: places[frame] for tip, places in targets.items()})[0])
    T_world_wrist, joints = np.stack([pose.T_world_wrist for pose in poses]), np.stack([pose.joints for pose in poses])
    keypoints = apply_transform(T_world_wrist, skeleton.keypoints(joints))
    time_s = np.arange(len(poses)) / fps
    return replace(
        demonstration,
        fps=float(fps),
        track=true_track(demonstration.camera, demonstration.body, time_s, T_world_wrist, keypoints, joints),
        object_poses=motion.object_poses,
        button_travel=motion.button_travel,
        bead_paths=motion.bead_paths,
        wrist_qpos=np.concatenate([T_world_wrist[:, :3, 3], quaternion_from_matrix(T_world_wrist[:, :3, :3])], axis=1),
    )


def _targets(motion: RobotMotion) -> dict[int, Float[np.ndarray, "T 3"]]:
    """Where fingertips go: those of a hand where they are, those of a gripper's pads beside the pads."""
    if set(motion.tips) != {_THUMB, _INDEX}:
        return motion.tips
    opening = np.linalg.norm(motion.tips[_INDEX] - motion.tips[_THUMB], axis=1)
    apart = np.maximum(_SKIN_M, _FINGER_M - opening / 2)[:, None] * motion.wrist[:, :3, 1]  # the pads move along y
    return {_THUMB: motion.tips[_THUMB] - apart, _INDEX: motion.tips[_INDEX] + apart}
