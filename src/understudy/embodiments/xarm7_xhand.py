"""xArm7 with an XHand-like right hand: action 19 = wrist position and quaternion, 12 finger joints."""

import mujoco
import numpy as np

from understudy.embodiments.embodiment import Embodiment
from understudy.embodiments.primitives import new_spec
from understudy.embodiments.robot_parts import wrist_action_space
from understudy.embodiments.xarm7 import ARM_JOINTS, ARM_SPEED, HOME_ARM, add_xarm7
from understudy.embodiments.xhand import XHAND_JOINTS, XHAND_KEYPOINTS, XHAND_LIMITS, XHAND_SPEED, add_xhand

__all__ = ["xarm7_xhand"]

_ADAPTER_M = 0.010
"""Between flange and hand; ours."""


def _build() -> mujoco.MjSpec:
    spec = new_spec("xarm7_xhand")
    add_xhand(spec, add_xarm7(spec), (0.0, 0.0, _ADAPTER_M))
    return spec


def xarm7_xhand() -> Embodiment:
    """The robot of the human-robot shared space: wrist pose in the base frame [m], then finger joints [rad]."""
    return Embodiment(
        name="xarm7_xhand",
        title="xArm7 with an XHand-like right hand, 7 + 12 joints",
        build=_build,
        arm_joints=ARM_JOINTS,
        hand_joints=XHAND_JOINTS,
        home=np.concatenate([HOME_ARM, np.zeros(12)]),
        speed_limit=np.concatenate([ARM_SPEED, XHAND_SPEED]),
        action_space=wrist_action_space(("qw", "qx", "qy", "qz"), 1.0, "1", XHAND_JOINTS, "rad", XHAND_LIMITS),
        wrist_action="quaternion",
        keypoints=XHAND_KEYPOINTS,
        fingertips={"thumb": 4, "index": 8, "middle": 12, "ring": 16, "little": 20},
        sources=(
            "xArm7: UFACTORY URDF via MuJoCo Menagerie, BSD-3-Clause",
            "XHand-like hand: numbers of vuer_mjcf's XHandRight, one third-party source",
        ),
    )
