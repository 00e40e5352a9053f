"""An XHand-like right hand: 12 joints, five fingers.

Every number (joint axes, offsets, limits) comes from one third-party source, the MJCF of vuer_mjcf
(vuer_mjcf/robots, XHandRight), and was not checked against the maker's data sheet: hence "XHand-like". Shapes are our
own primitives. In the hand's own frame, fingers point along -z, the palm faces +y, the thumb
sits at +x.
"""

from itertools import pairwise

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
    add_capsule,
    add_cylinder,
    add_hinge,
    add_position_servo,
    add_site,
    site_rotation,
)

__all__ = ["XHAND_JOINTS", "XHAND_KEYPOINTS", "XHAND_LIMITS", "XHAND_SPEED", "add_xhand"]

_FINGERS = ("index", "mid", "ring", "pinky")
XHAND_JOINTS = (
    *("thumb_bend", "thumb_rota1", "thumb_rota2", "index_bend"),
    *(f"{finger}_joint{i}" for finger in _FINGERS for i in (1, 2)),
)
"""In the order of the recorded episodes of the real hand."""
XHAND_LIMITS = np.array([(0, 1.832), (-0.698, 1.745), (0, 1.745), (-0.174, 0.174), *[(0, 1.919)] * 8])
"""(low, high) [rad]."""
XHAND_SPEED = np.full(12, 2 * np.pi)
"""[rad/s]. Ours: no published figure was at hand; a hand that closes in a third of a second."""
XHAND_KEYPOINTS = (0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18, 20)
"""All but the DIP joints (7, 11, 15, 19): the fingers have two joints."""

_KNUCKLES = {  # flexion axis of each finger in the hand's frame [m]; the index finger's, .0178 beyond its bend joint
    "index": (0.0265, 0.0065, -0.1077),
    "mid": (0.004, 0.0065, -0.1082),
    "ring": (-0.016, 0.0065, -0.1052),
    "pinky": (-0.036, 0.0065, -0.1022),
}
_INDEX_BEND = (0.0265, 0.0065, -0.0899)
_BONES = (0.0558, 0.0422)
_THUMB = ((0.0228, 0.0095, -0.0305), (0.0286, 0.0083, 0.0018), (0.0553, 0.0, 0.0), (0.0502, 0.0, 0.0))
_THUMB_QUAT = (0.99124, 0.1305, 0.00266, 0.02017)
_DENSITY = 900.0
_JOINT = {"damping": 0.1, "armature": 0.001, "frictionloss": 0.005}


def add_xhand(spec: mujoco.MjSpec, flange: mujoco.MjsBody, pos: tuple[float, float, float]) -> None:
    """Mount the hand on `flange` as in the recorded episodes: fingers along its +z, palm towards its -x."""
    palm = add_body(flange, "palm", pos, (0, 1, -1, 0))
    _add_palm(palm)
    limits = dict(zip(XHAND_JOINTS, XHAND_LIMITS, strict=True))
    _add_thumb(palm, limits)
    for number, finger in enumerate(_FINGERS):
        _add_finger(palm, finger, 5 + 4 * number, limits)
    quat, _ = site_rotation((0, 0, 0), _KNUCKLES["index"], _KNUCKLES["mid"])
    add_site(palm, "wrist", (0, 0, 0), quat)
    add_site(palm, "k0", (0, 0, 0), quat)
    for name in XHAND_JOINTS:
        add_position_servo(spec, name, kp=6.0, kv=0.2, force=2.0, control=limits[name])
    _exclude_neighbours(spec)


def _add_palm(palm: mujoco.MjsBody) -> None:
    add_cylinder(palm, (0, 0, 0.006), (0, 0, -0.018), 0.032, GREY, density=_DENSITY)
    add_box(palm, (-0.004, 0.0045, -0.073), (0.041, 0.0135, 0.028), BLACK, density=_DENSITY)
    add_box(palm, (-0.002, 0.0045, -0.032), (0.030, 0.014, 0.020), BLACK, density=_DENSITY)
    add_capsule(palm, (-0.034, 0.0045, -0.030), (-0.038, 0.0045, -0.086), 0.0135, BLACK, density=_DENSITY)
    add_capsule(palm, (0.024, 0.0045, -0.030), (0.028, 0.0045, -0.078), 0.0135, BLACK, density=_DENSITY)
    add_box(palm, (-0.004, -0.0095, -0.066), (0.030, 0.0035, 0.030), WHITE, group=SEEN)


def _add_thumb(palm: mujoco.MjsBody, limits: dict[str, np.ndarray]) -> None:
    base, proximal, distal, tip = _THUMB
    body = add_body(palm, "thumb_base", base)
    add_hinge(body, "thumb_bend", (0, 0, 1), limits["thumb_bend"], **_JOINT)
    add_capsule(body, (0, 0, 0), proximal, 0.012, BLACK, density=_DENSITY)
    add_site(body, "k1", (0, 0, 0))
    body = add_body(body, "thumb_proximal", proximal, _THUMB_QUAT)
    add_hinge(body, "thumb_rota1", (0, 1, 0), limits["thumb_rota1"], **_JOINT)
    add_capsule(body, (0, 0, 0), distal, 0.0115, BLACK, density=_DENSITY)
    add_cylinder(body, (0, -0.0125, 0), (0, 0.0125, 0), 0.011, GREY, group=SEEN)
    add_site(body, "k2", (0, 0, 0))
    body = add_body(body, "thumb_distal", distal)
    add_hinge(body, "thumb_rota2", (0, 1, 0), limits["thumb_rota2"], **_JOINT)
    add_capsule(body, (0, 0, 0), (0.030, 0, 0), 0.0095, BLACK, density=_DENSITY)
    add_cylinder(body, (0, -0.0115, 0), (0, 0.0115, 0), 0.010, GREY, group=SEEN)
    add_capsule(body, (0.030, 0, 0), (0.0407, 0, 0), 0.0095, RUBBER, density=_DENSITY, name="thumb_tip")
    add_site(body, "k3", (0, 0, 0))
    add_site(body, "k4", tip)


def _add_finger(palm: mujoco.MjsBody, finger: str, first_keypoint: int, limits: dict[str, np.ndarray]) -> None:
    knuckle, parent = np.array(_KNUCKLES[finger]), palm
    if finger == "index":
        parent = add_body(palm, "index_base", _INDEX_BEND)
        add_hinge(parent, "index_bend", (0, -1, 0), limits["index_bend"], **_JOINT)
        knuckle = knuckle - np.array(_INDEX_BEND)
        add_capsule(parent, (0, 0, 0), knuckle, 0.0095, BLACK, density=_DENSITY)
    body = add_body(parent, f"{finger}_proximal", knuckle)
    add_hinge(body, f"{finger}_joint1", (1, 0, 0), limits[f"{finger}_joint1"], **_JOINT)
    add_capsule(body, (0, 0, 0), (0, 0, -_BONES[0]), 0.0095, WHITE, density=_DENSITY)
    add_cylinder(body, (-0.0097, 0, 0), (0.0097, 0, 0), 0.0105, BLACK, group=SEEN)
    add_site(body, f"k{first_keypoint}", (0, 0, 0))
    body = add_body(body, f"{finger}_distal", (0, 0, -_BONES[0]))
    add_hinge(body, f"{finger}_joint2", (1, 0, 0), limits[f"{finger}_joint2"], **_JOINT)
    add_capsule(body, (0, 0, 0), (0, 0, -0.026), 0.0088, WHITE, density=_DENSITY)
    add_cylinder(body, (-0.0092, 0, 0), (0.0092, 0, 0), 0.0098, BLACK, group=SEEN)
    add_capsule(body, (0, 0, -0.026), (0, 0, -0.0334), 0.0088, RUBBER, density=_DENSITY, name=f"{finger}_tip")
    add_site(body, f"k{first_keypoint + 1}", (0, 0, 0))
    add_site(body, f"k{first_keypoint + 3}", (0, 0, -_BONES[1]))


def _exclude_neighbours(spec: mujoco.MjSpec) -> None:
    pairs = [("palm", body) for body in ("index_base", "thumb_base", "thumb_proximal", "link6")]
    pairs += [("palm", f"{finger}_proximal") for finger in _FINGERS]
    pairs += [("thumb_base", "thumb_distal"), ("index_base", "mid_proximal"), ("index_base", "index_distal")]
    pairs += [(f"{a}_proximal", f"{b}_proximal") for a, b in pairwise(_FINGERS)]
    for first, second in pairs:
        spec.add_exclude(bodyname1=first, bodyname2=second)
