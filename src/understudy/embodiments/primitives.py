"""The few shapes that bodies are made of, and the contact and actuator settings they share.

Settings (friction, solver, servo gains) were chosen on grasps of a 5 cm cube and a 6 cm cylinder with all three
robots: elliptic cones with impratio 10 keep the slip of a held object below 1 mm; see docs/embodiments.md.
"""

from collections.abc import Sequence

import mujoco
import numpy as np
from jaxtyping import Float

__all__ = [
    "BLACK",
    "GREY",
    "RUBBER",
    "SEEN",
    "SOLID",
    "TOUCHED",
    "WHITE",
    "Vector",
    "add_body",
    "add_box",
    "add_capsule",
    "add_cylinder",
    "add_hinge",
    "add_position_servo",
    "add_site",
    "new_spec",
    "site_rotation",
]

SOLID, SEEN, TOUCHED = 0, 2, 3
"""Geom groups: seen and touched, seen only, touched only."""
WHITE, GREY, BLACK, RUBBER = "robot_white", "robot_grey", "robot_black", "robot_rubber"

_MATERIALS = {
    WHITE: ((0.90, 0.91, 0.92, 1.0), 0.4),
    GREY: ((0.52, 0.53, 0.55, 1.0), 0.3),
    BLACK: ((0.14, 0.14, 0.15, 1.0), 0.4),
    RUBBER: ((0.74, 0.74, 0.76, 1.0), 0.1),
}
Vector = Sequence[float | int] | Float[np.ndarray, "_"]
"""A few numbers: a point [m], an axis, a quaternion, a pair of limits."""


def new_spec(name: str) -> mujoco.MjSpec:
    """An empty spec with the physics options that the bodies are tuned for."""
    spec = mujoco.MjSpec()
    spec.modelname = name
    spec.compiler.degree = False  # limits are given in radians
    spec.option.timestep = 0.002
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = 10
    for material, (rgba, specular) in _MATERIALS.items():
        spec.add_material(name=material, rgba=rgba, specular=specular, shininess=0.4)
    return spec


def add_body(parent: mujoco.MjsBody, name: str, pos: Vector = (0, 0, 0), quat: Vector = (1, 0, 0, 0)) -> mujoco.MjsBody:
    """A child body whose gravity is compensated; `pos` [m] and `quat` (w, x, y, z) in the parent's frame."""
    return parent.add_body(name=name, pos=pos, quat=np.asarray(quat, float) / np.linalg.norm(quat), gravcomp=1.0)


def _add_geom(
    body: mujoco.MjsBody, shape: mujoco.mjtGeom, material: str, group: int, **options: object
) -> mujoco.MjsGeom:
    touched = group != SEEN
    return body.add_geom(
        type=shape,
        material=material,
        group=group,
        contype=int(touched),
        conaffinity=int(touched),
        condim=4,
        friction=(1.0, 0.005, 0.0001),
        solref=(0.01, 1.0),
        solimp=(0.95, 0.99, 0.001, 0.5, 2.0),
        **options,
    )


def add_capsule(
    body: mujoco.MjsBody,
    start: Vector,
    end: Vector,
    radius: float,
    material: str,
    *,
    group: int = SOLID,
    density: float = 0.0,
    name: str = "",
) -> mujoco.MjsGeom:
    """A capsule between two points of the body's frame [m]; `density` [kg/m^3]."""
    return _add_geom(
        body,
        mujoco.mjtGeom.mjGEOM_CAPSULE,
        material,
        group,
        fromto=[*start, *end],
        size=(radius, 0, 0),
        density=density,
        name=name,
    )


def add_cylinder(
    body: mujoco.MjsBody,
    start: Vector,
    end: Vector,
    radius: float,
    material: str,
    *,
    group: int = SOLID,
    density: float = 0.0,
    name: str = "",
) -> mujoco.MjsGeom:
    """A cylinder between two points of the body's frame [m]."""
    return _add_geom(
        body,
        mujoco.mjtGeom.mjGEOM_CYLINDER,
        material,
        group,
        fromto=[*start, *end],
        size=(radius, 0, 0),
        density=density,
        name=name,
    )


def add_box(
    body: mujoco.MjsBody,
    centre: Vector,
    half_size: Vector,
    material: str,
    *,
    quat: Vector = (1, 0, 0, 0),
    group: int = SOLID,
    density: float = 0.0,
    name: str = "",
) -> mujoco.MjsGeom:
    """A box of half sizes [m] at `centre` of the body's frame."""
    return _add_geom(
        body,
        mujoco.mjtGeom.mjGEOM_BOX,
        material,
        group,
        pos=centre,
        quat=quat,
        size=half_size,
        density=density,
        name=name,
    )


def add_hinge(
    body: mujoco.MjsBody,
    name: str,
    axis: Vector,
    limits: Vector,
    *,
    damping: float,
    armature: float,
    frictionloss: float,
) -> mujoco.MjsJoint:
    """A limited hinge through the body's origin; `limits` (low, high) [rad]."""
    return body.add_joint(
        name=name,
        type=mujoco.mjtJoint.mjJNT_HINGE,
        axis=axis,
        range=limits,
        damping=[damping, 0, 0],
        armature=armature,
        frictionloss=frictionloss,
    )


def add_position_servo(
    spec: mujoco.MjSpec, joint: str, *, kp: float, kv: float, force: float, control: Vector
) -> mujoco.MjsActuator:
    """A position servo named as its joint: force kp (control - q) - kv qdot, clipped to +-force [N m | N]."""
    actuator = spec.add_actuator(name=joint, target=joint, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    actuator.set_to_position(kp=kp, kv=kv)
    actuator.forcerange = (-force, force)
    actuator.ctrlrange = control
    return actuator


def add_site(body: mujoco.MjsBody, name: str, pos: Vector, quat: Vector = (1, 0, 0, 0)) -> mujoco.MjsSite:
    """A small marker; group 4, which MuJoCo does not draw by default."""
    return body.add_site(name=name, pos=pos, quat=quat, size=(0.004, 0.004, 0.004), group=4)


def site_rotation(
    wrist: Vector, index_knuckle: Vector, middle_knuckle: Vector
) -> tuple[Float[np.ndarray, "4"], Float[np.ndarray, "3 3"]]:
    """Quaternion and matrix R_body_wrist of eq. 9-11 from three points of a right hand, in the body's frame [m]."""
    W, I, M = (np.asarray(p, float) for p in (wrist, index_knuckle, middle_knuckle))  # noqa: E741
    x = (M - W) / np.linalg.norm(M - W)
    z = np.cross(I - W, M - W)
    z /= np.linalg.norm(z)
    R = np.stack([x, np.cross(z, x), z], axis=-1)
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, R.ravel())
    return quat, R
