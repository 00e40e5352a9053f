"""The skin of the human hand: a mesh stored in the package, bent by the bodies below it.

`python -m understudy.embodiments.hand_skin` makes `hand_skin.npz` anew from `hand_shape.py` (needs scikit-image), the same
file to the byte on the same machine.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mujoco
import numpy as np
from jaxtyping import Float, Int

from understudy.embodiments.hand_shape import BIND_JOINTS, HandMesh, hand_mesh, phalanx_frames, sleeve_mesh
from understudy.embodiments.hand_skeleton import FINGERS, HandSkeleton
from understudy.geometry.rotations import quaternion_from_matrix

__all__ = ["SKIN_FILE", "add_skin", "load_mesh", "make_skin_file"]

SKIN_FILE = Path(__file__).with_name("hand_skin.npz")
BODIES = ("hand", *(f"{finger}_{part}" for finger in FINGERS for part in ("proximal", "medial", "distal")))
"""The bodies that move the skin, in the order of the stored weights."""

_UNIT_M = 2e-5
"""Vertices are stored in 16-bit steps of this size."""
_MESHES = {"skin": hand_mesh, "sleeve": sleeve_mesh}


def make_skin_file(path: Path) -> None:
    """Compute the meshes and write them, compressed."""
    arrays = {}
    for name, make in _MESHES.items():
        mesh = make()
        arrays[f"{name}_vertices"] = np.round(mesh.vertices / _UNIT_M).astype(np.int16)
        arrays[f"{name}_faces"] = mesh.faces.astype(np.uint16)
        arrays[f"{name}_weights"] = np.round(mesh.weights * 255).astype(np.uint8)
    np.savez_compressed(path, **arrays)


@cache
def load_mesh(name: str) -> HandMesh:
    """`skin` or `sleeve`, at the adult mean size in the bind pose."""
    with np.load(SKIN_FILE, allow_pickle=False) as file:
        weights = file[f"{name}_weights"].astype(float)
        return HandMesh(
            vertices=file[f"{name}_vertices"] * _UNIT_M,
            faces=file[f"{name}_faces"].astype(np.int64),
            weights=weights / weights.sum(axis=1, keepdims=True),
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
    used = np.flatnonzero(mesh.weights.any(axis=0))
    frames = phalanx_frames(skeleton, BIND_JOINTS)[used]
    skin.bodyname = [BODIES[body] for body in used]
    skin.bindpos = (frames[:, :3, 3] @ mirror).ravel()
    skin.bindquat = quaternion_from_matrix(mirror @ frames[:, :3, :3] @ mirror).ravel()
    members = [np.flatnonzero(mesh.weights[:, body]) for body in used]
    skin.vertid = [list(map(int, ids)) for ids in members]
    skin.vertweight = [list(map(float, mesh.weights[ids, body])) for ids, body in zip(members, used, strict=True)]


if __name__ == "__main__":
    make_skin_file(SKIN_FILE)
    print(f"{SKIN_FILE}: {SKIN_FILE.stat().st_size / 1024:.0f} KB")
