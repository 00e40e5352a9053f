"""The robot's motion as pictures: joints are set frame by frame, nothing is simulated.

The robot is seen from where the person was filmed from, so that its hand stands in the picture where the person's did.
Where that place is no place to look from (in the table, or too near), the tabletop's camera looks at the hand instead.
"""

import math
from collections.abc import Iterator

import mujoco
import numpy as np
from jaxtyping import Float, UInt8

from understudy.embodiments import get_embodiment
from understudy.evaluation.watch_frames import resized
from understudy.geometry.cameras import camera_from_fov, look_at
from understudy.records import Camera, FrameStatus, RobotTrajectory
from understudy.simulation.layout import Layout
from understudy.simulation.looks import sample_looks
from understudy.simulation.scene import CAMERA_EYE, Scene, build_scene

__all__ = ["replay_camera", "replay_frames"]

_SEED = 0
"""Of the table's looks."""
_SKY = (0.50, 0.50, 0.51)
_SUPERSAMPLING = 1.5
_LOWEST_EYE_M = 0.03
_NEAREST_EYE_M = 0.25
_FOV_DEG = 42.0

Frame = UInt8[np.ndarray, "H W 3"]


def replay_camera(
    camera: Camera, T_base_camera: Float[np.ndarray, "4 4"], wrist_base: Float[np.ndarray, "3"]
) -> Camera:
    """Where the robot is seen from: the filming camera at its place, or the tabletop's if that cannot be.

    Args:
        camera: the filming camera.
        T_base_camera: its pose in the robot's base frame [m].
        wrist_base: middle of the wrist's motion, same frame [m].
    """
    eye = T_base_camera[:3, 3]
    if eye[2] >= _LOWEST_EYE_M and np.linalg.norm(eye - wrist_base) >= _NEAREST_EYE_M:
        return Camera(camera.width, camera.height, camera.K, T_base_camera)
    T = look_at(np.array(CAMERA_EYE), wrist_base)
    return camera_from_fov(camera.width, camera.height, _FOV_DEG, T)


def replay_frames(trajectory: RobotTrajectory, camera: Camera, width: int, height: int) -> Iterator[Frame]:
    """One picture per frame of the robot at an empty table; frames that are not solved are grey in a red border.

    Args:
        trajectory: what the robot does.
        camera: seen from here; its pose must be known.
        width: of the pictures [px]; the camera's aspect is kept if height fits.
        height: of the pictures [px].
    """
    scene = _empty_scene(trajectory.robot)
    _move_camera(scene.model, camera)
    model, data = scene.model, mujoco.MjData(scene.model)
    model.vis.global_.offwidth, model.vis.global_.offheight = (
        math.ceil(_SUPERSAMPLING * size) for size in (width, height)
    )
    addresses = [scene.qpos_address(name) for name in trajectory.joint_names]
    option = mujoco.MjvOption()
    option.sitegroup[:] = 0
    option.geomgroup[:] = [group in (0, 2) for group in range(len(option.geomgroup))]
    picture: Frame | None = None
    with mujoco.Renderer(model, model.vis.global_.offheight, model.vis.global_.offwidth) as renderer:
        for index, joints in enumerate(trajectory.joints):
            if picture is None or not np.array_equal(joints, trajectory.joints[index - 1]):
                data.qpos[addresses] = joints
                mujoco.mj_forward(model, data)
                renderer.update_scene(data, camera="fixed", scene_option=option)
                picture = resized(renderer.render(), width, height)
            yield picture if trajectory.status[index] == FrameStatus.OK else _marked(picture)


def _empty_scene(robot: str) -> Scene:
    """The robot at a table with nothing on it. Beyond the room's two walls the sky is as grey as they are."""
    spec = get_embodiment(robot).build()
    sky, flat = mujoco.mjtTexture.mjTEXTURE_SKYBOX, mujoco.mjtBuiltin.mjBUILTIN_FLAT
    spec.add_texture(name="sky", type=sky, builtin=flat, rgb1=_SKY, width=64, height=384)
    return build_scene(spec, Layout(_SEED, (), (), ()), sample_looks(_SEED))


def _move_camera(model: mujoco.MjModel, camera: Camera) -> None:
    """Put the scene's camera there. MuJoCo's cameras look along -z with y up; ours along z with y down."""
    if camera.T_world_camera is None:
        raise ValueError("this camera's pose in the world is not known")
    fixed = model.camera("fixed")
    fixed.pos = camera.T_world_camera[:3, 3]
    mujoco.mju_mat2Quat(fixed.quat, (camera.T_world_camera[:3, :3] @ np.diag([1.0, -1.0, -1.0])).ravel())
    fixed.fovy = math.degrees(2 * math.atan2(camera.height / 2, camera.K[1, 1]))


def _marked(image: Frame) -> Frame:
    """The picture in grey inside a red border: nothing was solved here, the robot waits."""
    marked = np.full_like(image, (179, 55, 47))
    edge = max(2, len(image) // 80)
    inner = (slice(edge, -edge), slice(edge, -edge))
    marked[inner] = image.mean(axis=-1, keepdims=True).astype(np.uint8)[inner]
    return marked
