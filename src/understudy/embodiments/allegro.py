"""Wonik Allegro Hand V3, right: 16 joints, three fingers and a thumb, no little finger.

Kinematics, limits and collision boxes: MuJoCo Menagerie, wonik_allegro/right_hand.xml (BSD-2-Clause). In the hand's
own frame the fingers point along +z, the palm faces +x, the index finger sits at +y; its origin lies at the knuckles.
"""

import mujoco
import numpy as np

from understudy.embodiments.primitives import (
    BLACK,
    GREY,
    SEEN,
    WHITE,
    Vector,
    add_body,
    add_box,
    add_capsule,
    add_cylinder,
    add_hinge,
    add_position_servo,
    add_site,
    site_rotation,
)

__all__ = ["ALLEGRO_JOINTS", "ALLEGRO_KEYPOINTS", "ALLEGRO_LIMITS", "ALLEGRO_SPEED", "add_allegro"]

_PREFIXES = ("ff", "mf", "rf", "th")
ALLEGRO_JOINTS = tuple(f"{prefix}{i}" for prefix in _PREFIXES for i in range(4))
"""First (ff), middle (mf), ring (rf) finger, thumb (th); root to tip."""
_FINGER_LIMITS = [(-0.47, 0.47), (-0.196, 1.61), (-0.174, 1.709), (-0.227, 1.618)]
_THUMB_LIMITS = [(0.263, 1.396), (-0.105, 1.163), (-0.189, 1.644), (-0.162, 1.719)]
ALLEGRO_LIMITS = np.array(_FINGER_LIMITS * 3 + _THUMB_LIMITS)
"""(low, high) [rad]."""
ALLEGRO_SPEED = np.full(16, 6.0)
"""[rad/s]; ours, below the motors' free speed."""
ALLEGRO_KEYPOINTS = tuple(range(17))

_PALM_BASE = (0.0, 0.0, -0.095)
_TILT = 0.0436194
_FINGER_BASES = {
    "ff": ((0, 0.0435, -0.001542), (0.999048, -_TILT, 0, 0)),
    "mf": ((0, 0, 0.0007), (1, 0, 0, 0)),
    "rf": ((0, -0.0435, -0.001542), (0.999048, _TILT, 0, 0)),
}
_THUMB_BASE = ((-0.0182, 0.019333, -0.045987), (0.477714, -0.521334, -0.521334, -0.477714))
_FLEXION_Z = 0.0164
_TIP_M = 0.0267 + 0.012
"""Centre of the rubber ball on the last link plus its radius [m]; the thumb's ball sits at .0423."""
_THUMB_TIP_M = 0.0423 + 0.012
_DENSITY = 500.0
_JOINT = {"damping": 0.1, "armature": 0.001, "frictionloss": 0.005}


def add_allegro(spec: mujoco.MjSpec, flange: mujoco.MjsBody) -> None:
    """Mount the hand on `flange` with the fingers along its +z and the palm towards its -x."""
    palm = add_body(flange, "palm", (0, 0, 0.010 - _PALM_BASE[2]), (0, 0, 0, 1))
    add_box(palm, (-0.0093, 0, -0.0475), (0.0204, 0.0565, 0.0475), BLACK, density=_DENSITY)
    add_cylinder(palm, (-0.0093, 0, -0.105), (-0.0093, 0, -0.094), 0.03, GREY, density=_DENSITY)
    add_box(palm, (-0.0305, 0, -0.045), (0.003, 0.040, 0.030), WHITE, group=SEEN)
    limits = dict(zip(ALLEGRO_JOINTS, ALLEGRO_LIMITS, strict=True))
    for number, prefix in enumerate(_PREFIXES[:3]):
        _add_finger(palm, prefix, 5 + 4 * number, limits)
    _add_thumb(palm, limits)
    knuckles = [_knuckle(prefix) for prefix in ("ff", "mf")]
    quat, _ = site_rotation(_PALM_BASE, *knuckles)
    add_site(palm, "wrist", _PALM_BASE, quat)
    add_site(palm, "k0", _PALM_BASE, quat)
    for name in ALLEGRO_JOINTS:
        add_position_servo(spec, name, kp=6.0, kv=0.2, force=2.0, control=limits[name])
    pairs = [("palm", f"{prefix}_{part}") for prefix in _PREFIXES for part in ("base", "proximal")] + [
        ("palm", "link6")
    ]
    pairs += [(f"{prefix}_base", f"{prefix}_medial") for prefix in _PREFIXES]
    for first, second in pairs:
        spec.add_exclude(bodyname1=first, bodyname2=second)


def _knuckle(prefix: str) -> np.ndarray:
    """Flexion axis of a finger in the palm's frame [m]; it lies on the axis of the joint before, so it never moves."""
    pos, quat = _FINGER_BASES[prefix]
    offset = np.zeros(3)
    mujoco.mju_rotVecQuat(offset, np.array([0, 0, _FLEXION_Z]), np.array(quat, float) / np.linalg.norm(quat))
    return np.array(pos) + offset


def _add_segment(
    body: mujoco.MjsBody, joint: str, axis: Vector, limits: dict[str, np.ndarray], half: Vector, centre: Vector
) -> None:
    add_hinge(body, joint, axis, limits[joint], **_JOINT)
    add_box(body, centre, half, BLACK, density=_DENSITY)
    if axis == (0, 1, 0):
        add_cylinder(body, (0, -0.0138, 0), (0, 0.0138, 0), 0.0115, GREY, group=SEEN)


def _add_finger(palm: mujoco.MjsBody, prefix: str, first_keypoint: int, limits: dict[str, np.ndarray]) -> None:
    pos, quat = _FINGER_BASES[prefix]
    body = add_body(palm, f"{prefix}_base", pos, quat)
    _add_segment(body, f"{prefix}0", (0, 0, 1), limits, (0.0098, 0.01375, 0.0082), (0, 0, 0.0082))
    segments = (("proximal", _FLEXION_Z, 0.0270), ("medial", 0.0540, 0.0192), ("distal", 0.0384, 0.0080))
    for number, (part, offset, half) in enumerate(segments):
        body = add_body(body, f"{prefix}_{part}", (0, 0, offset))
        _add_segment(body, f"{prefix}{number + 1}", (0, 1, 0), limits, (0.0098, 0.01375, half), (0, 0, half))
        add_site(body, f"k{first_keypoint + number}", (0, 0, 0))
    add_capsule(body, (0, 0, 0.012), (0, 0, 0.0267), 0.012, WHITE, density=_DENSITY, name=f"{prefix}_tip")
    add_site(body, f"k{first_keypoint + 3}", (0, 0, _TIP_M))


def _add_thumb(palm: mujoco.MjsBody, limits: dict[str, np.ndarray]) -> None:
    body = add_body(palm, "th_base", *_THUMB_BASE)
    _add_segment(body, "th0", (-1, 0, 0), limits, (0.0179, 0.017, 0.02275), (-0.0179, 0.009, 0.0145))
    add_site(body, "k1", (0, 0, 0))
    body = add_body(body, "th_proximal", (-0.027, 0.005, 0.0399))
    _add_segment(body, "th1", (0, 0, 1), limits, (0.0098, 0.01375, 0.00885), (0, 0, 0.00885))
    for number, (part, offset, half) in enumerate((("medial", 0.0177, 0.0257), ("distal", 0.0514, 0.0157))):
        body = add_body(body, f"th_{part}", (0, 0, offset))
        _add_segment(body, f"th{number + 2}", (0, 1, 0), limits, (0.0098, 0.01375, half), (0, 0, half))
        add_site(body, f"k{2 + number}", (0, 0, 0))
    add_capsule(body, (0, 0, 0.028), (0, 0, 0.0423), 0.012, WHITE, density=_DENSITY, name="th_tip")
    add_site(body, "k4", (0, 0, _THUMB_TIP_M))
