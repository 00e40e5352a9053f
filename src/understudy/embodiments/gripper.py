"""A parallel gripper: two sliding fingers, 0 to 80 mm apart, force limited.

Stroke, size and force follow UFACTORY's xArm gripper (stroke 84 mm, closing force up to 30 N, mass 0.8 kg, 172 mm
long: xArm gripper data sheet), rounded by us; the finger shapes are ours. A closed target lies past contact, so that
the force limit, not the position, sets the grip.
"""

import mujoco
import numpy as np

from understudy.embodiments.primitives import (
    BLACK,
    GREY,
    RUBBER,
    SEEN,
    WHITE,
    add_body,
    add_box,
    add_cylinder,
    add_position_servo,
    add_site,
)

__all__ = ["GRIPPER_JOINTS", "GRIPPER_KEYPOINTS", "GRIPPER_SPEED", "MAX_OPENING_M", "add_gripper"]

GRIPPER_JOINTS = ("finger_thumb", "finger_index")
"""The finger on the -y side of the wrist frame (keypoint 4) and the one on the +y side (keypoint 8)."""
MAX_OPENING_M = 0.08
"""Distance between the pads, fully open [m]; each finger travels half."""
GRIPPER_SPEED = np.full(2, 0.10)
"""Of one finger [m/s]; ours."""
GRIPPER_KEYPOINTS = (0, 4, 8)

_TIP_Z = 0.150
_SQUEEZE_M = 0.02
"""How far past contact a closing target may go [m]."""


def add_gripper(spec: mujoco.MjSpec, flange: mujoco.MjsBody) -> None:
    """Mount the gripper on `flange`, approach along its +z, closing direction along its +y."""
    palm = add_body(flange, "palm")
    add_cylinder(palm, (0, 0, 0), (0, 0, 0.035), 0.036, GREY, density=800.0)
    add_box(palm, (0, 0, 0.058), (0.032, 0.062, 0.025), WHITE, density=800.0)
    add_box(palm, (0, 0, 0.085), (0.014, 0.066, 0.004), BLACK, group=SEEN)
    # x of the wrist frame is the flange's z, y its y: a rotation by -90 deg about y carries (x, y, z) to (z, y, -x).
    quat = np.array([1.0, 0.0, -1.0, 0.0]) / np.sqrt(2)
    add_site(palm, "wrist", (0, 0, 0), quat)
    add_site(palm, "k0", (0, 0, 0), quat)
    add_site(palm, "tcp", (0, 0, _TIP_Z), quat)
    for joint, side, keypoint in (("finger_thumb", -1.0, 4), ("finger_index", 1.0, 8)):
        finger = add_body(palm, joint)
        finger.add_joint(
            name=joint,
            type=mujoco.mjtJoint.mjJNT_SLIDE,
            axis=(0, side, 0),
            range=(0, MAX_OPENING_M / 2),
            damping=[5, 0, 0],
            armature=0.1,
        )
        add_box(finger, (0, side * 0.015, 0.100), (0.011, 0.007, 0.012), BLACK, density=800.0)
        add_box(finger, (0, side * 0.012, 0.120), (0.010, 0.006, 0.014), BLACK, density=800.0)
        add_box(finger, (0, side * 0.006, 0.131), (0.010, 0.006, 0.019), RUBBER, density=800.0, name=f"{joint}_pad")
        add_site(finger, f"k{keypoint}", (0, 0, _TIP_Z), quat)
        add_position_servo(spec, joint, kp=1000.0, kv=40.0, force=40.0, control=(-_SQUEEZE_M, MAX_OPENING_M / 2))
    for pair in (("palm", "finger_thumb"), ("palm", "finger_index"), ("palm", "link6")):
        spec.add_exclude(bodyname1=pair[0], bodyname2=pair[1])
