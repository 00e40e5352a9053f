"""The things on the table, added to an MjSpec: cubes, cylinders, plates, buttons, lines; cups and balls join them."""

from collections.abc import Mapping

import mujoco
import numpy as np

from understudy.simulation.balls import add_ball, add_line
from understudy.simulation.cups import add_beads, add_cup, add_mug
from understudy.simulation.layout import BLOCKS, LINES_X, PLATE_RADIUS, Item, Layout, Pattern
from understudy.simulation.looks import COLOURS, Looks

__all__ = [
    "BUTTON_PRESSED_TRAVEL",
    "BUTTON_TOP",
    "CONTACT",
    "PLATE_TOP",
    "ROLLING_FRICTION",
    "add_layout",
    "object_rgba",
]

CONTACT = {
    "condim": 4,
    "friction": (1.0, 0.005, 0.0001),
    "solref": (0.01, 1.0),
    "solimp": (0.95, 0.99, 0.001, 0.5, 2.0),
}
"""Contact settings of everything that is grasped or grasps (measured: slip under 0.1 mm over 3 s of holding)."""

ROLLING_FRICTION = 0.002
"""Of table and plates [m]: a cylinder that fell over rolls a hand's breadth and not off the table."""
OBJECT_MASS = 0.1
"""Mass of every object [kg]."""
PLATE_TOP = 0.006
"""Height of a plate's surface [m]."""
BUTTON_TOP = 0.036
"""Height of an unpressed button's cap [m]."""
BUTTON_TRAVEL = 0.010
"""How far the cap can go down [m]."""
BUTTON_PRESSED_TRAVEL = 0.006
"""A button counts as pressed from here on [m]."""

_BOX_ASPECT = 1.4
"""Width of a box across its own y over its depth."""
_HANDLE_M = 0.016
_PATTERN_SIZE = 8
_LINE_HALF_WIDTH = 0.006
_LINE_HALF_LENGTH = 0.29
_BOX, _CYLINDER = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CYLINDER


def object_rgba(colour: str, looks: Looks) -> list[float]:
    """RGBA of a named colour in these looks."""
    return [*(float(c) for c in np.clip(np.array(COLOURS[colour]) * looks.shade, 0, 1)), 1.0]


def add_layout(spec: mujoco.MjSpec, layout: Layout, looks: Looks) -> None:
    """Add everything that stands on the table; bodies carry the items' names."""
    for name, specular, shininess in (("matt", 0.15, 0.2), ("glaze", 0.5, 0.7)):
        spec.add_material(name=name, specular=specular, shininess=shininess)
    for item in layout.objects:
        if item.kind in ("cup", "fallen_cup"):
            add_cup(spec, item, object_rgba(item.colour, looks), _material(spec, item, "glaze"))
        elif item.kind == "ball":
            add_ball(spec, item, object_rgba(item.colour, looks), _material(spec, item, "glaze"))
        else:
            _add_object(spec, item, looks)
        if item.kind == "cup":
            add_beads(spec, item)
    for item in layout.plates:
        if item.kind == "mug":
            add_mug(spec, item, object_rgba(item.colour, looks))
        else:
            _add_plate(spec, item, looks)
    for item in layout.buttons:
        _add_button(spec, item, looks)
    for item in layout.distractors:
        _add_distractor(spec, item, looks)
    for item in layout.lines:
        add_line(spec, item, object_rgba(item.colour, looks))
    if not layout.lines and any(item.kind in BLOCKS for item in layout.objects):
        _add_lines(spec)


def _add_lines(spec: mujoco.MjSpec) -> None:
    for name, x in zip(("line_near", "line_far"), LINES_X, strict=True):
        spec.worldbody.add_geom(
            name=name,
            type=_BOX,
            pos=[x, 0, 0.0003],
            size=[_LINE_HALF_WIDTH, _LINE_HALF_LENGTH, 0.0003],
            rgba=[0.95, 0.95, 0.93, 1],
            contype=0,
            conaffinity=0,
            group=2,
        )


def _add_object(spec: mujoco.MjSpec, item: Item, looks: Looks) -> None:
    body = spec.worldbody.add_body(name=item.name, pos=[*item.xy, item.half_height], quat=_yaw_quaternion(item.yaw))
    body.add_freejoint(name=item.name)
    width, height = item.half_width, item.half_height
    look = {"rgba": object_rgba(item.colour, looks), "material": _material(spec, item, "matt")}
    body.add_geom(
        name=item.name,
        type=_BOX if item.flat else _CYLINDER,
        size=[width, _BOX_ASPECT * width if item.kind == "box" else width, height] if item.flat else [width, height, 0],
        mass=OBJECT_MASS,
        **look,
        **CONTACT,
    )
    if item.kind == "jug":
        _add_handle(body, width, height, look)


def _material(spec: mujoco.MjSpec, item: Item, plain: str) -> str:
    """Name of the material of a thing: its own where something is printed on it."""
    if not item.pattern:
        return plain
    name = f"{item.name}_{item.pattern}"
    _add_pattern(spec, name, item.pattern)
    return name


def _add_handle(body: mujoco.MjsBody, radius: float, half_height: float, look: Mapping[str, object]) -> None:
    """Of a jug: an upright bar on two arms, seen and not touched, so that grasps are those of a cylinder."""
    seen = {"contype": 0, "conaffinity": 0, "group": 2, "mass": 0.0, **look}
    y, half = radius + _HANDLE_M, 0.5 * half_height
    body.add_geom(type=_BOX, pos=[0, y, 0], size=[0.004, 0.004, half + 0.004], **seen)
    for z in (-half, half):
        body.add_geom(type=_BOX, pos=[0, y - _HANDLE_M / 2, z], size=[0.004, _HANDLE_M / 2, 0.004], **seen)


def _add_pattern(spec: mujoco.MjSpec, name: str, pattern: Pattern) -> None:
    """A material that darkens parts of a colour: squares, or dots strewn at random."""
    checks = pattern == "checks"
    texture = spec.add_texture(
        name=name,
        type=mujoco.mjtTexture.mjTEXTURE_CUBE,
        width=_PATTERN_SIZE,
        height=_PATTERN_SIZE,
        rgb1=[1.0, 1.0, 1.0],
    )
    texture.builtin = mujoco.mjtBuiltin.mjBUILTIN_CHECKER if checks else mujoco.mjtBuiltin.mjBUILTIN_FLAT
    texture.rgb2 = [0.45, 0.45, 0.45]
    if not checks:
        texture.mark, texture.random, texture.markrgb = mujoco.mjtMark.mjMARK_RANDOM, 0.12, [0.15, 0.15, 0.15]
    material = spec.add_material(name=name, specular=0.15, shininess=0.2)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name


def _add_distractor(spec: mujoco.MjSpec, item: Item, looks: Looks) -> None:
    """A bottle or a book, fixed to the table."""
    body = spec.worldbody.add_body(name=item.name, pos=[*item.xy, 0], quat=_yaw_quaternion(item.yaw))
    look = {"rgba": object_rgba(item.colour, looks), "material": "matt"}
    if item.kind == "bottle":
        body.add_geom(name=item.name, type=_CYLINDER, pos=[0, 0, 0.045], size=[0.028, 0.045, 0], **look, **CONTACT)
        body.add_geom(type=_CYLINDER, pos=[0, 0, 0.105], size=[0.011, 0.015, 0], **look, **CONTACT)
    else:
        body.add_geom(name=item.name, type=_BOX, pos=[0, 0, 0.011], size=[0.035, 0.05, 0.011], **look, **CONTACT)


def _add_plate(spec: mujoco.MjSpec, item: Item, looks: Looks) -> None:
    """A plate is fixed to the table: a low disc with a rim that is seen and not touched."""
    body = spec.worldbody.add_body(name=item.name, pos=[*item.xy, 0])
    rgba = object_rgba(item.colour, looks)
    half = PLATE_TOP / 2
    # Priority makes the plate's contact settings count: objects themselves roll freely.
    contact = CONTACT | {"condim": 6, "friction": (1.0, 0.005, ROLLING_FRICTION), "priority": 1}
    body.add_geom(
        name=item.name,
        type=_CYLINDER,
        pos=[0, 0, half],
        size=[PLATE_RADIUS, half, 0],
        rgba=rgba,
        material="glaze",
        **contact,
    )
    rim = [c * 0.72 for c in rgba[:3]] + [1.0]
    body.add_geom(
        type=_CYLINDER,
        pos=[0, 0, half],
        size=[PLATE_RADIUS + 0.003, half * 0.9, 0],
        rgba=rim,
        material="glaze",
        contype=0,
        conaffinity=0,
        group=2,
    )


def _add_button(spec: mujoco.MjSpec, item: Item, looks: Looks) -> None:
    """A cap on a spring in a fixed housing. Cap and housing must not touch, or the cap could never go down."""
    base = spec.worldbody.add_body(name=f"{item.name}_base", pos=[*item.xy, 0])
    base.add_geom(
        type=_BOX, pos=[0, 0, 0.011], size=[0.035, 0.035, 0.011], rgba=[0.25, 0.26, 0.28, 1], material="matt", **CONTACT
    )
    cap = base.add_body(name=item.name, pos=[0, 0, BUTTON_TOP])
    cap.add_joint(
        name=item.name,
        type=mujoco.mjtJoint.mjJNT_SLIDE,
        axis=[0, 0, -1],
        range=[0, BUTTON_TRAVEL],
        limited=mujoco.mjtLimited.mjLIMITED_TRUE,
        stiffness=[200.0, 0, 0],
        damping=[2.0, 0, 0],
        springref=-0.003,
    )
    cap.add_geom(
        name=item.name,
        type=_CYLINDER,
        pos=[0, 0, -0.009],
        size=[0.022, 0.009, 0],
        mass=0.03,
        rgba=object_rgba(item.colour, looks),
        material="glaze",
        **CONTACT,
    )
    spec.add_exclude(bodyname1=f"{item.name}_base", bodyname2=item.name)


def _yaw_quaternion(yaw: float) -> list[float]:
    return [float(np.cos(yaw / 2)), 0.0, 0.0, float(np.sin(yaw / 2))]
