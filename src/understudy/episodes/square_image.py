"""From what a camera gives to the square that a network looks at, in training as in acting."""

import numpy as np
from jaxtyping import UInt8

from understudy.episodes.area_resize import area_resize

__all__ = ["square_image"]


def square_image(image: UInt8[np.ndarray, "H W 3"], size: int) -> UInt8[np.ndarray, "S S 3"]:
    """The largest square in the middle, averaged down to `size` [px]."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return area_resize(np.ascontiguousarray(image[top : top + side, left : left + side]), size, size)
