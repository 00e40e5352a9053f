"""Joints to actions: where the joints put the wrist, in the form of the robot's action space."""

import numpy as np
from jaxtyping import Float

from understudy.embodiments import Embodiment
from understudy.geometry.hand_frame import wrist_quaternions, wrist_rotation_vector
from understudy.retargeting.kinematics import KinematicTree

__all__ = ["actions_from_joints", "home_action", "kinematic_tree"]


def kinematic_tree(embodiment: Embodiment) -> KinematicTree:
    """The robot's joints and sites, as its model has them."""
    sites = ("wrist", *(f"k{i}" for i in embodiment.keypoints), *(("tcp",) if "gripper" in embodiment.name else ()))
    return KinematicTree.from_model(embodiment.build().compile(), embodiment.joint_names, sites)


def actions_from_joints(embodiment: Embodiment, joints: Float[np.ndarray, "T J"]) -> Float[np.ndarray, "T A"]:
    """Actions whose wrist pose is where the joints put the site `wrist`; quaternions keep their hemisphere."""
    if embodiment.wrist_action == "none":
        return joints.copy()
    positions, rotations = kinematic_tree(embodiment).forward(joints)
    hand = joints[:, len(embodiment.arm_joints) :]
    if embodiment.wrist_action == "quaternion":
        rotation = wrist_quaternions(rotations[:, 0])
    else:
        rotation = wrist_rotation_vector(rotations[:, 0])
        hand = hand.sum(axis=-1, keepdims=True)
    return np.concatenate([positions[:, 0], rotation, hand], axis=-1)


def home_action(embodiment: Embodiment) -> Float[np.ndarray, " A"]:
    """The action that holds the robot at its rest configuration."""
    return actions_from_joints(embodiment, embodiment.home[None])[0]
