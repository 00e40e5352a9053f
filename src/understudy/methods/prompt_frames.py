"""The few frames of a prompt that a network looks at."""

import numpy as np
from jaxtyping import UInt8

from understudy.episodes.square_image import square_image
from understudy.episodes.windows import even_frames
from understudy.perception.video import read_frames
from understudy.records import HumanVideo

__all__ = ["prompt_frames"]


def prompt_frames(video: HumanVideo | None, count: int, size: int) -> UInt8[np.ndarray, "N S S 3"]:
    """`count` frames at even times from first to last, the middle square at `size` px; black without a video.

    Raises:
        UnderstudyError: a video that cannot be read.
    """
    if video is None:
        return np.zeros((count, size, size, 3), dtype=np.uint8)
    numbers = even_frames(video.num_frames, count).tolist()
    frames = enumerate(read_frames(video))
    found = {number: square_image(frame, size) for number, (_, frame) in frames if number in numbers}
    return np.stack([found[number] for number in numbers])
