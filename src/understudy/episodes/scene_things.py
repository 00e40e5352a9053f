"""The things on the table that a scene shows before anyone acts in it: neither hands nor robots are among them.

Found without names and without training (`perception/scene_objects.py`), in a person's scene and in a robot's alike, so
that what is learned of them from people holds where a robot acts.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8
from rich.console import Console
from rich.progress import track

from understudy.episodes.frame_cache import FrameCache, frame_cache_folder
from understudy.episodes.person_scene import camera_bytes, camera_of_episode, made_of, without_person
from understudy.episodes.reader import EpisodeReader
from understudy.errors import UnderstudyError
from understudy.files import replacing
from understudy.perception.scene_objects import SceneObject, find_objects
from understudy.records import Camera
from understudy.simulation.robot_picture import resting_robot

__all__ = ["MOST", "NUMBERS", "SceneThings", "SeenEpisode", "cached_things", "first_things"]

NUMBERS = ("x", "y", "radius", "height")
"""Of a thing, world [m]: see `SceneObject`."""
MOST = 32
"""Things of a scene at most."""
_VERSION = b"1"
"""Another one whenever other things are found in the same scenes."""
_ROBOT_SHARE = 0.2
"""What a robot at rest covers by more than this share is part of it."""


@dataclass(frozen=True)
class SeenEpisode:
    """An episode whose first scene is looked at."""

    reader: EpisodeReader
    index: int
    frames: FrameCache
    """Of the reader's images; the side is the size in which things are looked for."""
    person: bool
    """A person acts in it, else the robot."""


class SceneThings:
    """Finds them in scenes of one robot and of people."""

    def __init__(self, robot: str) -> None:
        self._robot = robot
        self._covers: dict[bytes, Bool[np.ndarray, "S S"]] = {}

    def of_robot(self, image: UInt8[np.ndarray, "S S 3"], camera: Camera) -> Float32[np.ndarray, "N 4"]:
        """In an image that shows the robot at rest.

        Args:
            image: square.
            camera: of it, see `square_camera`.
        """
        cover = self._cover(camera)
        found = find_objects(np.ascontiguousarray(image), camera)
        return _numbers(thing for thing in found if (thing.mask & cover).sum() <= _ROBOT_SHARE * thing.mask.sum())

    def of(self, episode: SeenEpisode) -> Float32[np.ndarray, "N 4"]:
        """In the first scene of an episode.

        Raises:
            UnderstudyError: it tells no pose of its camera, or a person's no tracked hand.
        """
        frames = episode.frames.episode(episode.index)
        camera = camera_of_episode(episode.reader, episode.index, frames.shape[1])
        if not episode.person:
            return self.of_robot(np.asarray(frames[0]), camera)
        empty = without_person(episode.reader, episode.index, np.asarray(frames), camera)
        return _numbers(find_objects(np.ascontiguousarray(empty), camera))

    def _cover(self, camera: Camera) -> Bool[np.ndarray, "S S"]:
        key = camera_bytes(camera)
        if key not in self._covers:
            seen = (resting_robot(self._robot, camera).cover > 0.05).astype(np.uint8)
            self._covers[key] = cv2.dilate(seen, np.ones((3, 3), np.uint8)).astype(bool)
        return self._covers[key]


def first_things(things: Float32[np.ndarray, "N 4"], count: int) -> Float32[np.ndarray, "K 4"]:
    """As many as `count`, the widest first; rows without one are NaN."""
    found = np.full((count, len(NUMBERS)), np.nan, dtype=np.float32)
    widest = things[np.argsort(-things[:, 2], kind="stable")][:count]
    found[: len(widest)] = widest
    return found


def cached_things(robot: str, episodes: Sequence[SeenEpisode], count: int) -> Float32[np.ndarray, "E K 4"]:
    """`first_things` of every episode, from a file for each data set, made if it is not there.

    Args:
        robot: that acts where no person does.
        episodes: those of a data set, too, in any order.
        count: K.

    Raises:
        UnderstudyError: see `SceneThings.of`, or the cache cannot be written.
    """
    things, found = SceneThings(robot), np.empty((len(episodes), count, len(NUMBERS)), dtype=np.float32)
    for root in dict.fromkeys(episode.reader.root for episode in episodes):
        rows = [row for row, episode in enumerate(episodes) if episode.reader.root == root]
        found[rows] = _of_data_set(things, robot, [episodes[row] for row in rows])[:, :count]
    return found


def _of_data_set(things: SceneThings, robot: str, episodes: list[SeenEpisode]) -> Float32[np.ndarray, "E M 4"]:
    digest = hashlib.sha256(_VERSION + robot.encode())
    for episode in episodes:
        size = episode.frames.episode(episode.index).shape[1]
        camera = camera_of_episode(episode.reader, episode.index, size)
        about = made_of(episode.reader, episode.index, camera) if episode.person else camera_bytes(camera)
        digest.update(f"{episode.frames.path.parent.name} {episode.index} {episode.person}".encode() + about)
    path = frame_cache_folder() / "things" / f"{digest.hexdigest()[:16]}.npy"
    try:
        if not path.exists():
            bar = track(episodes, description="things", console=Console(stderr=True), transient=True)
            found = np.stack([first_things(things.of(episode), MOST) for episode in bar])
            with replacing(path) as temporary, temporary.open("wb") as file:
                np.save(file, found)
        loaded: Float32[np.ndarray, "E M 4"] = np.load(path, allow_pickle=False)
    except OSError as error:
        raise UnderstudyError(f"{path}: cannot be written: {error.strerror or error}") from error
    return loaded


def _numbers(things: Iterable[SceneObject]) -> Float32[np.ndarray, "N 4"]:
    rows = [[*thing.xy, thing.radius_m, thing.height_m] for thing in things]
    return np.array(rows, dtype=np.float32).reshape(-1, len(NUMBERS))
