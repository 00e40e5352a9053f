"""A single picture of a scene, as a camera or a phone wrote it: upright, RGB."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from understudy.errors import UnderstudyError
from understudy.perception.video import MAX_PIXELS

__all__ = ["MIN_SIDE_PX", "open_picture"]

MIN_SIDE_PX = 16
"""Smallest side of a picture [px]: less shows no scene."""


def open_picture(path: Path) -> UInt8[np.ndarray, "H W 3"]:
    """The picture, turned as its file says; transparency is dropped, grey becomes RGB.

    Args:
        path: any file that Pillow reads (png, jpg, webp, ...).

    Raises:
        UnderstudyError: no such file, no picture in it, or one below `MIN_SIDE_PX` or above `MAX_PIXELS`.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            if min(width, height) < MIN_SIDE_PX or width * height > MAX_PIXELS:
                raise UnderstudyError(
                    f"{path}: a picture of {width}x{height} px: needs sides of at least {MIN_SIDE_PX} px, "
                    f"and at most {MAX_PIXELS:,} px in all"
                )
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except FileNotFoundError as error:
        raise UnderstudyError(f"{path}: no such file") from error
    except UnidentifiedImageError as error:
        raise UnderstudyError(f"{path}: not a picture: give an image of the robot's scene such as scene.png") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnderstudyError(f"{path}: no readable picture: {error}") from error
