"""Random shifts of images, a common augmentation, with the places that move along when what is seen moves.

Under a shift a point keeps its height and goes to where the camera would see it in the shifted image. An episode that
was recorded in one corner of the table so becomes one in another, up to how things look from a little further off.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from understudy.geometry.cameras import camera_ray, project
from understudy.geometry.transforms import apply_transform, inverse_transform
from understudy.records import Camera

__all__ = ["STEPS", "ImageShift", "random_shift"]

STEPS = 32
"""A shift is told in this part of the image's side, so that it is a whole number of pixels in images of 32, 64, 96."""


@dataclass(frozen=True)
class ImageShift:
    """To the right and down, in 1/32 of the image's side."""

    right: int = 0
    down: int = 0

    def images(self, images: UInt8[np.ndarray, "*T S S 3"]) -> UInt8[np.ndarray, "*T S S 3"]:
        """Shifted by whole pixels; what comes in at an edge repeats it."""
        if self == ImageShift():
            return images
        size = images.shape[-2]
        down, right = (round(steps * size / STEPS) for steps in (self.down, self.right))
        line = np.arange(size)
        rows, columns = np.clip(line - down, 0, size - 1), np.clip(line - right, 0, size - 1)
        return images.take(rows, axis=-3).take(columns, axis=-2)

    def places(self, camera: Camera, p_world: Float[np.ndarray, "*B N 3"]) -> Float[np.ndarray, "*B N 3"]:
        """Where points are then: as high as before, and seen where the shift takes them.

        Args:
            camera: with its pose in the world. Of an image that is not square, networks see the square in its middle.
            p_world: points in front of the camera [m].

        Raises:
            ValueError: the camera's pose is not known.
        """
        if camera.T_world_camera is None:
            raise ValueError("this camera's pose in the world is not known")
        if self == ImageShift():
            return p_world
        side = min(camera.width, camera.height)
        T, offset = camera.T_world_camera, np.array([self.right, self.down]) * side / STEPS
        pixels = project(camera.K, apply_transform(inverse_transform(T), p_world)) + offset
        rays = camera_ray(camera.K, pixels) @ T[:3, :3].T
        distance = (p_world[..., 2:] - T[2, 3]) / rays[..., 2:]
        return T[:3, 3] + distance * rays


def random_shift(rng: np.random.Generator, most: int) -> ImageShift:
    """Evenly up to `most` to each side."""
    right, down = (int(number) for number in rng.integers(-most, most + 1, 2))
    return ImageShift(right, down)
