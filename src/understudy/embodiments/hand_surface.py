"""The surface of the human hand: a mesh stored in the package, bent by the bodies below it."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mujoco
import numpy as np
from jaxtyping import Float, Int

from understudy.embodiments.hand_skeleton import FINGERS, HandSkeleton
from understudy.geometry.rotations import matrix_from_rotation_vector, quaternion_from_matrix
from understudy.geometry.transforms import make_transform

__all__ = [
    "BIND_JOINTS",
    "SKIN_FILE",
    "UNIT_M",
    "HandMesh",
    "add_skin",
    "add_skin_material",
    "load_mesh",
    "phalanx_frames",
]

SKIN_FILE = Path(__file__).with_name("hand_skin.npz")
"""Made by `python -m understudy.embodiments.hand_skin`."""
UNIT_M = 2e-5
"""Vertices are stored in 16-bit steps of this size [m]."""
BIND_JOINTS = np.array(
    [
        *(0.0, 0.10, 0.15, 0.10),
        *(-0.16, 0.20, 0.30, 0.15),
        *(0.0, 0.20, 0.30, 0.15),
        *(0.14, 0.20, 0.30, 0.15),
        *(0.26, 0.20, 0.30, 0.15),
    ]
)
"""Pose in which the mesh is made [rad]: slightly bent and spread, between the poses it will be moved to."""

_BODIES = ("hand", *(f"{finger}_{part}" for finger in FINGERS for part in ("proximal", "medial", "distal")))
_TEXELS = 32
_PALM_RGB, _PALM_SHARE = (0.95, 0.72, 0.62), 0.45
_RUDDY = (0.95, 0.86, 0.84)


@dataclass(frozen=True)
class HandMesh:
    """A triangle mesh, open only inside the sleeve, and, for each vertex, how much each of 16 bodies moves it."""

    vertices: Float[np.ndarray, "V 3"]
    """Wrist frame [m], bind pose."""
    faces: Int[np.ndarray, "F 3"]
    weights: Float[np.ndarray, "V 16"]
    """Root first, then proximal, medial and distal body of each finger; rows sum to 1."""
    tint: Float[np.ndarray, "V 2"]
    """0 to 1: how pale (the palm's side) and how ruddy (knuckles, creases, fingertips) the skin is here."""


def phalanx_frames(skeleton: HandSkeleton, joints: Float[np.ndarray, "20"]) -> Float[np.ndarray, "16 4 4"]:
    """T_wrist_body of the root (identity) and the 15 moving bodies, finger by finger."""
    frames = [np.eye(4)]
    for finger in range(5):
        q = joints[4 * finger : 4 * finger + 4]
        R = skeleton.base_rotations[finger] @ matrix_from_rotation_vector(np.array([0.0, 0.0, q[0]]))
        p = skeleton.bases_m[finger]
        for bone in range(3):
            R = R @ matrix_from_rotation_vector(np.array([0.0, -q[bone + 1], 0.0]))
            frames.append(make_transform(R, p))
            p = p + R[:, 0] * skeleton.bones_m[finger, bone]
    return np.stack(frames)


@cache
def load_mesh(name: str) -> HandMesh:
    """`skin` or `sleeve`, at the adult mean size in the bind pose."""
    with np.load(SKIN_FILE, allow_pickle=False) as file:
        weights = file[f"{name}_weights"].astype(float)
        return HandMesh(
            vertices=file[f"{name}_vertices"] * UNIT_M,
            faces=file[f"{name}_faces"].astype(np.int64),
            weights=weights / weights.sum(axis=1, keepdims=True),
            tint=file[f"{name}_tint"] / 255,
        )


def add_skin(
    spec: mujoco.MjSpec, name: str, skeleton: HandSkeleton, mirror: Float[np.ndarray, "3 3"], girth_m: float
) -> None:
    """Add the mesh `name` to a hand of this size, mirrored for a left hand, its surface moved out by `girth_m` [m]."""
    mesh = load_mesh(name)
    skin = spec.add_skin(name=f"hand_{name}", material=f"hand_{name}", group=2, inflate=girth_m)
    skin.vert = (mesh.vertices * skeleton.scale @ mirror).ravel()
    faces: Int[np.ndarray, "F 3"] = mesh.faces if mirror[1, 1] > 0 else mesh.faces[:, ::-1]
    skin.face = faces.ravel()
    skin.texcoord = mesh.tint.ravel()
    used = np.flatnonzero(mesh.weights.any(axis=0))
    frames = phalanx_frames(skeleton, BIND_JOINTS)[used]
    skin.bodyname = [_BODIES[body] for body in used]
    skin.bindpos = (frames[:, :3, 3] @ mirror).ravel()
    skin.bindquat = quaternion_from_matrix(mirror @ frames[:, :3, :3] @ mirror).ravel()
    members = [np.flatnonzero(mesh.weights[:, body]) for body in used]
    skin.vertid = [list(map(int, ids)) for ids in members]
    skin.vertweight = [list(map(float, mesh.weights[ids, body])) for ids, body in zip(members, used, strict=True)]


def add_skin_material(spec: mujoco.MjSpec, name: str, rgb: tuple[float, float, float]) -> None:
    """A texture that runs from the back of the hand to the palm (columns) and from plain to ruddy (rows)."""
    back = np.array(rgb)
    palm = back + _PALM_SHARE * (np.array(_PALM_RGB) * (0.35 + 0.65 * back.max()) - back)
    pale, ruddy = np.meshgrid(np.linspace(0, 1, _TEXELS), np.linspace(0, 1, _TEXELS))
    plain = back + pale[..., None] * (palm - back)
    image = plain * (1 + ruddy[..., None] * (np.array(_RUDDY) - 1))
    texture = spec.add_texture(
        name=name, type=mujoco.mjtTexture.mjTEXTURE_2D, width=_TEXELS, height=_TEXELS, nchannel=3
    )
    texture.data = np.round(255 * image[::-1].clip(0, 1)).astype(np.uint8).tobytes()
    material = spec.add_material(name=name, specular=0.15, shininess=0.25)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name
