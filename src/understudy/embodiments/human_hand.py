"""The demonstrator: a human hand of 20 joints and 21 keypoints, exactly the skeleton that the tracker fits.

The root body carries the wrist frame and floats on the free joint `wrist_free`; it is usually driven by setting `qpos`.
For physics, the mocap body `wrist_mocap` drags it along through the weld `wrist_weld`.
"""

from dataclasses import dataclass
from functools import partial

import mujoco
import numpy as np
from jaxtyping import Float

from understudy.embodiments.embodiment import ActionSpace, Embodiment
from understudy.embodiments.hand_skeleton import ADULT_HAND_LENGTH_M, FINGERS, HAND_JOINTS, HandSkeleton
from understudy.embodiments.hand_skin import add_skin
from understudy.embodiments.primitives import (
    TOUCHED,
    add_body,
    add_capsule,
    add_hinge,
    add_position_servo,
    add_site,
    new_spec,
)
from understudy.geometry.rotations import quaternion_from_matrix
from understudy.records import Handedness

__all__ = ["HandBody", "human_hand"]


@dataclass(frozen=True)
class HandBody:
    """How one person's hand looks."""

    hand_length_m: float = ADULT_HAND_LENGTH_M
    """Wrist to tip of the middle finger, straight [m]."""
    skin_rgb: tuple[float, float, float] = (0.87, 0.66, 0.53)
    """0 to 1."""
    sleeve_rgb: tuple[float, float, float] = (0.20, 0.30, 0.50)
    """0 to 1."""
    handedness: Handedness = "right"
    girth_m: float = 0.0
    """Skin moved out along its normals: plump (+0.0015) to bony (-0.001) [m]."""


_RADII_MM = np.array([[12.5, 11.5, 9.5], [9.5, 8.7, 7.8], [9.7, 8.8, 7.9], [9.2, 8.3, 7.4], [8.3, 7.4, 6.6]])
_PARTS = ("proximal", "medial", "distal")


def _build(body: HandBody) -> mujoco.MjSpec:
    skeleton = HandSkeleton(body.hand_length_m)
    mirror = np.diag([1.0, -1.0 if body.handedness == "left" else 1.0, 1.0])
    spec = new_spec("human_hand")
    spec.add_material(name="hand_skin", rgba=(*body.skin_rgb, 1.0), specular=0.15, shininess=0.2)
    spec.add_material(name="hand_sleeve", rgba=(*body.sleeve_rgb, 1.0), specular=0.05, shininess=0.1)
    spec.worldbody.add_body(name="wrist_mocap", mocap=True)
    root = add_body(spec.worldbody, "hand")
    root.add_freejoint(name="wrist_free")
    spec.add_equality(
        name="wrist_weld",
        type=mujoco.mjtEq.mjEQ_WELD,
        objtype=mujoco.mjtObj.mjOBJ_BODY,
        name1="wrist_mocap",
        name2="hand",
        solref=(0.01, 1.0),
    )
    _add_palm(root, skeleton, mirror)
    add_site(root, "wrist", (0, 0, 0))
    add_site(root, "k0", (0, 0, 0))
    for number, finger in enumerate(FINGERS):
        _add_finger(root, skeleton, number, finger, mirror)
    for name, (low, high) in zip(HAND_JOINTS, skeleton.limits, strict=True):
        add_position_servo(spec, name, kp=6.0, kv=0.2, force=2.0, control=(low, high))
    for part in ("skin", "sleeve"):
        add_skin(spec, part, skeleton, mirror, body.girth_m)
    return spec


def _add_palm(root: mujoco.MjsBody, skeleton: HandSkeleton, mirror: Float[np.ndarray, "3 3"]) -> None:
    """Capsules from the wrist to the four knuckles and along the forearm."""
    for knuckle, across in zip(skeleton.bases_m[1:], (-0.012, -0.004, 0.004, 0.012), strict=True):
        start = np.array([0.010, across, 0.0]) * skeleton.scale
        geom = add_capsule(root, mirror @ start, mirror @ knuckle, 0.012 * skeleton.scale, "hand_skin", density=900.0, group=TOUCHED)
        geom.contype = 0


def _add_finger(
    root: mujoco.MjsBody, skeleton: HandSkeleton, number: int, finger: str, mirror: Float[np.ndarray, "3 3"]
) -> None:
    """One chain. Reflection S turns a rotation about a into one about -S a: abduction flips, flexion stays."""
    quat = quaternion_from_matrix(mirror @ skeleton.base_rotations[number] @ mirror)
    pos, limits, abduction = mirror @ skeleton.bases_m[number], skeleton.limits[4 * number :], mirror[1, 1]
    body, joint = root, 0
    for part, length, radius in zip(_PARTS, skeleton.bones_m[number], _RADII_MM[number], strict=True):
        body = add_body(body, f"{finger}_{part}", pos, quat)
        axes = [(0, 0, abduction), (0, -1, 0)] if joint == 0 else [(0, -1, 0)]
        for axis in axes:
            add_hinge(
                body,
                HAND_JOINTS[4 * number + joint],
                axis,
                limits[joint],
                damping=0.1,
                armature=0.001,
                frictionloss=0.005,
            )
            joint += 1
        r = radius * 1e-3 * skeleton.scale
        end = length - r if part == "distal" else length
        geom = add_capsule(body, (0, 0, 0), (end, 0, 0), r, "hand_skin", density=900.0, group=TOUCHED)
        geom.contype = 0  # touches objects (contype 1), not itself
        add_site(body, f"k{1 + 4 * number + joint - 2}", (0, 0, 0))
        pos, quat = np.array([length, 0, 0]), np.array([1.0, 0, 0, 0])
    add_site(body, f"k{4 + 4 * number}", pos)


def human_hand(body: HandBody = HandBody()) -> Embodiment:
    """The demonstrator's hand; action = its 20 joints [rad], the wrist is moved by `wrist_free` or `wrist_mocap`."""
    limits = HandSkeleton().limits
    return Embodiment(
        name="human_hand",
        title="a person's hand, 20 joints and 21 keypoints, smooth skin",
        build=partial(_build, body),
        arm_joints=(),
        hand_joints=HAND_JOINTS,
        home=np.zeros(20),
        speed_limit=np.full(20, 20.0),
        action_space=ActionSpace(names=HAND_JOINTS, units=("rad",) * 20, low=limits[:, 0], high=limits[:, 1]),
        wrist_action="none",
        keypoints=tuple(range(21)),
        fingertips={finger: 4 * (i + 1) for i, finger in enumerate(FINGERS)},
        sources=("lengths, limits: see hand_skeleton.py", "shape: ours"),
    )
