"""UFACTORY xArm7: seven joints from the base to the flange, shared by every robot here.

Link offsets, masses, inertias, joint limits and torque limits: UFACTORY's URDF as published in MuJoCo Menagerie
(ufactory_xarm7/xarm7_nohand.xml, BSD-3-Clause). Joint speed 180 deg/s: UFACTORY xArm user manual, table of robot
parameters. Shapes are our own primitives around those axes. Servo gains: ours (see docs/embodiments.md).
"""

from dataclasses import dataclass

import mujoco
import numpy as np

from understudy.embodiments.primitives import (
    GREY,
    SEEN,
    WHITE,
    Vector,
    add_body,
    add_capsule,
    add_cylinder,
    add_hinge,
    add_position_servo,
    add_site,
)

__all__ = ["ARM_JOINTS", "ARM_LIMITS", "ARM_SPEED", "HOME_ARM", "add_xarm7"]

ARM_JOINTS = tuple(f"joint{i}" for i in range(1, 8))
ARM_SPEED = np.full(7, np.pi)
"""180 deg/s [rad/s]."""
HOME_ARM = np.array([0.95, -0.15, 0.0, 1.05, 0.0, 1.2, 0.0])
"""Hand pointing down above the near left part of the table [rad]."""

_TURN = 2 * np.pi
_S = (1.0, -1.0, 0.0, 0.0)  # rotation by -90 deg about x
_R = (1.0, 1.0, 0.0, 0.0)  # rotation by +90 deg about x


@dataclass(frozen=True)
class _Link:
    """One moving link: where it sits on the one before, how it turns, what it weighs, what it looks like."""

    pos: Vector
    quat: Vector
    limits: Vector
    torque: float
    kp: float
    damping: float
    mass: float
    com: Vector
    inertia: Vector
    capsules: tuple[tuple[Vector, Vector, float], ...]
    """(start, end, radius) [m], seen and touched."""
    rings: tuple[tuple[Vector, Vector, float], ...] = ()
    """Grey cylinders, seen only."""


_LINKS = (
    _Link(
        (0, 0, 0.267),
        (1, 0, 0, 0),
        (-_TURN, _TURN),
        50.0,
        1500.0,
        10.0,
        2.382,
        (-0.0002, 0.0290, -0.0123),
        (0.00569, 0.00533, 0.00293),
        (((0, -0.035, 0), (0, 0.045, 0), 0.056),),
        (((0, -0.078, 0), (0, -0.098, 0), 0.055),),
    ),
    _Link(
        (0, 0, 0),
        _S,
        (-2.059, 2.0944),
        50.0,
        1500.0,
        10.0,
        1.869,
        (0, -0.1286, 0.0173),
        (0.00959, 0.00938, 0.00201),
        (((0, 0, 0), (0, -0.17, 0), 0.053),),
        (((0, -0.205, 0), (0, -0.225, 0), 0.0545),),
    ),
    _Link(
        (0, -0.293, 0),
        _R,
        (-_TURN, _TURN),
        30.0,
        1000.0,
        5.0,
        1.638,
        (0.0466, -0.0246, -0.0077),
        (0.00351, 0.00290, 0.00204),
        (((0, 0, -0.02), (0.03, 0, 0), 0.050), ((0.03, 0, 0), (0.0525, -0.03, 0), 0.049)),
    ),
    _Link(
        (0.0525, 0, 0),
        _R,
        (-0.19198, 3.927),
        30.0,
        1000.0,
        5.0,
        1.727,
        (0.0705, -0.1158, 0.0120),
        (0.00664, 0.00648, 0.00193),
        (
            ((0, 0, -0.03), (0, 0, 0.03), 0.049),
            ((0.015, -0.02, 0), (0.0775, -0.13, 0), 0.046),
            ((0.0775, -0.13, 0), (0.0775, -0.24, 0), 0.045),
        ),
        (((0.0775, -0.272, 0), (0.0775, -0.29, 0), 0.046),),
    ),
    _Link(
        (0.0775, -0.3425, 0),
        _R,
        (-_TURN, _TURN),
        30.0,
        1000.0,
        5.0,
        1.320,
        (-0.0003, 0.0160, -0.0260),
        (0.00530, 0.00500, 0.00133),
        (((0, 0, -0.045), (0, 0, 0), 0.044), ((0, -0.02, 0), (0, 0.045, 0), 0.042)),
    ),
    _Link(
        (0, 0, 0),
        _R,
        (-1.69297, 3.14159),
        20.0,
        800.0,
        2.0,
        1.325,
        (0.0647, 0.0328, 0.0214),
        (0.00250, 0.00220, 0.00113),
        (((0, 0, 0), (0.06, 0.02, 0), 0.042), ((0.076, 0.01, 0), (0.076, 0.035, 0), 0.040)),
    ),
    _Link(
        (0.076, 0.097, 0),
        _S,
        (-_TURN, _TURN),
        20.0,
        800.0,
        2.0,
        0.170,
        (0, -0.0068, -0.0110),
        (0.00013, 0.000093, 0.000059),
        (),
    ),
)

ARM_LIMITS = np.array([link.limits for link in _LINKS])
"""(low, high) [rad]."""


def add_xarm7(spec: mujoco.MjSpec) -> mujoco.MjsBody:
    """Add the arm, base at the world's origin, and its servos; returns `link7`; its site `flange` has +z outwards."""
    body = add_body(spec.worldbody, "link_base")
    add_cylinder(body, (0, 0, 0), (0, 0, 0.14), 0.063, WHITE)
    add_cylinder(body, (0, 0, 0.135), (0, 0, 0.162), 0.0635, GREY, group=SEEN)
    add_cylinder(body, (0, 0, 0.14), (0, 0, 0.235), 0.058, WHITE)
    for i, (name, link) in enumerate(zip(ARM_JOINTS, _LINKS, strict=True), start=1):
        body = add_body(body, f"link{i}", link.pos, link.quat)
        body.mass, body.ipos, body.inertia, body.explicitinertial = link.mass, link.com, link.inertia, True
        add_hinge(body, name, (0, 0, 1), link.limits, damping=link.damping, armature=0.1, frictionloss=1.0)
        for start, end, radius in link.capsules:
            add_capsule(body, start, end, radius, WHITE)
        for start, end, radius in link.rings:
            add_cylinder(body, start, end, radius, GREY, group=SEEN)
        add_position_servo(spec, name, kp=link.kp, kv=link.kp / 10, force=2 * link.torque, control=link.limits)
    add_cylinder(body, (0, 0, -0.028), (0, 0, 0), 0.038, GREY)
    add_site(body, "flange", (0, 0, 0))
    for near, far in (
        ("link_base", "link1"),
        ("link_base", "link2"),
        ("link1", "link3"),
        ("link3", "link5"),
        ("link4", "link6"),
        ("link5", "link7"),
    ):
        spec.add_exclude(bodyname1=near, bodyname2=far)
    return body
