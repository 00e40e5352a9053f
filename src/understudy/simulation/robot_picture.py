"""A robot at rest as a camera over the table would see it, without anything else: to be painted into other pictures."""

from dataclasses import dataclass

import cv2
import mujoco
import numpy as np
from jaxtyping import Float, UInt8

from understudy.embodiments import get_embodiment
from understudy.records import Camera
from understudy.simulation.layout import sample_layout
from understudy.simulation.looks import sample_looks
from understudy.simulation.rendering import open_renderer
from understudy.simulation.scene import Scene, build_scene, home_qpos

__all__ = ["RobotPicture", "resting_robot"]

_FINE = 4
"""Rendered in so many times the size, and averaged."""


@dataclass(frozen=True, eq=False)
class RobotPicture:
    """What covers other pictures."""

    colour: Float[np.ndarray, "S S 3"]
    """0 to 255, times `cover`."""
    cover: Float[np.ndarray, "S S"]
    """Share of each pixel that the robot takes, 0 to 1."""

    def painted_into(self, image: UInt8[np.ndarray, "S S 3"]) -> UInt8[np.ndarray, "S S 3"]:
        """The image with the robot before it."""
        return np.round(image * (1 - self.cover[..., None]) + self.colour).astype(np.uint8)


def resting_robot(robot: str, camera: Camera) -> RobotPicture:
    """The robot at home, in the light of the tabletop, without a shadow.

    Args:
        robot: a name of `understudy list robots`; its base is the world's origin.
        camera: with its pose in the world, square, its optical axis through the middle of the image.
    """
    body = get_embodiment(robot)
    scene = build_scene(body.build(), sample_layout(0), sample_looks(0))
    model = scene.model
    _aim(model, camera)
    data = mujoco.MjData(model)
    data.qpos[:] = home_qpos(scene, body.joint_names, body.home)
    mujoco.mj_forward(model, data)
    side = camera.width * _FINE
    model.vis.global_.offwidth = model.vis.global_.offheight = side
    option = mujoco.MjvOption()
    option.sitegroup[:] = 0
    option.geomgroup[:] = 0
    option.geomgroup[[0, 2]] = 1
    renderer = open_renderer(model, side)
    try:
        renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
        renderer.update_scene(data, camera="fixed", scene_option=option)
        colour = renderer.render().astype(np.float32)
        renderer.enable_segmentation_rendering()
        renderer.update_scene(data, camera="fixed", scene_option=option)
        seen = renderer.render()
    finally:
        renderer.close()
    geoms = np.flatnonzero(scene.owners == Scene.ACTOR)
    robot_seen = (seen[..., 1] == int(mujoco.mjtObj.mjOBJ_GEOM)) & np.isin(seen[..., 0], geoms)
    size = (camera.width, camera.width)
    cover = cv2.resize(robot_seen.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    colour = cv2.resize(colour * robot_seen[..., None], size, interpolation=cv2.INTER_AREA)
    return RobotPicture(colour.astype(float), cover.astype(float))


def _aim(model: mujoco.MjModel, camera: Camera) -> None:
    """Let the model's camera see what `camera` does."""
    T = camera.T_world_camera
    assert T is not None
    index = model.camera("fixed").id
    model.cam_pos[index] = T[:3, 3]
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, (T[:3, :3] @ np.diag([1.0, -1.0, -1.0])).ravel())
    model.cam_quat[index] = quat
    model.cam_fovy[index] = np.degrees(2 * np.arctan(camera.height / 2 / camera.K[1, 1]))
