"""Cups, the mugs that they are poured into, and beads: open vessels made of a ring of boxes, seen as smooth ones.

A slim cup is what a hand takes: upright and full of beads (`cup`), or lying on its side and empty (`fallen_cup`). A
mug is wide, stands fixed on the table and has no handle. Beads are spheres that move and do not turn, which nobody
sees and which halves what they cost; they start as they lie after settling.
"""

import mujoco
import numpy as np
from jaxtyping import Bool, Float, Int

from understudy.simulation.layout import OBJECT_HALF_HEIGHT, Item

__all__ = [
    "BEAD_RADIUS",
    "CUP_HEIGHT",
    "CUP_RADIUS",
    "MUG_HEIGHT",
    "MUG_RADIUS",
    "NUM_BEADS",
    "add_beads",
    "add_cup",
    "add_mug",
    "bead_names",
    "in_cup",
    "in_mug",
    "mouth_direction",
    "pouring_place",
    "set_beads",
    "vessel_surface",
]

CUP_RADIUS = OBJECT_HALF_HEIGHT["fallen_cup"]
"""Of a cup's outside [m]."""
CUP_HEIGHT = 2 * OBJECT_HALF_HEIGHT["cup"]
"""From foot to rim [m]."""
MUG_RADIUS = 0.043
"""Of a mug's outside [m]."""
MUG_HEIGHT = 0.065
"""From the table to a mug's rim [m]."""
BEAD_RADIUS = 0.0095
"""[m]."""
NUM_BEADS = 12
"""In every full cup."""

_WALL = 0.003
_FLOOR = 0.004
_SIDES = 12
_CUP_MASS = 0.05
_BEAD_MASS = 0.002
_SEGMENTS = 40
_POUR_CLEARANCE = 0.015
_POUR_INSET = 0.012
_CONTACT = {
    "condim": 4,
    "friction": (1.0, 0.005, 0.0001),
    "solref": (0.01, 1.0),
    "solimp": (0.95, 0.99, 0.001, 0.5, 2.0),
}
_BEAD_CONTACT = {"condim": 3, "friction": (0.3, 0.0, 0.0), "solref": (0.01, 1.0), "priority": 2}
_BEAD_COLOUR = (0.95, 0.93, 0.88, 1.0)
_PACKING = 1e-3 * np.array(  # where beads lie after settling: (x, y) from the cup's axis, z from the table [mm]
    [
        (18.67, -2.06, 12.99),
        (4.19, -18.05, 12.99),
        (-17.04, 8.08, 12.99),
        (4.53, 18.00, 13.01),
        (-14.03, -12.00, 13.04),
        (15.56, 10.72, 26.34),
        (-8.19, 17.04, 26.89),
        (13.89, -12.35, 28.03),
        (-18.55, -2.36, 28.62),
        (-5.74, -17.64, 29.02),
        (5.04, 17.83, 40.30),
        (19.16, -0.09, 41.38),
    ]
)
_BOX, _CYLINDER, _MESH = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CYLINDER, mujoco.mjtGeom.mjGEOM_MESH
_SEEN, _TOUCHED = 2, 3


def add_cup(spec: mujoco.MjSpec, item: Item, rgba: list[float], material: str = "glaze") -> None:
    """A movable cup whose frame is that of its item: at its middle, its axis along z, or along x where it lies."""
    body = spec.worldbody.add_body(
        name=item.name,
        pos=[*item.xy, OBJECT_HALF_HEIGHT[item.kind]],
        quat=[np.cos(item.yaw / 2), 0.0, 0.0, np.sin(item.yaw / 2)],
    )
    body.add_freejoint(name=item.name)
    R_item_vessel = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    if item.kind == "cup":
        R_item_vessel = np.eye(3)
    _add_vessel(spec, body, R_item_vessel, CUP_RADIUS, CUP_HEIGHT, rgba, material, _CUP_MASS, -CUP_HEIGHT / 2)


def add_mug(spec: mujoco.MjSpec, item: Item, rgba: list[float]) -> None:
    """A mug that stands fixed to the table; the origin of its frame is on the table."""
    body = spec.worldbody.add_body(name=item.name, pos=[*item.xy, 0.0])
    _add_vessel(spec, body, np.eye(3), MUG_RADIUS, MUG_HEIGHT, rgba, "glaze", 0.1, 0.0)


def _add_vessel(
    spec: mujoco.MjSpec,
    body: mujoco.MjsBody,
    R: Float[np.ndarray, "3 3"],
    radius: float,
    height: float,
    rgba: list[float],
    material: str,
    mass: float,
    foot: float,
) -> None:
    """Floor and walls that touch, and the smooth vessel that is seen, its foot at `foot` on the axis R e_z."""

    def quaternion(rotation: Float[np.ndarray, "3 3"]) -> list[float]:
        quat = np.zeros(4)
        mujoco.mju_mat2Quat(quat, rotation.ravel())
        return list(quat)

    touched = {"group": _TOUCHED, "rgba": rgba, **_CONTACT}
    body.add_geom(
        name=body.name,
        type=_CYLINDER,
        pos=list(R @ [0.0, 0.0, foot + _FLOOR / 2]),
        quat=quaternion(R),
        size=[radius - _WALL, _FLOOR / 2, 0],
        mass=0.25 * mass,
        **touched,
    )
    half_side = radius * np.tan(np.pi / _SIDES)
    for k in range(_SIDES):
        angle = 2 * np.pi * (k + 0.5) / _SIDES
        c, s = np.cos(angle), np.sin(angle)
        turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        body.add_geom(
            type=_BOX,
            pos=list(R @ [c * (radius - _WALL / 2), s * (radius - _WALL / 2), foot + (height + _FLOOR / 2) / 2]),
            quat=quaternion(R @ turn),
            size=[_WALL / 2, half_side, (height - _FLOOR / 2) / 2],
            mass=0.75 * mass / _SIDES,
            **touched,
        )
    vertices, faces = vessel_surface(radius, height)
    mesh = f"vessel_{radius * 1e3:.0f}_{height * 1e3:.0f}"
    if spec.mesh(mesh) is None:
        spec.add_mesh(name=mesh, uservert=vertices.ravel(), userface=faces.ravel())
    body.add_geom(
        type=_MESH,
        meshname=mesh,
        pos=list(R @ [0.0, 0.0, foot]),
        quat=quaternion(R),
        rgba=rgba,
        material=material,
        mass=0.0,
        contype=0,
        conaffinity=0,
        group=_SEEN,
    )


def vessel_surface(radius: float, height: float) -> tuple[Float[np.ndarray, "V 3"], Int[np.ndarray, "F 3"]]:
    """The closed surface of a cup with a rounded rim: its outline (distance from the axis, height) turned about z."""
    inner, bead = radius - _WALL, _WALL / 2
    outline = np.array(
        [
            (0.0, 0.0),
            (radius - 0.003, 0.0),
            (radius, 0.003),
            (radius, height - bead),
            (radius - 0.3 * bead, height - 0.3 * bead),
            (radius - bead, height),
            (inner + 0.3 * bead, height - 0.3 * bead),
            (inner, height - bead),
            (inner, _FLOOR + 0.002),
            (inner - 0.002, _FLOOR),
            (0.0, _FLOOR),
        ]
    )
    angle = 2 * np.pi * np.arange(_SEGMENTS) / _SEGMENTS
    rings = outline[1:-1]
    vertices = np.stack(
        [rings[:, :1] * np.cos(angle), rings[:, :1] * np.sin(angle), np.repeat(rings[:, 1:], _SEGMENTS, 1)], axis=-1
    ).reshape(-1, 3)
    here, after = np.arange(_SEGMENTS), np.roll(np.arange(_SEGMENTS), -1)
    faces = []
    for ring in range(len(rings) - 1):
        low, high = ring * _SEGMENTS, (ring + 1) * _SEGMENTS
        faces += [
            np.stack([low + here, low + after, high + after], 1),
            np.stack([low + here, high + after, high + here], 1),
        ]
    foot, floor, top = len(vertices), len(vertices) + 1, (len(rings) - 1) * _SEGMENTS
    faces.append(np.stack([np.full(_SEGMENTS, foot), after, here], 1))
    faces.append(np.stack([np.full(_SEGMENTS, floor), top + here, top + after], 1))
    centres = [[0.0, 0.0, outline[0, 1]], [0.0, 0.0, outline[-1, 1]]]
    return np.concatenate([vertices, centres]), np.concatenate(faces)


def bead_names(cup: str) -> tuple[str, ...]:
    """Bodies of the beads that a cup holds at reset."""
    return tuple(f"{cup}_bead_{i}" for i in range(NUM_BEADS))


def add_beads(spec: mujoco.MjSpec, item: Item) -> None:
    """The beads that a cup holds at reset."""
    for name, place in zip(bead_names(item.name), _PACKING, strict=True):
        c, s = np.cos(item.yaw), np.sin(item.yaw)
        x, y, z = place
        position = [item.xy[0] + c * x - s * y, item.xy[1] + s * x + c * y, z]
        body = spec.worldbody.add_body(name=name, pos=position)
        for axis, direction in zip("xyz", np.eye(3), strict=True):
            body.add_joint(
                name=f"{name}_{axis}", type=mujoco.mjtJoint.mjJNT_SLIDE, axis=list(direction), damping=[1e-4, 0, 0]
            )
        body.add_geom(
            name=name,
            type=mujoco.mjtGeom.mjGEOM_SPHERE,
            size=[BEAD_RADIUS, 0, 0],
            mass=_BEAD_MASS,
            rgba=_BEAD_COLOUR,
            material="glaze",
            **_BEAD_CONTACT,
        )


def set_beads(
    model: mujoco.MjModel, data: mujoco.MjData, bodies: Int[np.ndarray, " N"], positions: Float[np.ndarray, "N 3"]
) -> None:
    """Put beads, by the numbers of their bodies, at positions in the world [m]; forward `data` afterwards."""
    first = model.jnt_qposadr[model.body_jntadr[bodies]]
    data.qpos[first[:, None] + np.arange(3)] = positions - model.body_pos[bodies]


def in_mug(points: Float[np.ndarray, "N 3"], mug_xy: Float[np.ndarray, "2"]) -> Bool[np.ndarray, " N"]:
    """Which points [m] lie within a mug that stands at `mug_xy`, below its rim."""
    inside = np.linalg.norm(points[:, :2] - mug_xy, axis=1) < MUG_RADIUS
    return inside & (points[:, 2] > 0.0) & (points[:, 2] < MUG_HEIGHT)


def in_cup(
    points: Float[np.ndarray, "N 3"], position: Float[np.ndarray, "3"], R: Float[np.ndarray, "3 3"]
) -> Bool[np.ndarray, " N"]:
    """Which points [m] lie within a cup of kind `cup` that is at `position`, turned by R_world_cup."""
    own = (points - position) @ R
    return (np.linalg.norm(own[:, :2], axis=1) < CUP_RADIUS) & (np.abs(own[:, 2]) < CUP_HEIGHT / 2)


def mouth_direction(R: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3"]:
    """The axis of a cup of kind `fallen_cup` turned by R_world_cup, from foot to rim, world."""
    return R[:, 0]


def pouring_place(mug_xy: Float[np.ndarray, "2"], axis: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """Where the centre of a cup is while it is poured into a mug [m].

    The rim's lowest point stays over the mug, a little on the near side of its middle. It comes down as the cup tips,
    so that the foot keeps clear of the mug's rim:

        z_rim = mug's rim + clearance + cup's height max(cos tilt, 0)

    Args:
        mug_xy: the mug's middle [m].
        axis: unit vector from the cup's foot to its mouth, world; not quite vertical.
    """
    up = np.array([0.0, 0.0, 1.0])
    lean = axis * np.array([1.0, 1.0, 0.0])
    lean /= np.linalg.norm(lean)
    lowest = axis[2] * axis - up
    lowest /= np.linalg.norm(lowest)
    rim = np.array([*mug_xy, MUG_HEIGHT + _POUR_CLEARANCE + CUP_HEIGHT * max(axis[2], 0.0)]) - _POUR_INSET * lean
    return rim - CUP_HEIGHT / 2 * axis - CUP_RADIUS * lowest
