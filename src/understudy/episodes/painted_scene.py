"""The scene of a person's clip with a robot in the person's place: as a robot would find it.

A policy sees scenes with a robot in them, people's recordings show scenes with a person. So the person is erased from
the clip's first frame, and the robot painted into it where it rests.
"""

import numpy as np
from jaxtyping import UInt8

from understudy.episodes.camera_file import camera_from_json
from understudy.episodes.reader import EpisodeReader
from understudy.errors import UnderstudyError
from understudy.geometry.cameras import project
from understudy.perception.erase_person import erase_person
from understudy.records import Camera
from understudy.simulation.robot_picture import RobotPicture, resting_robot

__all__ = ["PaintedScenes"]

_VERSION = b"1"
"""Another one whenever other scenes come out of the same recording."""
_OFF_PX = 1.0
"""The robot is rendered as if the optical axis went through the middle of the image; it may be so far off."""


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
        self._picture(self._camera(reader, 0))

    def made_of(self, reader: EpisodeReader, index: int) -> bytes:
        """What the scene of an episode depends on besides its clip and the robot."""
        keypoints, valid = (reader.column(f"tracked.{name}", index).tobytes() for name in ("keypoints", "valid"))
        camera = self._camera(reader, index)
        assert camera.T_world_camera is not None
        return _VERSION + keypoints + valid + camera.K.tobytes() + camera.T_world_camera.tobytes()

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
        camera = self._camera(reader, index)
        keypoints = reader.column("tracked.keypoints", index).reshape(-1, 21, 3).astype(float)
        keypoints[~reader.column("tracked.valid", index)[:, 0].astype(bool)] = np.nan
        empty = erase_person(np.asarray(frames), project(camera.K, keypoints))
        return self._picture(camera).painted_into(empty)

    def _picture(self, camera: Camera) -> RobotPicture:
        assert camera.T_world_camera is not None
        key = camera.K.tobytes() + camera.T_world_camera.tobytes()
        if key not in self._pictures:
            self._pictures[key] = resting_robot(self._robot, camera)
        return self._pictures[key]

    def _camera(self, reader: EpisodeReader, index: int) -> Camera:
        """Of the square in the middle of the clip's frames, in the size of the scenes."""
        if "tracked.keypoints" not in reader.features:
            raise UnderstudyError(f"{reader.root}: has no tracked hands, so that no person can be painted over")
        where = f"{reader.root}: episode {index}"
        camera = camera_from_json(reader.episode(index).metadata.get("camera"), where)
        if camera.T_world_camera is None:
            raise UnderstudyError(f"{where}: its camera has no pose over the table, so that no robot can be painted")
        side = min(camera.width, camera.height)
        K = camera.K.astype(float).copy()
        K[:2, 2] -= [(camera.width - side) / 2, (camera.height - side) / 2]
        K[:2] *= self._size / side
        if np.abs(K[:2, 2] - self._size / 2).max() > _OFF_PX:
            raise UnderstudyError(f"{where}: its camera does not look through the middle of its image, cut it evenly")
        return Camera(self._size, self._size, K, np.asarray(camera.T_world_camera, dtype=float))
