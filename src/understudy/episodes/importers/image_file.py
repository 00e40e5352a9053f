"""Single pictures of foreign data sets: read, checked, cut to even sides as H.264 needs them."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from understudy.episodes.features import Feature, video
from understudy.episodes.importers.source import Frame
from understudy.errors import UnderstudyError

__all__ = ["even", "image_size", "picture", "video_feature"]


def even(image: Frame) -> Frame:
    """Without the last row and column where sides are odd; the pixels that stay keep their place, so K stays right."""
    return np.ascontiguousarray(image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2])


def video_feature(height: int, width: int) -> Feature:
    """Video of frames of that size [px], cut as `even` cuts them."""
    return video(height // 2 * 2, width // 2 * 2)


def picture(where: Path | str, content: bytes | None = None) -> Frame:
    """The picture in a file, or in `content` (then `where` is for the error); RGB.

    Raises:
        UnderstudyError: no such file, or no picture.
    """
    try:
        with Image.open(Path(where) if content is None else io.BytesIO(content)) as image:
            return even(np.asarray(image.convert("RGB")))
    except FileNotFoundError as error:
        raise UnderstudyError(f"{where}: no such file") from error
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise UnderstudyError(f"{where}: no readable picture") from error


def image_size(where: Path | str, content: bytes | None = None) -> tuple[int, int]:
    """(height, width) of the picture [px], before `even`, from its header."""
    try:
        with Image.open(Path(where) if content is None else io.BytesIO(content)) as image:
            return image.height, image.width
    except FileNotFoundError as error:
        raise UnderstudyError(f"{where}: no such file") from error
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise UnderstudyError(f"{where}: no readable picture") from error
