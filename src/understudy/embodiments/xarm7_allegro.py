"""xArm7 with an Allegro hand: action 23 = joint targets of arm and hand."""

import mujoco
import numpy as np

from understudy.embodiments.allegro import ALLEGRO_JOINTS, ALLEGRO_KEYPOINTS, ALLEGRO_LIMITS, ALLEGRO_SPEED, add_allegro
from understudy.embodiments.embodiment import ActionSpace, Embodiment
from understudy.embodiments.primitives import new_spec
from understudy.embodiments.xarm7 import ARM_JOINTS, ARM_LIMITS, ARM_SPEED, HOME_ARM, add_xarm7

__all__ = ["xarm7_allegro"]


def _build() -> mujoco.MjSpec:
    spec = new_spec("xarm7_allegro")
    add_allegro(spec, add_xarm7(spec))
    return spec


def xarm7_allegro() -> Embodiment:
    """The robot of hand-object interaction pretraining: 7 arm and 16 hand joint targets [rad]."""
    limits = np.concatenate([ARM_LIMITS, ALLEGRO_LIMITS])
    return Embodiment(
        name="xarm7_allegro",
        title="xArm7 with an Allegro V3 right hand, 7 + 16 joints",
        build=_build,
        arm_joints=ARM_JOINTS,
        hand_joints=ALLEGRO_JOINTS,
        home=np.concatenate([HOME_ARM, np.clip(np.zeros(16), *ALLEGRO_LIMITS.T)]),
        speed_limit=np.concatenate([ARM_SPEED, ALLEGRO_SPEED]),
        action_space=ActionSpace(
            names=ARM_JOINTS + ALLEGRO_JOINTS, units=("rad",) * 23, low=limits[:, 0], high=limits[:, 1]
        ),
        wrist_action="none",
        keypoints=ALLEGRO_KEYPOINTS,
        fingertips={"thumb": 4, "index": 8, "middle": 12, "ring": 16},
        sources=(
            "xArm7: UFACTORY URDF via MuJoCo Menagerie, BSD-3-Clause",
            "Allegro Hand V3: MuJoCo Menagerie wonik_allegro, BSD-2-Clause",
        ),
    )
