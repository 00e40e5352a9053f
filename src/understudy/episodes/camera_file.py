"""A camera on disk: `{"width": ..., "height": ..., "K": 3x3, "T_world_camera": 4x4 or null}` as JSON.

The object may also lie under the key `camera` of a larger file, as in the truth beside a rendered clip.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from understudy.errors import UnderstudyError
from understudy.records import Camera

__all__ = ["camera_as_json", "camera_from_json", "read_camera"]

_NO_CAMERA = "not a camera file: it needs width, height and K (3x3, pixels)"


def camera_as_json(camera: Camera) -> dict:
    """The camera as plain numbers: pixels for K, metres for T_world_camera."""
    pose = camera.T_world_camera
    return {
        "width": camera.width,
        "height": camera.height,
        "K": camera.K.tolist(),
        "T_world_camera": None if pose is None else pose.tolist(),
    }


def read_camera(path: Path) -> Camera:
    """Read a camera file.

    Raises:
        UnderstudyError: no such file, no JSON, or not a camera with positive focal lengths and a rigid pose.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnderstudyError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise UnderstudyError(f"{path}: {_NO_CAMERA}") from error
    return camera_from_json(content.get("camera", content) if isinstance(content, dict) else content, str(path))


def camera_from_json(content: Any, where: str) -> Camera:  # noqa: ANN401 - any JSON type
    """The camera that `camera_as_json` gave.

    Raises:
        UnderstudyError: names `where`; not a camera with positive focal lengths and a rigid pose.
    """
    try:
        K = np.array(content["K"], dtype=float)
        pose = content.get("T_world_camera")
        T = None if pose is None else np.array(pose, dtype=float)
        width, height = int(content["width"]), int(content["height"])
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        raise UnderstudyError(f"{where}: {_NO_CAMERA}") from error
    if min(width, height) < 1:
        raise UnderstudyError(f"{where}: width and height must be positive, not {width} and {height}")
    if K.shape != (3, 3) or not (np.isfinite(K).all() and K[0, 0] > 0 and K[1, 1] > 0 and K[2, 2] == 1):
        raise UnderstudyError(f"{where}: K must be 3x3 with positive focal lengths [px] and 1 in its last corner")
    if T is not None and not _is_rigid(T):
        raise UnderstudyError(f"{where}: T_world_camera must be a rigid transform, 4x4 [m]")
    return Camera(width, height, K, T)


def _is_rigid(T: np.ndarray) -> bool:
    if T.shape != (4, 4) or not np.isfinite(T).all():
        return False
    R = T[:3, :3]
    return bool(np.allclose(R @ R.T, np.eye(3), atol=1e-4) and np.linalg.det(R) > 0 and np.allclose(T[3], [0, 0, 0, 1]))
