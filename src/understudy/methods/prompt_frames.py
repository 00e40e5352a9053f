"""The few frames of a prompt that a network looks at: at even times, whatever the clip's frame rate is."""

import numpy as np
from jaxtyping import Float, Int, UInt8

from understudy.episodes.square_image import square_image
from understudy.errors import PromptError
from understudy.perception.video import frame_times, read_frames
from understudy.records import HumanVideo

__all__ = ["frames_at_even_times", "prompt_frames"]


def prompt_frames(video: HumanVideo | None, count: int, size: int) -> UInt8[np.ndarray, "N S S 3"]:
    """`count` frames at even times from first to last, the middle square at `size` px; black without a video.

    Raises:
        BadVideo: a video that cannot be read to its end.
        PromptError: a single picture where several frames are looked at: nothing can be seen to happen in it.
    """
    if video is None:
        return np.zeros((count, size, size, 3), dtype=np.uint8)
    times = frame_times(video)
    if count > 1 and len(times) < 2:
        raise PromptError(
            f"{video.path}: it has {len(times)} frame, so nothing happens in it: give a video of the whole motion"
        )
    numbers = frames_at_even_times(times, count)
    chosen, places = np.unique(numbers, return_inverse=True)
    frames = [square_image(frame, size) for _, frame in read_frames(video, only=set(chosen.tolist()))]
    return np.stack(frames)[places]


def frames_at_even_times(time_s: Float[np.ndarray, " T"], count: int) -> Int[np.ndarray, " N"]:
    """Numbers of the frames nearest to `count` even times from the first to the last; a short clip repeats frames.

    Args:
        time_s: of every frame [s], increasing.
        count: how many.
    """
    wanted = np.linspace(time_s[0], time_s[-1], count)
    return np.interp(wanted, time_s, np.arange(len(time_s))).round().astype(np.int64)
