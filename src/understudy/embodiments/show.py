"""Pictures of a body: one image, a sheet of joint sweeps, and MuJoCo's interactive viewer."""

import mujoco
import numpy as np
from jaxtyping import Float, UInt8

from understudy.embodiments import get_embodiment
from understudy.embodiments.embodiment import Embodiment

__all__ = ["joint_sweep_sheet", "render_embodiment", "show_interactive", "studio", "turntable"]

_GROUND_BELOW_HAND_M = 0.12
_VIEWS = {  # lookat [m], distance [m], azimuth and elevation [deg]
    "robot": ((0.22, 0.10, 0.28), 1.35, 215.0, -18.0),
    "hand": ((0.03, 0.0, 0.0), 0.62, 200.0, -35.0),
}


def studio(embodiment: Embodiment) -> mujoco.MjSpec:
    """The body on a plain ground in soft light, ready to compile."""
    spec = embodiment.build()
    spec.visual.headlight.ambient = (0.38, 0.38, 0.40)
    spec.visual.headlight.diffuse = (0.30, 0.30, 0.30)
    spec.visual.headlight.specular = (0.05, 0.05, 0.05)
    spec.visual.quality.shadowsize = 2048
    spec.visual.map.shadowclip = 3.5  # a directional light's shadow covers the whole ground
    spec.visual.map.znear = 0.01
    spec.visual.global_.offwidth = spec.visual.global_.offheight = 1280
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=(0.93, 0.94, 0.95),
        rgb2=(0.80, 0.82, 0.85),
        width=64,
        height=384,
    )
    ground = -_GROUND_BELOW_HAND_M if not embodiment.arm_joints else 0.0
    spec.worldbody.add_geom(
        name="ground",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=(2, 2, 0.1),
        pos=(0, 0, ground - 0.001),
        rgba=(0.80, 0.81, 0.82, 1),
        contype=0,
        conaffinity=0,
    )
    spec.worldbody.add_light(
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=(0.5, -0.5, 2.0),
        dir=(-0.3, 0.35, -1.0),
        diffuse=(0.55, 0.54, 0.52),
        specular=(0.15, 0.15, 0.15),
        castshadow=True,
    )
    return spec


def render_embodiment(
    name: str, pose: Float[np.ndarray, " J"] | None = None, size: int = 640, azimuth_deg: float | None = None
) -> UInt8[np.ndarray, "size size 3"]:
    """One RGB picture of a body at joint positions `pose` (order of `joint_names`; its home by default)."""
    embodiment = get_embodiment(name)
    model = studio(embodiment).compile()
    return _render(model, embodiment, [embodiment.home if pose is None else pose], [azimuth_deg], size)[0]


def turntable(name: str, num_views: int = 8, size: int = 320) -> UInt8[np.ndarray, "N size size 3"]:
    """The body at home, seen from all around."""
    embodiment = get_embodiment(name)
    azimuths = list(np.linspace(0.0, 360.0, num_views, endpoint=False))
    return _render(studio(embodiment).compile(), embodiment, [embodiment.home] * num_views, azimuths, size)


def joint_sweep_sheet(name: str, size: int = 160) -> UInt8[np.ndarray, "height width 3"]:
    """One row a joint: from its lower to its upper limit in five steps, the others at home."""
    embodiment = get_embodiment(name)
    model = studio(embodiment).compile()
    poses = []
    for index, joint in enumerate(embodiment.joint_names):
        low, high = model.joint(joint).range
        for value in np.linspace(low, high, 5):
            poses.append(embodiment.home.copy())
            poses[-1][index] = value
    images = _render(model, embodiment, poses, [None] * len(poses), size)
    rows = images.reshape(-1, 5, size, size, 3)
    return np.concatenate([np.concatenate(list(row), axis=1) for row in rows], axis=0)


def show_interactive(name: str) -> None:
    """Open MuJoCo's viewer on the body at home; returns when its window is closed. Needs a display."""
    from mujoco import viewer  # asks for GLFW, which a machine without a display may lack

    embodiment = get_embodiment(name)
    model = studio(embodiment).compile()
    data = mujoco.MjData(model)
    _set_pose(model, data, embodiment, embodiment.home)
    for joint, value in zip(embodiment.joint_names, embodiment.home, strict=True):
        data.ctrl[model.actuator(joint).id] = value
    viewer.launch(model, data)


def _set_pose(
    model: mujoco.MjModel, data: mujoco.MjData, embodiment: Embodiment, pose: Float[np.ndarray, " J"]
) -> None:
    for joint, value in zip(embodiment.joint_names, pose, strict=True):
        data.joint(joint).qpos = value
    mujoco.mj_forward(model, data)


def _render(
    model: mujoco.MjModel,
    embodiment: Embodiment,
    poses: list[Float[np.ndarray, " J"]],
    azimuths: list[float | None],
    size: int,
) -> UInt8[np.ndarray, "N size size 3"]:
    data, camera = mujoco.MjData(model), mujoco.MjvCamera()
    lookat, distance, azimuth, elevation = _VIEWS["robot" if embodiment.arm_joints else "hand"]
    camera.lookat, camera.distance, camera.elevation = lookat, distance, elevation
    images = []
    with mujoco.Renderer(model, size, size) as renderer:
        for pose, turned in zip(poses, azimuths, strict=True):
            _set_pose(model, data, embodiment, pose)
            camera.azimuth = azimuth if turned is None else turned
            renderer.update_scene(data, camera)
            images.append(renderer.render().copy())
    return np.stack(images)
