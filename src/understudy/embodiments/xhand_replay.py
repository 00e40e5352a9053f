"""A recorded XHand episode on our robot: frames beside the real video, and how well the two agree."""

import json
import os
import platform
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import av
import mujoco
import numpy as np
from jaxtyping import Float, UInt8

from understudy.embodiments import get_embodiment
from understudy.embodiments.arm_reach import ArmPose, reach
from understudy.embodiments.show import studio
from understudy.embodiments.xhand import XHAND_JOINTS, XHAND_LIMITS
from understudy.embodiments.xhand_episode import FPS, XHandEpisode, hand_base, read_xhand_episode
from understudy.errors import BadVideo, UnderstudyError
from understudy.geometry.cameras import camera_from_fov
from understudy.geometry.rotations import quaternion_from_matrix, rotation_angle
from understudy.geometry.transforms import make_transform
from understudy.records import Camera, EvalCell, EvalReport

__all__ = ["fitted_camera", "play_xhand_episode", "reach_episode", "write_replay", "xhand_cells"]

_ROBOT = "xarm7_xhand"
_SIZE_PX = 256
_FOVY_DEG = 51.04
"""Of camera_0: 2 atan(128 px / 268.2 px), from the fit described in `xhand_episode`."""
_CAMERAS = {  # eye [m], viewing direction, image right, in the robot's base frame; from the same fit
    0: ((0.9262, 0.0275, 0.7180), (-0.5303, -0.0474, -0.8465), (0.0014, 0.9984, -0.0568)),
    50: ((0.8410, 0.0012, 0.7527), (-0.4231, -0.0602, -0.9041), (0.0265, 0.9965, -0.0787)),
}
_REACHED_M, _REACHED_RAD = 0.002, np.radians(1.0)


def fitted_camera(episode_id: int) -> Camera:
    """Camera_0 of an episode in the robot's base frame; of an episode that was not fitted, that of episode 0."""
    return camera_from_fov(_SIZE_PX, _SIZE_PX, _FOVY_DEG, _fitted_pose(episode_id))


def _fitted_pose(episode_id: int) -> Float[np.ndarray, "4 4"]:
    eye, forward, right = (np.array(vector) for vector in _CAMERAS.get(episode_id, _CAMERAS[0]))
    return make_transform(np.stack([right, np.cross(forward, right), forward], axis=-1), eye)


def reach_episode(episode: XHandEpisode, site: str = "wrist") -> list[ArmPose]:
    """Arm joints for every step, each started from the one before.

    Site `wrist` brings our hand's base to where the real one was. Site `flange` brings the bare flange to the recorded
    pose itself: the real hand is bracketed across the flange, whose axis is the palm's normal in the video.
    """
    embodiment = get_embodiment(_ROBOT)
    model = embodiment.build().compile()
    data = mujoco.MjData(model)
    targets = hand_base(episode.T_base_recorded) if site == "wrist" else episode.T_base_recorded
    poses, start = [], embodiment.home[: len(embodiment.arm_joints)]
    for target in targets:
        poses.append(reach(model, data, site, embodiment.arm_joints, target, start))
        start = poses[-1].joints
    return poses


def play_xhand_episode(folder: Path, every: int = 1) -> list[UInt8[np.ndarray, "256 512 3"]]:
    """For every n-th step: the real frame of camera_0, and our robot at its state seen by the fitted camera."""
    episode = read_xhand_episode(folder)
    embodiment = get_embodiment(_ROBOT)
    spec = studio(embodiment)
    camera = spec.worldbody.add_camera(name="camera_0", fovy=_FOVY_DEG)
    T_base_camera = _fitted_pose(episode.episode_id)
    camera.pos = T_base_camera[:3, 3]
    camera.quat = quaternion_from_matrix(T_base_camera[:3, :3] @ np.diag([1.0, -1.0, -1.0]))  # MuJoCo's look along -z
    model = spec.compile()
    data = mujoco.MjData(model)
    frames = []
    real = _read_frames(folder / "camera_0.mp4", episode.num_steps)
    with mujoco.Renderer(model, _SIZE_PX, _SIZE_PX) as renderer:
        steps = zip(real, reach_episode(episode), episode.joints, strict=True)
        for image, pose, fingers in islice(steps, None, None, every):
            for joint, value in zip(embodiment.joint_names, [*pose.joints, *fingers], strict=True):
                data.joint(joint).qpos = value
            mujoco.mj_forward(model, data)
            renderer.update_scene(data, "camera_0")
            frames.append(np.concatenate([image, renderer.render()], axis=1))
    return frames


def xhand_cells(episode: XHandEpisode) -> list[EvalCell]:
    """Joints against limits, states against actions, and whether our robot reaches the recorded poses."""
    row = f"episode_{episode.episode_id}"
    low, high = XHAND_LIMITS.T
    excess = np.maximum(low - episode.joints, episode.joints - high).clip(0)
    turn = rotation_angle(episode.T_base_recorded[:, :3, :3], episode.T_base_recorded_action[:, :3, :3])
    shift = np.linalg.norm(episode.T_base_recorded[:, :3, 3] - episode.T_base_recorded_action[:, :3, 3], axis=1)
    values: dict[str, float] = {
        "steps": float(episode.num_steps),
        "joint_outside_limit_rad_max": float(excess.max()),
        "joint_action_error_rad_p50": float(np.median(np.abs(episode.joints - episode.joint_actions))),
        "action_shift_m_p50": float(np.median(shift)),
        "action_turn_rad_p50": float(np.median(turn)),
        "opposite_hemispheres": episode.opposite_hemispheres,
    }
    cells = [EvalCell(row=row, metric=metric, value=value, robot=_ROBOT) for metric, value in values.items()]
    for index, joint in enumerate(XHAND_JOINTS):
        for metric, value in (("min_rad", episode.joints[:, index].min()), ("max_rad", episode.joints[:, index].max())):
            cells.append(EvalCell(row=row, metric=metric, value=float(value), column=joint, robot=_ROBOT))
    for site in ("wrist", "flange"):
        poses = reach_episode(episode, site)
        position = np.array([pose.position_error_m for pose in poses])
        rotation = np.array([pose.rotation_error_rad for pose in poses])
        reached = int(np.sum((position < _REACHED_M) & (rotation < _REACHED_RAD)))
        column = EvalCell(row=row, metric="reached", value=reached / len(poses), column=site, robot=_ROBOT)
        cells.append(replace(column, k=reached, n=len(poses)))
        cells.append(replace(column, metric="position_error_m_p95", value=float(np.percentile(position, 95))))
        cells.append(replace(column, metric="rotation_error_rad_p95", value=float(np.percentile(rotation, 95))))
    return cells


def write_replay(folders: list[Path], out: Path) -> EvalReport:
    """Write `<episode>/replay.mp4` for every episode and one `statistics.json` in the form of a result file."""
    began = time.monotonic()
    cells: list[EvalCell] = []
    for folder in folders:
        cells += xhand_cells(read_xhand_episode(folder))
        _write_video(out / folder.name / "replay.mp4", play_xhand_episode(folder))
    report = EvalReport(
        name="xhand_replay",
        command="python -m understudy.embodiments.xhand_episode EPISODE_DIR ... --out DIR",
        commit="",
        date=datetime.now(UTC).date().isoformat(),
        machine=f"{os.cpu_count()} cores, {platform.machine()}",
        minutes=round((time.monotonic() - began) / 60, 2),
        cells=tuple(cells),
    )
    path = out / "statistics.json"
    path.write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")
    return report


def _read_frames(path: Path, num_frames: int) -> list[UInt8[np.ndarray, "256 256 3"]]:
    try:
        with av.open(str(path)) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    except av.FFmpegError as error:
        raise BadVideo(f"{path}: cannot be decoded: {error.strerror}") from error
    if len(frames) != num_frames or frames[0].shape != (_SIZE_PX, _SIZE_PX, 3):
        raise BadVideo(f"{path}: {len(frames)} frames where the annotation has {num_frames}, or not 256 x 256")
    return frames


def _write_video(path: Path, frames: list[UInt8[np.ndarray, "H W 3"]]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("h264", rate=round(FPS), options={"crf": "18"})
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = "yuv420p"
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode(None))
    except OSError as error:
        raise UnderstudyError(f"{path}: cannot be written: {error.strerror}") from error
