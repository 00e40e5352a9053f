"""The robot's motion as pictures: joints are set frame by frame, nothing is simulated."""

import math
from collections.abc import Iterator

import mujoco
import numpy as np
from jaxtyping import UInt8

from understudy.embodiments import get_embodiment
from understudy.records import Camera, FrameStatus, RobotTrajectory
from understudy.simulation.layout import Layout
from understudy.simulation.looks import sample_looks
from understudy.simulation.rendering import SceneRenderer
from understudy.simulation.scene import Scene, build_scene

__all__ = ["replay_frames"]

_SEED = 0
"""Of the table's looks."""


def replay_frames(
    trajectory: RobotTrajectory, size: int, camera: Camera | None = None
) -> Iterator[UInt8[np.ndarray, "S S 3"]]:
    """One picture per frame of the robot at an empty table; a red frame marks frames that are not solved.

    Args:
        trajectory: what the robot does.
        size: pixels per side.
        camera: seen from this camera's place, if its pose is known; else from the tabletop's own camera.
    """
    scene = build_scene(get_embodiment(trajectory.robot).build(), Layout(_SEED, (), (), ()), sample_looks(_SEED))
    if camera is not None and camera.T_world_camera is not None:
        _move_camera(scene, camera)
    data = mujoco.MjData(scene.model)
    addresses = [scene.qpos_address(name) for name in trajectory.joint_names]
    renderer = SceneRenderer(scene.model, size)
    try:
        for joints, status in zip(trajectory.joints, trajectory.status, strict=True):
            data.qpos[addresses] = joints
            mujoco.mj_forward(scene.model, data)
            image = renderer.render(data)
            yield image if status == FrameStatus.OK else _marked(image)
    finally:
        renderer.close()


def _move_camera(scene: Scene, camera: Camera) -> None:
    """MuJoCo's cameras look along -z with y up; ours along z with y down."""
    assert camera.T_world_camera is not None
    fixed = scene.model.camera("fixed")
    fixed.pos = camera.T_world_camera[:3, 3]
    mujoco.mju_mat2Quat(fixed.quat, (camera.T_world_camera[:3, :3] @ np.diag([1.0, -1.0, -1.0])).ravel())
    fixed.fovy = math.degrees(2 * math.atan2(camera.height / 2, camera.K[1, 1]))


def _marked(image: UInt8[np.ndarray, "S S 3"]) -> UInt8[np.ndarray, "S S 3"]:
    """The picture in grey inside a red border: the robot waits here, nothing was solved."""
    grey = np.repeat(image.mean(axis=-1, keepdims=True), 3, axis=-1).astype(np.uint8)
    edge = max(2, len(image) // 80)
    inner = grey[edge:-edge, edge:-edge]
    marked = np.full_like(image, (179, 55, 47))
    marked[edge:-edge, edge:-edge] = inner
    return marked
