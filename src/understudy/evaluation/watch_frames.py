"""Pictures made from pictures, one at a time: resized, counted, and put side by side."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from jaxtyping import UInt8
from PIL import Image

__all__ = ["beside", "counted", "even_size", "resized"]

Frame = UInt8[np.ndarray, "H W 3"]
_GAP = 8
_GROUND = 24


def even_size(width: int, height: int, longest: int) -> tuple[int, int]:
    """Width and height [px] with the same aspect, even, neither above `longest`; never enlarged."""
    scale = min(1.0, longest / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def resized(image: Frame, width: int, height: int) -> UInt8[np.ndarray, "height width 3"]:
    """The image resampled to `width` x `height` [px]."""
    if image.shape[:2] == (height, width):
        return image
    picture = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(picture)


def beside(left: Iterable[Frame], right: Iterable[Frame], height: int) -> Iterator[Frame]:
    """Pairs of frames next to each other, both `height` px high, with a dark gap between them."""
    for a, b in zip(left, right, strict=True):
        parts = [resized(image, max(2, round(image.shape[1] * height / image.shape[0])), height) for image in (a, b)]
        gap = np.full((height, _GAP, 3), _GROUND, dtype=np.uint8)
        yield np.concatenate([parts[0], gap, parts[1]], axis=1)


def counted(frames: Iterable[Frame], advance: Callable[[int], None]) -> Iterator[Frame]:
    """The same frames; `advance` is told how many have passed."""
    for number, frame in enumerate(frames, 1):
        yield frame
        advance(number)
