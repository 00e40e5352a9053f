"""A regular clock for unevenly recorded frames: at every wanted time, the frame that was taken nearest to it."""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Float, Int

from understudy.episodes.importers.image_file import even
from understudy.episodes.importers.source import Frame

__all__ = ["nearest_frames", "nearest_rows", "regular_times"]


def regular_times(first_s: float, last_s: float, fps: float) -> Float[np.ndarray, " T"]:
    """`first_s`, then one step of 1 / fps after another, up to `last_s` [s] (1 % of a step may lack)."""
    return first_s + np.arange(int((last_s - first_s) * fps + 0.01) + 1) / fps


def nearest_rows(times_s: Float[np.ndarray, " N"], wanted_s: Float[np.ndarray, " T"]) -> Int[np.ndarray, " T"]:
    """Index of the entry of the ascending `times_s` that is nearest to each wanted time."""
    after = np.clip(np.searchsorted(times_s, wanted_s), 1, max(len(times_s) - 1, 1))
    if len(times_s) == 1:
        return np.zeros(len(wanted_s), dtype=np.int64)
    before = after - 1
    return np.where(wanted_s - times_s[before] <= times_s[after] - wanted_s, before, after)


def nearest_frames(frames: Iterable[tuple[float, Frame]], wanted_s: Float[np.ndarray, " T"]) -> Iterator[Frame]:
    """The nearest of (time [s], frame) to each wanted time, even-sized; decoded once, at most two are held."""
    stream = iter(frames)
    held = next(stream, None)
    following = next(stream, None)
    for wanted in wanted_s:
        while held is not None and following is not None and following[0] - wanted < wanted - held[0]:
            held, following = following, next(stream, None)
        if held is None:
            return
        yield even(held[1])
