"""DexYCB (dex-ycb.github.io): hands grasping YCB objects, eight cameras, 640 x 480 at 30 fps, hand and objects known.

`SUBJECT/SEQUENCE/meta.yml` and per camera `SERIAL/color_000000.jpg`, `SERIAL/labels_000000.npz`: `joint_3d` (1, 21, 3)
[m, camera frame; -1 where no hand is labelled], `pose_y` (objects, 3, 4). `calibration/intrinsics/SERIAL_640x480.yml`,
`calibration/extrinsics_*/extrinsics.yml`. A sequence seen by one camera is one episode. Keypoints are in our order.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from understudy.episodes.features import Feature, scalar, vector
from understudy.episodes.importers import image_file
from understudy.episodes.importers.source import Frame, Source, SourceEpisode, natural_order
from understudy.episodes.importers.yaml_file import read_yaml
from understudy.errors import UnderstudyError
from understudy.geometry.rotations import continuous_quaternions, quaternion_from_matrix

__all__ = ["open_dexycb"]

FPS = 30.0
_IMAGE = "observation.images.front"
_META = ("serials", "num_frames", "ycb_ids", "ycb_grasp_ind", "mano_sides")
# The 21 objects by their number in the labels (toolkit: dex_ycb.py).
_OBJECTS = (
    *("master_chef_can", "cracker_box", "sugar_box", "tomato_soup_can", "mustard_bottle", "tuna_fish_can"),
    *("pudding_box", "gelatin_box", "potted_meat_can", "banana", "pitcher_base", "bleach_cleanser", "bowl", "mug"),
    *("power_drill", "wood_block", "scissors", "large_marker", "large_clamp", "extra_large_clamp", "foam_brick"),
)


def open_dexycb(path: Path) -> Source:
    """The folder of the data set, of a subject, or of one sequence."""
    sequences = natural_order(file.parent for file in path.rglob("meta.yml"))
    if not sequences:
        raise UnderstudyError(f"{path}: no meta.yml in or below it; a DexYCB sequence is SUBJECT/SEQUENCE/meta.yml")
    views = [(sequence, str(serial)) for sequence in sequences for serial in _meta(sequence)["serials"]]
    first, serial = views[0]
    features = _features(image_file.image_size(first / serial / "color_000000.jpg"))
    return Source(FPS, "human_hand", features, len(views), (_episode(*view) for view in views))


def _features(size: tuple[int, int]) -> dict[str, Feature]:
    keypoints = tuple(f"k{i}_{axis}" for i in range(21) for axis in "xyz")
    return {
        "truth.keypoints": vector(keypoints, mask="truth.keypoints.valid"),
        "truth.keypoints.valid": scalar("bool"),
        "truth.objects": vector(("x", "y", "z", "qw", "qx", "qy", "qz"), mask="truth.objects.valid"),
        "truth.objects.valid": scalar("bool"),
        _IMAGE: image_file.video_feature(*size),
    }


@cache
def _meta(sequence: Path) -> dict:
    return read_yaml(sequence / "meta.yml", *_META)


def _episode(sequence: Path, serial: str) -> SourceEpisode:
    meta, folder = _meta(sequence), sequence / serial
    length, grasped = int(meta["num_frames"]), int(meta["ycb_grasp_ind"])
    labels = [_label(folder / f"labels_{index:06d}.npz", grasped) for index in range(length)]
    keypoints, poses = (np.stack(values) for values in zip(*labels, strict=True))
    hand_seen = (keypoints != -1).any(axis=(1, 2))
    object_seen = (poses != 0).any(axis=(1, 2))
    columns = {
        "truth.keypoints": np.where(hand_seen[:, None], keypoints.reshape(length, -1), 0.0),
        "truth.keypoints.valid": hand_seen,
        "truth.objects": _pose_rows(poses, object_seen),
        "truth.objects.valid": object_seen,
    }
    name = _OBJECTS[int(meta["ycb_ids"][grasped]) - 1].replace("_", " ")
    metadata = {
        "source": str(folder),
        "format": "dexycb",
        "embodiment": "human_hand",
        "person": sequence.parent.name,
        "handedness": str(meta["mano_sides"][0]),
        "object": name,
        "camera": _camera(sequence, serial),
    }
    return SourceEpisode(columns, {_IMAGE: _pictures(folder, length)}, f"pick up the {name}", metadata)


def _label(path: Path, grasped: int) -> tuple[Float[np.ndarray, "21 3"], Float[np.ndarray, "3 4"]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            joints, poses = np.asarray(file["joint_3d"], float), np.asarray(file["pose_y"], float)
    except FileNotFoundError as error:
        raise UnderstudyError(f"{path}: no such file") from error
    except KeyError as error:
        raise UnderstudyError(f"{path}: no {str(error.args[0]).split()[0]!r} in it") from error
    except (OSError, ValueError, EOFError) as error:
        raise UnderstudyError(f"{path}: no readable label file") from error
    if joints.shape != (1, 21, 3) or poses.ndim != 3 or poses.shape[1:] != (3, 4) or len(poses) <= grasped:
        raise UnderstudyError(
            f"{path}: 'joint_3d' {joints.shape} and 'pose_y' {poses.shape}: DexYCB has (1, 21, 3) and (objects, 3, 4)"
        )
    return joints[0], poses[grasped]


def _pose_rows(poses: Float[np.ndarray, "T 3 4"], seen: Bool[np.ndarray, " T"]) -> Float[np.ndarray, "T 7"]:
    """Position [m] and quaternion (w, x, y, z) in the camera frame; the unit pose where nothing is labelled."""
    R = np.where(seen[:, None, None], poses[:, :, :3], np.eye(3))
    return np.concatenate([poses[:, :, 3], continuous_quaternions(quaternion_from_matrix(R))], axis=1)


def _pictures(folder: Path, length: int) -> Iterator[Frame]:
    return (image_file.picture(folder / f"color_{index:06d}.jpg") for index in range(length))


def _camera(sequence: Path, serial: str) -> dict | None:
    """Intrinsics [px] and the pose in the frame of the master camera [m]; None without the calibration folder."""
    root = sequence.parent.parent / "calibration"
    if not root.is_dir():
        return None
    color = read_yaml(root / "intrinsics" / f"{serial}_640x480.yml", "color")["color"]
    K = [[color["fx"], 0.0, color["ppx"]], [0.0, color["fy"], color["ppy"]], [0.0, 0.0, 1.0]]
    extrinsics = read_yaml(root / f"extrinsics_{_meta(sequence).get('extrinsics')}" / "extrinsics.yml", "extrinsics")
    pose = np.reshape(extrinsics["extrinsics"][serial], (3, 4)).tolist()
    return {"width": 640, "height": 480, "K": K, "T_world_camera": [*pose, [0.0, 0.0, 0.0, 1.0]], "serial": serial}
