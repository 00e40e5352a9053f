"""Any embodiment as URDF text: the same tree, limits and speeds, for solvers that read URDF.

Links are the bodies; a body with two hinges gets a link of token mass between them. The sites `wrist`, `k{i}` and `tcp`
become links behind fixed joints. The base (or the hand's root, for a floating hand) is the URDF's root link. Capsules,
which URDF does not know, are drawn as a cylinder and two balls, ellipsoids as the ball inside.
"""

import xml.etree.ElementTree as ET
from pathlib import Path

import mujoco
import numpy as np
from jaxtyping import Float

from understudy.embodiments.embodiment import Embodiment
from understudy.embodiments.primitives import SEEN
from understudy.geometry.rotations import matrix_from_quaternion

__all__ = ["export_urdf", "write_urdf"]

_SITES = ("wrist", "tcp")
_TOKEN_MASS, _TOKEN_INERTIA = 1e-6, 1e-9  # of links without a body [kg, kg m^2]; dynamics engines reject zero
_JOINT_TYPES = {mujoco.mjtJoint.mjJNT_HINGE: "revolute", mujoco.mjtJoint.mjJNT_SLIDE: "prismatic"}


def write_urdf(embodiment: Embodiment, path: Path) -> None:
    """Write `export_urdf` of an embodiment to a file."""
    path.write_text(export_urdf(embodiment), encoding="utf-8")


def export_urdf(embodiment: Embodiment) -> str:
    """URDF of the embodiment: joints named as in `joint_names`, fixed links named `wrist` and `k{i}`."""
    model = embodiment.build().compile()
    robot = ET.Element("robot", name=embodiment.name)
    speed = dict(zip(embodiment.joint_names, embodiment.speed_limit, strict=True))
    for body in range(1, model.nbody):
        if model.body_mocapid[body] >= 0:
            continue
        _add_link(robot, model, body)
        if model.body_parentid[body] != 0:
            _add_joints(robot, model, body, speed)
    for site in range(model.nsite):
        name = model.site(site).name
        if name in _SITES or name.removeprefix("k").isdigit():
            ET.SubElement(robot, "link", name=name)
            parent = model.body(model.site_bodyid[site]).name
            _add_joint(robot, f"{name}_fixed", "fixed", parent, name, model.site_pos[site], model.site_quat[site])
    ET.indent(robot)
    return ET.tostring(robot, encoding="unicode", xml_declaration=True) + "\n"


def _add_joints(robot: ET.Element, model: mujoco.MjModel, body: int, speed: dict[str, float]) -> None:
    """The joints between a body and its parent, in order, with links of token mass between two of them."""
    name, parent = model.body(body).name, model.body(model.body_parentid[body]).name
    pos, quat = model.body_pos[body], model.body_quat[body]
    first, count = model.body_jntadr[body], model.body_jntnum[body]
    if count == 0:
        _add_joint(robot, f"{name}_fixed", "fixed", parent, name, pos, quat)
    for joint in range(first, first + count):
        joint_name = model.joint(joint).name
        child = name if joint == first + count - 1 else f"{name}_after_{joint_name}"
        if child != name:
            _add_inertial(ET.SubElement(robot, "link", name=child), _TOKEN_MASS, np.full(3, _TOKEN_INERTIA))
        kind = _JOINT_TYPES[mujoco.mjtJoint(int(model.jnt_type[joint]))]
        element = _add_joint(robot, joint_name, kind, parent, child, pos, quat)
        ET.SubElement(element, "axis", xyz=_numbers(model.jnt_axis[joint]))
        lower, upper = model.jnt_range[joint]
        effort = model.actuator(joint_name).forcerange[1]
        limits = {"lower": lower, "upper": upper, "effort": effort, "velocity": speed[joint_name]}
        ET.SubElement(element, "limit", {key: _numbers(value) for key, value in limits.items()})
        parent, pos, quat = child, np.zeros(3), np.array([1.0, 0.0, 0.0, 0.0])


def _add_joint(
    robot: ET.Element,
    name: str,
    kind: str,
    parent: str,
    child: str,
    pos: Float[np.ndarray, "3"],
    quat: Float[np.ndarray, "4"],
) -> ET.Element:
    element = ET.SubElement(robot, "joint", name=name, type=kind)
    _add_origin(element, pos, quat)
    ET.SubElement(element, "parent", link=parent)
    ET.SubElement(element, "child", link=child)
    return element


def _add_link(robot: ET.Element, model: mujoco.MjModel, body: int) -> None:
    link = ET.SubElement(robot, "link", name=model.body(body).name)
    inertial = _add_inertial(link, model.body_mass[body], model.body_inertia[body])
    _add_origin(inertial, model.body_ipos[body], model.body_iquat[body])
    for geom in range(model.body_geomadr[body], model.body_geomadr[body] + model.body_geomnum[body]):
        _add_shapes(link, model, geom, "visual")
        if model.geom_group[geom] != SEEN:
            _add_shapes(link, model, geom, "collision")


def _add_inertial(link: ET.Element, mass: float, inertia: Float[np.ndarray, "3"]) -> ET.Element:
    inertial = ET.SubElement(link, "inertial")
    ET.SubElement(inertial, "mass", value=_numbers(mass))
    xx, yy, zz = (_numbers(value) for value in inertia)
    ET.SubElement(inertial, "inertia", ixx=xx, iyy=yy, izz=zz, ixy="0", ixz="0", iyz="0")
    return inertial


def _add_shapes(link: ET.Element, model: mujoco.MjModel, geom: int, kind: str) -> None:
    pos, quat, size = model.geom_pos[geom], model.geom_quat[geom], model.geom_size[geom]
    match mujoco.mjtGeom(int(model.geom_type[geom])):
        case mujoco.mjtGeom.mjGEOM_BOX:
            _add_shape(link, kind, pos, quat, "box", size=_numbers(2 * size))
        case mujoco.mjtGeom.mjGEOM_CYLINDER:
            _add_shape(link, kind, pos, quat, "cylinder", radius=_numbers(size[0]), length=_numbers(2 * size[1]))
        case mujoco.mjtGeom.mjGEOM_CAPSULE:
            _add_shape(link, kind, pos, quat, "cylinder", radius=_numbers(size[0]), length=_numbers(2 * size[1]))
            along = size[1] * matrix_from_quaternion(quat)[:, 2]
            for end in (pos - along, pos + along):
                _add_shape(link, kind, end, quat, "sphere", radius=_numbers(size[0]))
        case mujoco.mjtGeom.mjGEOM_ELLIPSOID:
            _add_shape(link, kind, pos, quat, "sphere", radius=_numbers(size.min()))
        case other:
            raise ValueError(
                f"geom {model.geom(geom).name!r} of shape {other.name}: URDF has boxes, cylinders and spheres"
            )


def _add_shape(
    link: ET.Element, kind: str, pos: Float[np.ndarray, "3"], quat: Float[np.ndarray, "4"], shape: str, **size: str
) -> None:
    element = ET.SubElement(link, kind)
    _add_origin(element, pos, quat)
    ET.SubElement(ET.SubElement(element, "geometry"), shape, size)


def _add_origin(element: ET.Element, pos: Float[np.ndarray, "3"], quat: Float[np.ndarray, "4"]) -> None:
    """R = Rz(yaw) Ry(pitch) Rx(roll). At pitch = +-90 deg only yaw -+ roll is defined: yaw is 0 there."""
    R = matrix_from_quaternion(quat)
    cos_pitch = np.hypot(R[0, 0], R[1, 0])
    pitch = np.arctan2(-R[2, 0], cos_pitch)
    if cos_pitch > 1e-7:
        roll, yaw = np.arctan2(R[2, 1], R[2, 2]), np.arctan2(R[1, 0], R[0, 0])
    else:
        roll, yaw = np.arctan2(-R[1, 2], R[1, 1]), 0.0
    ET.SubElement(element, "origin", xyz=_numbers(pos), rpy=_numbers(np.array([roll, pitch, yaw])))


def _numbers(values: Float[np.ndarray, " _"] | float) -> str:
    return " ".join(f"{value:.12g}" for value in np.atleast_1d(values))
