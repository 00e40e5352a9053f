"""RH20T (rh20t.github.io): a robot scene, or the person's who did the same, as one camera saw it; made even at 10 Hz.

`task_*_user_*_scene_*_cfg_*[_human]/` with `metadata.json` (finish_time [ms], rating), per camera `cam_SERIAL/`
`color.mp4` and `timestamps.npy` ({"color": [ms, ...]}), and for robots `transformed/tcp_base.npy` ({SERIAL:
[{"timestamp", "tcp": x, y, z [m], qw, qx, qy, qz}]}) and `transformed/gripper.npy` ({SERIAL: {ms: {"gripper_command",
"gripper_info"}}}, widths in [mm]). The `.npy` files are pickled dictionaries, read as plain data. Labels come from a
`task_description.json` (of rh20t_api) in or above the folder.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from understudy.episodes.features import Feature, scalar, vector
from understudy.episodes.importers.image_file import video_feature
from understudy.episodes.importers.nearest_frames import nearest_frames, nearest_rows, regular_times
from understudy.episodes.importers.plain_pickle import read_object_array
from understudy.episodes.importers.source import Frame, Source, SourceEpisode, natural_order
from understudy.errors import UnderstudyError
from understudy.geometry.rotations import continuous_quaternions
from understudy.perception.video import open_video, read_frames

__all__ = ["open_rh20t", "open_rh20t_human"]

FPS = 10.0
"""The nominal rate of the low-frequency data [1/s]."""
_IMAGE = "observation.images.front"
_POSE = ("x", "y", "z", "qw", "qx", "qy", "qz", "gripper_m")
_COMPLETED = 2
"""Ratings of at least this are completed tasks; 0 and 1 are emergency stops and failures."""
# Cameras on a gripper, by serial (rh20t_api: configs/configs.json); all others stand beside the table.
_IN_HAND = {
    *("043322070878", "104422071090", "104422070042", "045322071843"),
    *("135122079702", "135122075425", "135122070361"),
}


def open_rh20t(path: Path) -> Source:
    """Robot scenes: one folder, or all in or below `path`."""
    return _open(path, human=False)


def open_rh20t_human(path: Path) -> Source:
    """Scenes of the person (`*_human`); `metadata` tells which robot scene a person's belongs to."""
    return _open(path, human=True)


def _open(path: Path, human: bool) -> Source:
    found = natural_order(file.parent for file in path.rglob("metadata.json"))
    scenes = [scene for scene in found if scene.name.endswith("_human") == human]
    if not scenes:
        kind = "task_*_human" if human else "task_*"
        raise UnderstudyError(f"{path}: no {kind}/metadata.json in or below it, as an RH20T scene has")
    film = open_video(_camera(scenes[0]) / "color.mp4")
    image = {_IMAGE: video_feature(film.height, film.width)}
    moved: dict[str, Feature] = {"observation.state": vector(_POSE), "action": vector(_POSE)}
    features = ({} if human else moved) | {"time_s": scalar("float32")} | image
    embodiment = "human_hand" if human else "rh20t"
    labels = _labels(path)
    return Source(FPS, embodiment, features, len(scenes), (_episode(scene, human, labels) for scene in scenes))


def _episode(scene: Path, human: bool, labels: Mapping[str, Any]) -> SourceEpisode:
    camera, about = _camera(scene), _json(scene / "metadata.json")
    frame_times_s = _frame_times(camera / "timestamps.npy")
    finish_s = float(about.get("finish_time") or 0) / 1000
    last_s = min(finish_s, frame_times_s[-1]) if finish_s > frame_times_s[0] else frame_times_s[-1]  # -1: not noted
    times_s = regular_times(frame_times_s[0], last_s, FPS)
    columns = {"time_s": times_s - times_s[0]}
    if not human:
        columns |= _motion(scene, camera.name.removeprefix("cam_"), times_s)
    ids = {key: int(value) for key, value in re.findall(r"(task|user|scene|cfg)_(\d+)", scene.name)}
    task = scene.name[: len("task_0000")]
    label = labels.get(task, {})
    words = label.get("task_description_english") if isinstance(label, Mapping) else None
    metadata: dict = {"source": str(scene), "format": "rh20t", "camera_serial": camera.name.removeprefix("cam_"), **ids}
    if "rating" in about:
        metadata |= {"rating": about["rating"], "success": about["rating"] >= _COMPLETED}
    frames = nearest_frames(_timed(camera / "color.mp4", frame_times_s), times_s)
    return SourceEpisode(columns, {_IMAGE: frames}, str(words or task.replace("_", " ")), metadata)


def _camera(scene: Path) -> Path:
    """The first camera that stands beside the table."""
    cameras = [file.parent for file in natural_order(scene.glob("cam_*/color.mp4"))]
    fixed = [camera for camera in cameras if camera.name.removeprefix("cam_") not in _IN_HAND]
    if not fixed:
        raise UnderstudyError(f"{scene}: no cam_*/color.mp4 of a camera that stands beside the table")
    return fixed[0]


def _frame_times(path: Path) -> Float[np.ndarray, " N"]:
    content = read_object_array(path)
    stamps = content.get("color") if isinstance(content, Mapping) else None
    times_s = np.array(stamps if stamps is not None else [], dtype=float) / 1000
    if len(times_s) < 2 or (np.diff(times_s) <= 0).any():
        raise UnderstudyError(f"{path}: 'color' must be at least two ascending times [ms]")
    return times_s


def _timed(path: Path, times_s: Float[np.ndarray, " N"]) -> Iterator[tuple[float, Frame]]:
    film = open_video(path)
    if film.num_frames != len(times_s):
        raise UnderstudyError(
            f"{path}: {film.num_frames} frames, but timestamps.npy has {len(times_s)} times in 'color'"
        )
    for time_s, (_, frame) in zip(times_s, read_frames(film), strict=False):  # as many, or read_frames says so
        yield float(time_s), frame


def _motion(scene: Path, serial: str, times_s: Float[np.ndarray, " T"]) -> dict[str, np.ndarray]:
    folder = scene / "transformed"
    tcp = _of_camera(folder / "tcp_base.npy", serial)
    gripper = _of_camera(folder / "gripper.npy", serial)
    try:
        rows = sorted((float(row["timestamp"]), [float(x) for x in row["tcp"][:7]]) for row in tcp)
        widths = sorted((float(t), g["gripper_info"][0], g["gripper_command"][0]) for t, g in gripper.items())
        poses, widths_mm = np.array([row for _, row in rows]).reshape(-1, 7), np.array(widths, dtype=float)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise UnderstudyError(f"{folder}: tcp_base.npy or gripper.npy lacks a field: {error}") from error
    if not len(poses) or not len(widths_mm):
        raise UnderstudyError(f"{folder}: tcp_base.npy or gripper.npy holds nothing for camera {serial}")
    pose = poses[nearest_rows(np.array([t for t, _ in rows]) / 1000, times_s)]
    pose[:, 3:] = continuous_quaternions(pose[:, 3:])
    width = widths_mm[nearest_rows(widths_mm[:, 0] / 1000, times_s), 1:] / 1000
    following = np.concatenate([pose[1:], pose[-1:]])  # the target of a step is where the next one is
    return {
        "observation.state": np.concatenate([pose, width[:, :1]], axis=1),
        "action": np.concatenate([following, width[:, 1:]], axis=1),
    }


def _of_camera(path: Path, serial: str) -> Any:  # noqa: ANN401
    """What is stored for one camera; every camera has the same motion, at its own times."""
    content = read_object_array(path)
    if not isinstance(content, Mapping) or not content:
        raise UnderstudyError(f"{path}: no cameras in it")
    return content.get(serial, next(iter(content.values())))


def _labels(path: Path) -> Mapping[str, Any]:
    for folder in (path, path.parent, path.parent.parent):
        if (folder / "task_description.json").is_file():
            return _json(folder / "task_description.json")
    return {}


def _json(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnderstudyError(f"{path}: no readable JSON: {error}") from error
    if not isinstance(content, dict):
        raise UnderstudyError(f"{path}: no JSON object")
    return content
