"""The demonstrator: a human hand of 20 joints and 21 keypoints, exactly the skeleton that the tracker fits.

The root body carries the wrist frame and floats on the free joint `wrist_free`; it is usually driven by setting `qpos`.
For physics, the mocap body `wrist_mocap` drags it along through the weld `wrist_weld`.
"""

from functools import partial

import mujoco
import numpy as np
from jaxtyping import Float

from understudy.embodiments.embodiment import ActionSpace, Embodiment
from understudy.embodiments.hand_bodies import HandBody
from understudy.embodiments.hand_skeleton import FINGERS, HAND_JOINTS, HandSkeleton
from understudy.embodiments.hand_surface import add_skin, add_skin_material
from understudy.embodiments.primitives import (
    SEEN,
    TOUCHED,
    add_body,
    add_capsule,
    add_hinge,
    add_position_servo,
    add_site,
    new_spec,
)
from understudy.geometry.rotations import quaternion_from_matrix

__all__ = ["HandBody", "human_hand"]

_RADII_MM = np.array([[12.5, 11.5, 9.5], [9.5, 8.7, 7.8], [9.7, 8.8, 7.9], [9.2, 8.3, 7.4], [8.3, 7.4, 6.6]])
_FASTEST = 20.0  # of a finger joint [rad/s]; ours, above brisk tapping
_ARM_INERTIA = 0.01  # of the arm behind the hand [kg, kg m^2]; lets the weld settle within 0.1 s
_AVERAGE = HandBody()
_PARTS = ("proximal", "medial", "distal")


def _build(body: HandBody) -> mujoco.MjSpec:
    skeleton = HandSkeleton(body.hand_length_m)
    mirror = np.diag([1.0, -1.0 if body.handedness == "left" else 1.0, 1.0])
    spec = new_spec("human_hand")
    add_skin_material(spec, "hand_skin", body.skin_rgb)
    nail = 0.55 * np.array(body.skin_rgb) + 0.45 * np.array([0.95, 0.80, 0.76])
    spec.add_material(name="hand_nail", rgba=(*nail, 1.0), specular=0.4, shininess=0.6)
    spec.add_material(name="hand_sleeve", rgba=(*body.sleeve_rgb, 1.0), specular=0.05, shininess=0.1)
    spec.worldbody.add_body(name="wrist_mocap", mocap=True)
    root = add_body(spec.worldbody, "hand")
    root.add_freejoint(name="wrist_free").armature = _ARM_INERTIA
    spec.add_equality(
        name="wrist_weld",
        type=mujoco.mjtEq.mjEQ_WELD,
        objtype=mujoco.mjtObj.mjOBJ_BODY,
        name1="wrist_mocap",
        name2="hand",
        solref=(0.01, 1.0),
        solimp=(0.99, 0.999, 0.001, 0.5, 2.0),
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
    """Capsules from the wrist to the four knuckles."""
    for knuckle, across in zip(skeleton.bases_m[1:], (-0.012, -0.004, 0.004, 0.012), strict=True):
        start = np.array([0.010, across, 0.0]) * skeleton.scale
        _add_touch(root, mirror @ start, mirror @ knuckle, 0.012 * skeleton.scale)


def _add_touch(body: mujoco.MjsBody, start: Float[np.ndarray, "3"], end: Float[np.ndarray, "3"], radius: float) -> None:
    """A capsule below the skin that touches objects (contype 1) but not the rest of the hand."""
    geom = add_capsule(body, start, end, radius, "hand_nail", density=900.0, group=TOUCHED)
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
        _add_touch(body, np.zeros(3), np.array([end, 0, 0]), r)
        add_site(body, f"k{1 + 4 * number + joint - 2}", (0, 0, 0))
        if part == "distal":
            _add_nail(body, length, r)
        pos, quat = np.array([length, 0, 0]), np.array([1.0, 0, 0, 0])
    add_site(body, f"k{4 + 4 * number}", pos)


def _add_nail(body: mujoco.MjsBody, length: float, radius: float) -> None:
    """A flat shell on the back (-z) of the last bone."""
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_ELLIPSOID,
        pos=(length - 1.05 * radius, 0, -0.62 * radius),
        quat=(np.cos(0.06), 0, np.sin(0.06), 0),
        size=(0.80 * radius, 0.66 * radius, 0.36 * radius),
        material="hand_nail",
        group=SEEN,
        contype=0,
        conaffinity=0,
        density=0.0,
    )


def human_hand(body: HandBody = _AVERAGE) -> Embodiment:
    """The demonstrator's hand; action = its 20 joints [rad]; `wrist_free` or `wrist_mocap` moves the wrist."""
    limits = HandSkeleton().limits
    return Embodiment(
        name="human_hand",
        title="a person's hand, 20 joints and 21 keypoints, smooth skin",
        build=partial(_build, body),
        arm_joints=(),
        hand_joints=HAND_JOINTS,
        home=np.zeros(20),
        speed_limit=np.full(20, _FASTEST),
        action_space=ActionSpace(names=HAND_JOINTS, units=("rad",) * 20, low=limits[:, 0], high=limits[:, 1]),
        wrist_action="none",
        keypoints=tuple(range(21)),
        fingertips={finger: 4 * (i + 1) for i, finger in enumerate(FINGERS)},
        sources=("lengths, limits: see hand_skeleton.py", "shape: ours"),
    )
