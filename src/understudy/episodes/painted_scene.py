"""The scene of a person's clip with a robot in the person's place: as a robot would find it.

A policy sees scenes with a robot in them, people's recordings show scenes with a person. So the person is erased from
the clip's first frame, and the robot painted into it where it rests.
"""

import numpy as np
from jaxtyping import UInt8

from understudy.episodes.person_scene import (
    camera_bytes,
    camera_of_episode,
    made_of,
    tracked_hand,
    without_person,
)
from understudy.episodes.reader import EpisodeReader
from understudy.records import Camera
from understudy.simulation.robot_picture import RobotPicture, resting_robot

__all__ = ["PaintedScenes"]

_VERSION = b"2"
"""Another one whenever other scenes come out of the same recording."""


class PaintedScenes:
    """Pictures of one robot, one for each camera that people were filmed by."""

    def __init__(self, robot: str, size: int) -> None:
        """Scenes of `size` pixels with `robot`."""
        self._robot, self._size = robot, size
        self._pictures: dict[bytes, RobotPicture] = {}

    def check(self, reader: EpisodeReader) -> None:
        """See that people's data set has what painting needs, by its first episode.

        Raises:
            UnderstudyError: as `scene` does.
        """
        self._picture(camera_of_episode(reader, 0, self._size))
        tracked_hand(reader, 0)

    def made_of(self, reader: EpisodeReader, index: int) -> bytes:
        """What the scene of an episode depends on besides its clip and the robot."""
        return _VERSION + made_of(reader, index, camera_of_episode(reader, index, self._size))

    def scene(
        self, reader: EpisodeReader, index: int, frames: UInt8[np.ndarray, "T S S 3"]
    ) -> UInt8[np.ndarray, "S S 3"]:
        """Of a person's episode.

        Args:
            reader: people's data set, with tracked hands and the pose of the camera.
            index: number of the episode.
            frames: its clip, in the size of the scenes (see `square_image`).

        Raises:
            UnderstudyError: the data set tells no tracked hand or no pose of the camera, its optical axis is off the
                middle of the image, or nothing can be rendered on this machine.
        """
        camera = camera_of_episode(reader, index, self._size)
        return self._picture(camera).painted_into(without_person(reader, index, frames, camera))

    def _picture(self, camera: Camera) -> RobotPicture:
        key = camera_bytes(camera)
        if key not in self._pictures:
            self._pictures[key] = resting_robot(self._robot, camera)
        return self._pictures[key]
