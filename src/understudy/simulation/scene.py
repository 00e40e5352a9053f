"""The scene: table, room, light, camera and layout around one body, as one MuJoCo model.

World = robot base frame; the table top is z = 0 and spans x from 0 to 0.9 and y from -0.6 to 0.6 [m].
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import mujoco
import numpy as np
from jaxtyping import Float, Int

from understudy.geometry.cameras import camera_from_fov, look_at
from understudy.geometry.rotations import matrix_from_rotation_vector
from understudy.records import Camera
from understudy.simulation.cups import bead_names
from understudy.simulation.layout import Layout
from understudy.simulation.looks import Looks, table_texture
from understudy.simulation.objects import CONTACT, ROLLING_FRICTION, add_layout, object_rgba

__all__ = [
    "CAMERA_EYE",
    "CAMERA_FOV_DEG",
    "CAMERA_TARGET",
    "CAMERA_TURN_RAD",
    "PHYSICS_DT_S",
    "Scene",
    "build_scene",
    "home_qpos",
    "light_buttons",
    "tabletop_camera",
]

PHYSICS_DT_S = 0.002
"""Physics step [s]."""
TABLE_FRICTION = 0.35
"""Slide friction of the table top: low enough that an object pushed at mid height slides before it tips."""

CAMERA_EYE = (0.89, 0.69, 0.80)
"""The one fixed camera [m]: before the table on its left, 1.1 m from the layout's middle. A right hand that reaches
over the table is seen from its thumb's side and from above, and the camera's depth runs mostly along y and down."""
CAMERA_TARGET = (0.51, 0.03, 0.05)
CAMERA_FOV_DEG = 36.0
CAMERA_TURN_RAD = float(np.radians(15))
"""How far around the table the camera goes on the axis `camera_turned`, to either side."""

_BOX, _PLANE = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_PLANE
_FLOOR_Z = -0.72
_EXTENT = 0.9


def tabletop_camera(size: int, turn_rad: float = 0.0) -> Camera:
    """The fixed camera for a square image of `size` pixels, with its pose in the world.

    `turn_rad` carries it around the vertical through what it looks at, to the left as seen from above.
    """
    eye, target = np.array(CAMERA_EYE), np.array(CAMERA_TARGET)
    if turn_rad:
        eye = target + matrix_from_rotation_vector(np.array([0.0, 0.0, turn_rad])) @ (eye - target)
    T_world_camera = look_at(eye, target)
    return camera_from_fov(size, size, CAMERA_FOV_DEG, T_world_camera)


@dataclass(frozen=True)
class Places:
    """Indices into MuJoCo's arrays."""

    bodies: Int[np.ndarray, " O"]
    """Of the layout's objects, in `xpos` and `xmat`."""
    dofs: Int[np.ndarray, "O 6"]
    """Of their velocities, in `qvel`."""
    buttons: Int[np.ndarray, " B"]
    """Of the buttons' travel, in `qpos`."""


@dataclass(frozen=True)
class Scene:
    """A compiled scene and the layout it shows."""

    ROOM: ClassVar[int] = -1
    ACTOR: ClassVar[int] = -2

    model: mujoco.MjModel
    layout: Layout
    looks: Looks

    @cached_property
    def geom_item(self) -> dict[int, str]:
        """Geom id -> name of the item it belongs to."""
        items = {}
        for geom in range(self.model.ngeom):
            body = self.model.body(self.model.geom_bodyid[geom]).name
            name = body.removesuffix("_base")
            if name in self.layout.items:
                items[geom] = name
        return items

    @cached_property
    def beads(self) -> dict[str, Int[np.ndarray, " N"]]:
        """Bodies of the beads of each full cup, by its name."""
        full = [item.name for item in self.layout.objects if item.kind == "cup"]
        return {cup: np.array([self.model.body(bead).id for bead in bead_names(cup)]) for cup in full}

    @cached_property
    def room_geoms(self) -> frozenset[int]:
        """Geoms that neither act nor are items: table, floor, walls, lines, beads."""
        bodies = np.concatenate([[0], *self.beads.values()])
        return frozenset(np.flatnonzero(np.isin(self.model.geom_bodyid, bodies)).tolist())

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every item, as `owners` counts them."""
        return tuple(self.layout.items)

    @cached_property
    def owners(self) -> Int[np.ndarray, " G"]:
        """Whose each geom is: index of an item in `names`, `ROOM`, or `ACTOR` for the body that acts."""
        owners = np.full(self.model.ngeom, self.ACTOR)
        owners[list(self.room_geoms)] = self.ROOM
        for geom, name in self.geom_item.items():
            owners[geom] = self.names.index(name)
        return owners

    @cached_property
    def places(self) -> "Places":
        """Where the state of the layout's things stands in MuJoCo's arrays."""
        free = [self.model.joint(item.name) for item in self.layout.objects]
        return Places(
            bodies=np.array([self.model.body(item.name).id for item in self.layout.objects], dtype=np.int64),
            dofs=np.array([joint.dofadr[0] + np.arange(6) for joint in free], dtype=np.int64).reshape(-1, 6),
            buttons=np.array([self.qpos_address(item.name) for item in self.layout.buttons], dtype=np.int64),
        )

    def qpos_address(self, name: str) -> int:
        """First index in `qpos` of an object's free joint or a button's slide joint."""
        return int(self.model.jnt_qposadr[self.model.joint(name).id])


def build_scene(body: mujoco.MjSpec, layout: Layout, looks: Looks, turn_rad: float = 0.0) -> Scene:
    """Put a body (see `Embodiment.build`) into the room and compile. The spec is used up.

    `turn_rad` turns the camera as in `tabletop_camera`.
    """
    _set_physics(body)
    _set_quality(body)
    _add_room(body, looks)
    add_layout(body, layout, looks)
    _add_camera(body, turn_rad)
    return Scene(body.compile(), layout, looks)


def _set_physics(spec: mujoco.MjSpec) -> None:
    option = spec.option
    option.timestep = PHYSICS_DT_S
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    option.impratio = 10.0


def _set_quality(spec: mujoco.MjSpec) -> None:
    """Shadows and the tessellation of curved shapes dominate the cost of a software-rendered image, not its pixels."""
    visual = spec.visual
    visual.quality.shadowsize = 1024
    visual.quality.offsamples = 0
    visual.quality.numslices = 20
    visual.quality.numstacks = 10
    visual.global_.offwidth = 2048
    visual.global_.offheight = 2048
    # The shadow map covers `extent` around the light's axis: no more than the table, so that its texels stay small.
    spec.stat.extent = _EXTENT
    spec.stat.center = [0.45, 0.0, 0.1]
    visual.map.znear = 0.02 / _EXTENT
    visual.map.zfar = 12.0 / _EXTENT
    visual.map.shadowclip = 1.0


def _add_room(spec: mujoco.MjSpec, looks: Looks) -> None:
    texture = table_texture(looks)
    spec.add_texture(
        name="table",
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        width=texture.shape[1],
        height=texture.shape[0],
        nchannel=3,
        data=texture.ravel(),
    )
    material = spec.add_material(name="table", specular=0.12, shininess=0.2, texuniform=True)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "table"
    material.texrepeat = [8.0, 8.0] if looks.surface == "cloth" else [3.0, 3.0]
    world = spec.worldbody
    table_contact = CONTACT | {"condim": 6, "friction": (TABLE_FRICTION, 0.005, ROLLING_FRICTION)}
    world.add_geom(
        name="table",
        type=_BOX,
        pos=[0.45, 0, -0.02],
        size=[0.45, 0.6, 0.02],
        material="table",
        priority=1,
        **table_contact,
    )
    seen = {"contype": 0, "conaffinity": 0, "group": 2}
    world.add_geom(name="floor", type=_PLANE, pos=[0, 0, _FLOOR_Z], size=[4, 4, 0.1], rgba=[*looks.floor, 1], **seen)
    world.add_geom(name="wall", type=_BOX, pos=[0, -2.2, 0.8], size=[4, 0.02, 1.6], rgba=[*looks.wall, 1], **seen)
    world.add_geom(name="side_wall", type=_BOX, pos=[-2.2, 0, 0.8], size=[0.02, 4, 1.6], rgba=[*looks.wall, 1], **seen)
    for x in (0.06, 0.84):
        for y in (-0.54, 0.54):
            world.add_geom(
                type=_BOX,
                pos=[x, y, _FLOOR_Z / 2 - 0.02],
                size=[0.03, 0.03, -_FLOOR_Z / 2 - 0.02],
                rgba=[0.3, 0.3, 0.32, 1],
                **seen,
            )
    _add_light(spec, looks)


def _add_light(spec: mujoco.MjSpec, looks: Looks) -> None:
    direction = np.array(looks.light_direction)
    spec.worldbody.add_light(
        name="main",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=list(np.array([0.45, 0.0, 0.0]) - 2.0 * direction),
        dir=list(direction),
        diffuse=[looks.light] * 3,
        specular=[0.25] * 3,
        castshadow=True,
    )
    head = spec.visual.headlight
    head.ambient = [looks.ambient] * 3
    head.diffuse = [0.32] * 3
    head.specular = [0.05] * 3


def _add_camera(spec: mujoco.MjSpec, turn_rad: float) -> None:
    T = tabletop_camera(16, turn_rad).T_world_camera
    assert T is not None
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, (T[:3, :3] @ np.diag([1.0, -1.0, -1.0])).ravel())
    spec.worldbody.add_camera(name="fixed", pos=list(T[:3, 3]), quat=list(quat), fovy=CAMERA_FOV_DEG)


def home_qpos(scene: Scene, joint_names: tuple[str, ...], home: Float[np.ndarray, " J"]) -> Float[np.ndarray, " Q"]:
    """Generalised positions [m | rad] at reset: the layout as sampled and the body at `home`."""
    qpos = scene.model.qpos0.copy()
    for name, value in zip(joint_names, home, strict=True):
        qpos[scene.qpos_address(name)] = value
    return qpos


def light_buttons(scene: Scene, pressed: frozenset[str]) -> None:
    """Buttons that went down glow from then on; call it before rendering."""
    for button in scene.layout.buttons:
        rgba = np.array(object_rgba(button.colour, scene.looks))
        if button.name in pressed:
            rgba[:3] = 0.45 * rgba[:3] + 0.55
        scene.model.geom_rgba[scene.model.geom(button.name).id] = rgba
