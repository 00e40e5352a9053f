"""Pinhole cameras in OpenCV axes (x right, y down, z forward): intrinsics, projection, rays, MuJoCo's axes."""

import numpy as np
from jaxtyping import Float

from understudy.geometry.transforms import make_transform
from understudy.records import Camera

__all__ = [
    "camera_from_fov",
    "camera_ray",
    "intersect_plane_z",
    "look_at",
    "project",
    "resize_camera",
    "world_from_mujoco_camera",
]

_R_MUJOCO_OPENCV = np.diag([1.0, -1.0, -1.0])
"""MuJoCo's (and OpenGL's) cameras look along -z with y up."""


def camera_from_fov(
    width: int, height: int, fov_deg: float, T_world_camera: Float[np.ndarray, "4 4"] | None = None
) -> Camera:
    """Square pixels, centred principal point, vertical field of view `fov_deg` in (0, 180)."""
    if not 0 < fov_deg < 180:
        raise ValueError(f"field of view {fov_deg} deg: must lie in (0, 180)")
    focal = height / 2 / np.tan(np.radians(fov_deg) / 2)
    K = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    return Camera(width, height, K, T_world_camera)


def resize_camera(camera: Camera, width: int, height: int) -> Camera:
    """The same camera with its image resampled to width x height; pixel centres stay at integers."""
    scale = np.array([width / camera.width, height / camera.height])
    K = camera.K.copy()
    K[0, :2] *= scale[0]
    K[1, 1] *= scale[1]
    K[:2, 2] = (camera.K[:2, 2] + 0.5) * scale - 0.5
    return Camera(width, height, K, camera.T_world_camera)


def project(K: Float[np.ndarray, "3 3"], p_camera: Float[np.ndarray, "*B 3"]) -> Float[np.ndarray, "*B 2"]:
    """Pixels (u, v) of points in the camera frame [m]; points must lie in front (z > 0)."""
    homogeneous = p_camera @ K.T
    return homogeneous[..., :2] / homogeneous[..., 2:]


def camera_ray(K: Float[np.ndarray, "3 3"], pixels: Float[np.ndarray, "*B 2"]) -> Float[np.ndarray, "*B 3"]:
    """Rays through pixels in the camera frame, scaled to z = 1 (so that depth times ray is the point)."""
    ones = np.ones((*pixels.shape[:-1], 1))
    return np.concatenate([pixels, ones], axis=-1) @ np.linalg.inv(K).T


def intersect_plane_z(
    camera: Camera, pixels: Float[np.ndarray, "*B 2"], height_m: float = 0.0
) -> Float[np.ndarray, "*B 3"]:
    """World points [m] where the rays through `pixels` meet the plane z = height_m; NaN where they do not."""
    if camera.T_world_camera is None:
        raise ValueError("this camera's pose in the world is not known")
    R, origin = camera.T_world_camera[:3, :3], camera.T_world_camera[:3, 3]
    direction = camera_ray(camera.K, pixels) @ R.T
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = (height_m - origin[2]) / direction[..., 2]
    distance = np.where(distance > 0, distance, np.nan)
    return origin + distance[..., None] * direction


def look_at(
    eye: Float[np.ndarray, "3"], target: Float[np.ndarray, "3"], up: tuple[float, float, float] = (0.0, 0.0, 1.0)
) -> Float[np.ndarray, "4 4"]:
    """T_world_camera of a camera at `eye` that looks at `target` with the image's up along `up` [m, world]."""
    z = target - eye
    z = z / np.linalg.norm(z)
    x = np.cross(z, np.asarray(up, dtype=float))
    x = x / np.linalg.norm(x)
    return make_transform(np.stack([x, np.cross(z, x), z], axis=-1), eye)


def world_from_mujoco_camera(
    position: Float[np.ndarray, "3"], rotation: Float[np.ndarray, "3 3"]
) -> Float[np.ndarray, "4 4"]:
    """T_world_camera (OpenCV axes) from MuJoCo's `cam_xpos` and `cam_xmat`."""
    return make_transform(rotation @ _R_MUJOCO_OPENCV, position)
