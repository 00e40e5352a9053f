"""HOI4D (hoi4d.github.io): what a person sees who handles things, 1920 x 1080 at 15 fps, hand and object labelled.

A sequence is `ZY*/H*/C*/N*/S*/s*/T*`, below `HOI4D_release/` (`align_rgb/image.mp4`), `HOI4D_annotations/` (`objpose/
N.json`, `action/color.json`), `handpose/refinehandpose_right/` (`N.pickle`); or all in the one folder of the sequence.
`camera_params/ZY*/intrin.npy`. The hand is a MANO pose (its licence keeps the keypoints out of reach without MANO) and
21 keypoints in the image; pickled, so read as plain data. The camera moves with the head: poses are in its frame.
"""

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from understudy.episodes.features import Feature, scalar, vector
from understudy.episodes.importers.image_file import video_feature
from understudy.episodes.importers.nearest_frames import nearest_frames, regular_times
from understudy.episodes.importers.plain_pickle import read_plain_pickle
from understudy.episodes.importers.source import Source, SourceEpisode, natural_order
from understudy.errors import UnderstudyError
from understudy.geometry.rotations import continuous_quaternions
from understudy.perception.video import open_video, read_frames
from understudy.records import HumanVideo

__all__ = ["open_hoi4d"]

FPS = 15.0
"""The rate that the annotations are numbered at [1/s] (utils/decode.py of HOI4D-Instructions)."""
_IMAGE, _DEPTH_OF_SEQUENCE = "observation.images.front", 7
_MANO = (("poseCoeff", 48), ("beta", 10), ("trans", 3))
# Category C* and task T* (definitions/task/task_definitions.csv), shortened to the object and the verb.
_CATEGORIES = {
    **{1: "toy car", 2: "mug", 3: "laptop", 4: "storage furniture", 5: "bottle", 6: "safe", 7: "bowl", 8: "bucket"},
    **{9: "scissors", 11: "pliers", 12: "kettle", 13: "knife", 14: "trash can", 17: "lamp", 18: "stapler", 20: "chair"},
}


def open_hoi4d(path: Path) -> Source:
    """The folder of the data set, or of one sequence."""
    sequences = natural_order(file.parent.parent for file in path.rglob("align_rgb/image.mp4"))
    if not sequences:
        raise UnderstudyError(f"{path}: no ZY*/H*/C*/N*/S*/s*/T*/align_rgb/image.mp4 in or below it")
    film = open_video(sequences[0] / "align_rgb" / "image.mp4")
    return Source(FPS, "human_hand", _features(film), len(sequences), (_episode(sequence) for sequence in sequences))


def _features(film: HumanVideo) -> dict[str, Feature]:
    pixels = tuple(f"k{i}_{axis}" for i in range(21) for axis in "uv")
    mano = tuple(f"{name}{i}" for name, count in _MANO for i in range(count))
    return {
        "truth.keypoints_px": vector(pixels, mask="truth.hand.valid"),
        "truth.mano": vector(mano, mask="truth.hand.valid"),
        "truth.hand.valid": scalar("bool"),
        "truth.objects": vector(("x", "y", "z", "qw", "qx", "qy", "qz"), mask="truth.objects.valid"),
        "truth.objects.valid": scalar("bool"),
        _IMAGE: video_feature(film.height, film.width),
    }


def _episode(sequence: Path) -> SourceEpisode:
    film = open_video(sequence / "align_rgb" / "image.mp4")
    times_s = regular_times(0.0, (film.num_frames - 1) / film.fps, FPS)
    name = sequence.parts[-_DEPTH_OF_SEQUENCE:]
    root = sequence.parents[_DEPTH_OF_SEQUENCE] if len(sequence.parents) > _DEPTH_OF_SEQUENCE else sequence
    annotations = root / "HOI4D_annotations" / Path(*name)
    annotations = annotations if annotations.is_dir() else sequence
    hands = root / "handpose" / "refinehandpose_right" / Path(*name)
    columns = _hand(hands, len(times_s)) | _objects(annotations / "objpose", len(times_s))
    category = _CATEGORIES.get(_number(name[2]) if len(name) == _DEPTH_OF_SEQUENCE else 0, "object")
    metadata = {
        "source": str(sequence),
        "format": "hoi4d",
        "embodiment": "human_hand",
        "handedness": "right",
        "sequence": "/".join(name),
        "object": category,
        "camera": _camera(root / "camera_params" / name[0] / "intrin.npy", film),
        "events": _events(annotations / "action" / "color.json"),
    }
    task = f"{category}: task {name[-1]}"
    return SourceEpisode(columns, {_IMAGE: nearest_frames(read_frames(film), times_s)}, task, metadata)


def _hand(folder: Path, length: int) -> dict[str, np.ndarray]:
    pixels, mano, seen = np.zeros((length, 42)), np.zeros((length, 61)), np.zeros(length, dtype=bool)
    for index in range(length):
        path = _numbered(folder, index, "pickle")
        if path is None:
            continue
        content = read_plain_pickle(path)
        try:
            parts = [np.asarray(content[key], dtype=float).reshape(count) for key, count in _MANO]
            pixels[index] = np.asarray(content["kps2D"], dtype=float)[:21, :2].reshape(42)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise UnderstudyError(f"{path}: no hand pose with poseCoeff, beta, trans and kps2D: {error}") from error
        mano[index], seen[index] = np.concatenate(parts), True
    return {"truth.keypoints_px": pixels, "truth.mano": mano, "truth.hand.valid": seen}


def _objects(folder: Path, length: int) -> dict[str, np.ndarray]:
    """Pose of the first labelled part in the camera frame; rotation is intrinsic XYZ in radians."""
    poses, seen = np.tile([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], (length, 1)), np.zeros(length, dtype=bool)
    for index in range(length):
        path = _numbered(folder, index, "json")
        if path is None:
            continue
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            part = content.get("dataList", content.get("objects"))[0]
            angles = [float(part["rotation"][axis]) for axis in "xyz"]
            poses[index, :3] = [float(part["center"][axis]) for axis in "xyz"]
        except (OSError, KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise UnderstudyError(f"{path}: no object pose with center and rotation: {error}") from error
        poses[index, 3:] = Rotation.from_euler("XYZ", angles).as_quat(scalar_first=True)
        seen[index] = True
    poses[:, 3:] = continuous_quaternions(poses[:, 3:])
    return {"truth.objects": poses, "truth.objects.valid": seen}


def _numbered(folder: Path, index: int, suffix: str) -> Path | None:
    """The annotation of a frame: releases number them 7 or 00007; frames without one have no file."""
    for stem in (f"{index:05d}", str(index)):
        if (folder / f"{stem}.{suffix}").is_file():
            return folder / f"{stem}.{suffix}"
    return None


def _camera(path: Path, film: HumanVideo) -> dict | None:
    if not path.is_file():
        return None
    try:
        K: Float[np.ndarray, "3 3"] = np.load(path, allow_pickle=False).astype(float)
    except (ValueError, OSError, EOFError) as error:
        raise UnderstudyError(f"{path}: no readable .npy file") from error
    if K.shape != (3, 3):
        raise UnderstudyError(f"{path}: shape {K.shape}: a camera matrix is 3x3")
    return {"width": film.width, "height": film.height, "K": K.tolist(), "T_world_camera": None}


def _events(path: Path) -> list[dict]:
    """Action segments: name, start and end [s]; both layouts that HOI4D has published."""
    if not path.is_file():
        return []
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        marks = content.get("events") or content.get("markResult", {}).get("marks", [])
        keys = ("startTime", "endTime") if "events" in content else ("hdTimeStart", "hdTimeEnd")
        return [{"event": m["event"], "start_s": float(m[keys[0]]), "end_s": float(m[keys[1]])} for m in marks]
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnderstudyError(f"{path}: no action segments with event, start and end: {error}") from error


def _number(part: str) -> int:
    return int(part[1:]) if part[1:].isdigit() else 0
