"""Makes the stored surface of the human hand anew: `python -m understudy.embodiments.hand_skin [FILE]`.

Needs scikit-image (extra `skin`). The same machine makes the same file to the byte; another one the same mesh to the
stored precision of 0.02 mm, up to its rounding of the last bit.
"""

import sys
from pathlib import Path

import numpy as np

from understudy.embodiments.hand_shape import hand_mesh, sleeve_mesh
from understudy.embodiments.hand_surface import SKIN_FILE, UNIT_M
from understudy.files import replacing

__all__ = ["make_skin_file"]

_MESHES = {"skin": hand_mesh, "sleeve": sleeve_mesh}


def make_skin_file(path: Path) -> None:
    """Compute the meshes and write them, compressed, to `path`; replaces the file only when it is complete."""
    arrays: dict[str, np.ndarray] = {}
    for name, make in _MESHES.items():
        mesh = make()
        arrays[f"{name}_vertices"] = np.round(mesh.vertices / UNIT_M).astype(np.int16)
        arrays[f"{name}_faces"] = mesh.faces.astype(np.uint16)
        arrays[f"{name}_weights"] = np.round(mesh.weights * 255).astype(np.uint8)
        arrays[f"{name}_tint"] = np.round(mesh.tint * 255).astype(np.uint8)
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else SKIN_FILE
    make_skin_file(target)
    print(f"{target}: {target.stat().st_size / 1024:.0f} KB")
