"""xArm7 with a parallel gripper: action 7 = wrist position and rotation vector, opening."""

import mujoco
import numpy as np

from understudy.embodiments.embodiment import Embodiment
from understudy.embodiments.gripper import GRIPPER_JOINTS, GRIPPER_KEYPOINTS, GRIPPER_SPEED, MAX_OPENING_M, add_gripper
from understudy.embodiments.primitives import new_spec
from understudy.embodiments.robot_parts import wrist_action_space
from understudy.embodiments.xarm7 import ARM_JOINTS, ARM_SPEED, HOME_ARM, add_xarm7

__all__ = ["xarm7_gripper"]


def _build() -> mujoco.MjSpec:
    spec = new_spec("xarm7_gripper")
    add_gripper(spec, add_xarm7(spec))
    return spec


def xarm7_gripper() -> Embodiment:
    """Wrist = flange: x along the approach, y along the closing direction. Opening 0 (closed) to 0.08 m."""
    return Embodiment(
        name="xarm7_gripper",
        title="xArm7 with a parallel gripper, 7 joints and an opening of 0 to 80 mm",
        build=_build,
        arm_joints=ARM_JOINTS,
        hand_joints=GRIPPER_JOINTS,
        home=np.concatenate([HOME_ARM, np.full(2, MAX_OPENING_M / 2)]),
        speed_limit=np.concatenate([ARM_SPEED, GRIPPER_SPEED]),
        action_space=wrist_action_space(
            ("rx", "ry", "rz"), np.pi, "rad", ("opening",), "m", np.array([[0.0, MAX_OPENING_M]])
        ),
        wrist_action="rotation_vector",
        keypoints=GRIPPER_KEYPOINTS,
        fingertips={"thumb": 4, "index": 8},
        sources=(
            "xArm7: UFACTORY URDF via MuJoCo Menagerie, BSD-3-Clause",
            "gripper: dimensions and force after UFACTORY's data sheet, rounded; shapes are ours",
        ),
    )
