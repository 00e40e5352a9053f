"""Images made smaller by area: a pixel of the result is the mean of the rectangle it covers, in parts of pixels too."""

from functools import lru_cache

import numpy as np
from jaxtyping import UInt8
from scipy.sparse import csr_matrix

__all__ = ["area_resize"]


def area_resize(image: UInt8[np.ndarray, "H W 3"], height: int, width: int) -> UInt8[np.ndarray, "h w 3"]:
    """The image at another size [px]; proportions are not kept if the new ones differ."""
    old_height, old_width, channels = image.shape
    if (old_height, old_width) == (height, width):
        return image
    rows = _weights(old_height, height) @ image.reshape(old_height, -1).astype(np.float32)
    across = rows.reshape(height, old_width, channels).transpose(1, 0, 2).reshape(old_width, -1)
    result = (_weights(old_width, width) @ across).reshape(width, height, channels).transpose(1, 0, 2)
    return np.rint(result).astype(np.uint8)


@lru_cache(maxsize=32)
def _weights(old: int, new: int) -> csr_matrix:
    """(new, old) matrix: the share of each old pixel in the mean over [i, i + 1) * old / new."""
    edges = np.arange(new + 1) * (old / new)
    left, right = edges[:-1, None], edges[1:, None]
    pixels = np.arange(old)
    overlap = np.clip(np.minimum(right, pixels + 1) - np.maximum(left, pixels), 0, None)
    return csr_matrix((overlap * (new / old)).astype(np.float32))
