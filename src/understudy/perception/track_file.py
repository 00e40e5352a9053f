"""A `HandTrack` on disk: one npz of plain arrays, written under another name and renamed, read without pickle."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from understudy.errors import UnderstudyError
from understudy.files import replacing
from understudy.records import NUM_KEYPOINTS, Camera, HandTrack

__all__ = ["load_hand_track", "save_hand_track"]

_FORMAT = "understudy hand track 1"
_ARRAYS: dict[str, tuple[int, ...]] = {  # shape of one frame
    "time_s": (),
    "status": (),
    "confidence": (),
    "keypoints_px": (NUM_KEYPOINTS, 2),
    "keypoints_camera": (NUM_KEYPOINTS, 3),
    "T_camera_wrist": (4, 4),
    "joint_angles": (20,),
    "wrist_std_m": (3,),
    "residual_px": (),
}


def save_hand_track(path: Path, track: HandTrack) -> None:
    """Write a track; `path` appears only when it is complete.

    Raises:
        UnderstudyError: the file cannot be written.
    """
    path = Path(path)
    camera = track.camera
    content = {name: getattr(track, name) for name in _ARRAYS}
    content |= {
        "format": np.array(_FORMAT),
        "handedness": np.array(track.handedness),
        "source": np.array(track.source),
        "hand_length_m": np.array(track.hand_length_m),
        "camera_size": np.array([camera.width, camera.height]),
        "camera_K": camera.K,
    }
    if camera.T_world_camera is not None:
        content["T_world_camera"] = camera.T_world_camera
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **content)


def load_hand_track(path: Path) -> HandTrack:
    """Read a track that `save_hand_track` wrote.

    Raises:
        UnderstudyError: no such file, another format, or arrays of other shapes than a track has.
    """
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            content = {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise UnderstudyError(f"{path}: no such file") from error
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise UnderstudyError(f"{path}: not a hand track: it is no npz file of plain arrays") from error
    if str(content.get("format")) != _FORMAT:
        raise UnderstudyError(f"{path}: not a hand track: its 'format' is not {_FORMAT!r}")
    names = {*_ARRAYS, "handedness", "source", "hand_length_m", "camera_size", "camera_K"}
    if missing := sorted(names - content.keys()):
        raise UnderstudyError(f"{path}: a hand track without {', '.join(missing)}")
    num_frames = len(content["time_s"])
    for name, frame_shape in _ARRAYS.items():
        if content[name].shape != (num_frames, *frame_shape):
            raise UnderstudyError(f"{path}: {name} is {content[name].shape}, not {(num_frames, *frame_shape)}")
    width, height = content["camera_size"].tolist()
    arrays = {name: content[name].astype(np.int8 if name == "status" else float) for name in _ARRAYS}
    return HandTrack(
        **arrays,
        handedness="left" if str(content["handedness"]) == "left" else "right",
        hand_length_m=float(content["hand_length_m"]),
        camera=Camera(width, height, content["camera_K"], content.get("T_world_camera")),
        source=str(content["source"]),
    )
