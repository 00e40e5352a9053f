"""The scene of a person's clip without the person, and the camera of the square that networks look at."""

import numpy as np
from jaxtyping import Float, UInt8

from understudy.episodes.camera_file import camera_from_json
from understudy.episodes.reader import EpisodeReader
from understudy.errors import UnderstudyError
from understudy.geometry.cameras import project, resize_camera
from understudy.perception.erase_person import erase_person
from understudy.records import Camera

__all__ = ["camera_bytes", "camera_of_episode", "made_of", "square_camera", "tracked_hand", "without_person"]

_OFF_PX = 1.0
"""Robots are rendered as if the optical axis went through the middle of the image; it may be so far off."""


def square_camera(camera: Camera, size: int, where: str) -> Camera:
    """Of the square in the middle of a camera's images, in `size` pixels (see `square_image`).

    Raises:
        UnderstudyError: names `where`; the camera has no pose over the table, or its optical axis is off the middle.
    """
    if camera.T_world_camera is None:
        raise UnderstudyError(f"{where}: its camera has no pose over the table")
    side = min(camera.width, camera.height)
    K = camera.K.astype(float).copy()
    K[:2, 2] -= [(camera.width - side) // 2, (camera.height - side) // 2]
    square = resize_camera(Camera(side, side, K, np.asarray(camera.T_world_camera, dtype=float)), size, size)
    if np.abs(square.K[:2, 2] + 0.5 - size / 2).max() > _OFF_PX:
        raise UnderstudyError(f"{where}: its camera does not look through the middle of its image, cut it evenly")
    return square


def camera_of_episode(reader: EpisodeReader, index: int, size: int) -> Camera:
    """`square_camera` of the camera that an episode tells.

    Raises:
        UnderstudyError: it tells none, or one that `square_camera` refuses.
    """
    where = f"{reader.root}: episode {index}"
    return square_camera(camera_from_json(reader.episode(index).metadata.get("camera"), where), size, where)


def tracked_hand(reader: EpisodeReader, index: int) -> Float[np.ndarray, "T 21 3"]:
    """Keypoints of an episode's hand in the camera's frame [m]; NaN where none was seen.

    Raises:
        UnderstudyError: the data set tells no tracked hand.
    """
    if "tracked.keypoints" not in reader.features:
        raise UnderstudyError(f"{reader.root}: has no tracked hands, so that no person can be erased")
    keypoints = reader.column("tracked.keypoints", index).reshape(-1, 21, 3).astype(float)
    keypoints[~reader.column("tracked.valid", index)[:, 0].astype(bool)] = np.nan
    return keypoints


def without_person(
    reader: EpisodeReader, index: int, frames: UInt8[np.ndarray, "T S S 3"], camera: Camera
) -> UInt8[np.ndarray, "S S 3"]:
    """The first frame of a person's episode, hand and forearm erased.

    Args:
        reader: people's data set, with tracked hands.
        index: number of the episode.
        frames: its clip (see `square_image`).
        camera: of these frames.

    Raises:
        UnderstudyError: see `tracked_hand`.
    """
    return erase_person(np.asarray(frames), project(camera.K, tracked_hand(reader, index)))


def made_of(reader: EpisodeReader, index: int, camera: Camera) -> bytes:
    """What `without_person` depends on besides the clip.

    Raises:
        UnderstudyError: see `tracked_hand`.
    """
    return tracked_hand(reader, index).tobytes() + camera_bytes(camera)


def camera_bytes(camera: Camera) -> bytes:
    """What tells one camera from another."""
    return camera.K.tobytes() + np.asarray(camera.T_world_camera).tobytes()
