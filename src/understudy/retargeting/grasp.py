"""When does the hand hold something? Two levels of the aperture between thumb and fingers, held apart against noise.

aperture a(t) = |thumb tip - mean of index and middle tip|. A grasp is a stretch at the lower of two levels, between
stretches at the upper one (before it at least), during which the hand travels. It begins at a low point: the hand comes
down to what it takes and lifts it (z is up), which hands that relax, point or push while they change shape do not do.
The levels come from two medians in turn (Lloyd's algorithm in one dimension, robust); the cheapest sequence of the two
states is found by Viterbi, with the price of a switch in place of hysteresis:

    min over s(t)  sum_t min(|a(t) - level(s(t))| / sigma, 3)  +  price * number of switches
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import median_filter

__all__ = ["GraspOptions", "Grasps", "aperture_m", "detect_grasps"]

_THUMB_TIP, _INDEX_TIP, _MIDDLE_TIP = 4, 8, 12
_CLIP = 3.0


@dataclass(frozen=True)
class GraspOptions:
    """What counts as a grasp."""

    window_s: float = 0.25
    """Median filter of the aperture [s]."""
    min_change_m: float = 0.012
    """Smallest difference between the two levels [m]."""
    min_travel_m: float = 0.04
    """The hand moves at least this far while it holds [m]."""
    min_rise_m: float = 0.025
    """The fingertips were this much higher within `before_s` of closing, and rise as much while they hold [m]."""
    before_s: float = 1.2
    min_duration_s: float = 0.3
    switch_price: float = 6.0
    """Price of opening or closing, in clipped standard deviations summed over frames at 20 frames a second."""


@dataclass(frozen=True)
class Grasps:
    """Result of `detect_grasps`."""

    closed: Bool[np.ndarray, " T"]
    """True while something is held."""
    confidence: Float[np.ndarray, " T"]
    """0 to 1 per frame: how far the aperture is on its side of the two levels; 0 in frames without a hand."""
    open_m: float
    """Upper level of the aperture [m]; NaN if no grasp was found."""
    closed_m: float
    """Lower level [m]."""

    @property
    def intervals(self) -> list[tuple[int, int]]:
        """(first, last) frame of every grasp."""
        edges = np.flatnonzero(np.diff(self.closed.astype(int), prepend=0, append=0))
        return [(int(start), int(stop) - 1) for start, stop in zip(edges[::2], edges[1::2], strict=True)]

    @property
    def found(self) -> bool:
        """Whether anything is held at any time."""
        return bool(self.closed.any())


def aperture_m(keypoints: Float[np.ndarray, "T 21 3"]) -> Float[np.ndarray, " T"]:
    """Distance from the tip of the thumb to the middle between the tips of index and middle finger [m]."""
    opposite = 0.5 * (keypoints[:, _INDEX_TIP] + keypoints[:, _MIDDLE_TIP])
    return np.asarray(np.linalg.norm(keypoints[:, _THUMB_TIP] - opposite, axis=-1))


def detect_grasps(
    keypoints: Float[np.ndarray, "T 21 3"],
    valid: Bool[np.ndarray, " T"],
    time_s: Float[np.ndarray, " T"],
    options: GraspOptions | None = None,
) -> Grasps:
    """Frames in which the hand holds something, judged from its keypoints alone (a fixed frame with z up [m])."""
    options = options or GraspOptions()
    nothing = Grasps(np.zeros(len(valid), bool), np.zeros(len(valid)), np.nan, np.nan)
    seen = np.flatnonzero(valid & np.isfinite(keypoints).all(axis=(1, 2)))
    if len(seen) < 4:
        return nothing
    times, points = time_s[seen], keypoints[seen]
    step_s = max(float(np.median(np.diff(times))), 1e-3)
    raw = aperture_m(points)
    smooth = median_filter(raw, size=2 * round(options.window_s / step_s / 2) + 1, mode="nearest")
    low, high = _two_levels(smooth)
    noise = 1.4826 * float(np.median(np.abs(raw - smooth)))
    if high - low < max(options.min_change_m, 1.5 * noise):
        return nothing
    sigma = max(0.25 * (high - low), noise, 1e-4)
    states = _viterbi(smooth, low, high, sigma, options.switch_price * 0.05 / step_s)
    kept = _keep_grasps(states, times, points, options)
    if not kept.any():
        return nothing
    closed, confidence = nothing.closed.copy(), nothing.confidence.copy()
    closed[seen] = kept
    closed = _hold_through_gaps(closed, seen)
    confidence[seen] = np.clip(np.abs(smooth - 0.5 * (low + high)) / (0.5 * (high - low)), 0, 1)
    return Grasps(closed, confidence, high, low)


def _two_levels(values: Float[np.ndarray, " N"]) -> tuple[float, float]:
    low, high = (float(v) for v in np.quantile(values, [0.1, 0.9]))
    for _ in range(20):
        upper = values > 0.5 * (low + high)
        if upper.all() or not upper.any():
            break
        low, high = float(np.median(values[~upper])), float(np.median(values[upper]))
    return low, high


def _viterbi(
    values: Float[np.ndarray, " N"], low: float, high: float, sigma: float, price: float
) -> Bool[np.ndarray, " N"]:
    """True where the cheapest sequence of the two states is closed. Beyond a level counts as at it."""
    above = np.maximum(values - low, 0.0)
    below = np.maximum(high - values, 0.0)
    costs = np.minimum(np.stack([below, above], axis=-1) / sigma, _CLIP)  # state 0 open, 1 closed
    total = costs[0].copy()
    back = np.zeros((len(values), 2), dtype=int)
    for t in range(1, len(values)):
        stay, switch = total, total[::-1] + price
        back[t] = np.where(switch < stay, [1, 0], [0, 1])
        total = np.minimum(stay, switch) + costs[t]
    states = np.zeros(len(values), dtype=int)
    states[-1] = int(np.argmin(total))
    for t in range(len(values) - 1, 0, -1):
        states[t - 1] = back[t, states[t]]
    return states.astype(bool)


def _keep_grasps(
    closed: Bool[np.ndarray, " N"],
    times: Float[np.ndarray, " N"],
    points: Float[np.ndarray, "N 21 3"],
    options: GraspOptions,
) -> Bool[np.ndarray, " N"]:
    """Only stretches that are long enough, follow an open hand, begin at a low point and carry the hand somewhere."""
    kept = np.zeros_like(closed)
    edges = np.flatnonzero(np.diff(closed.astype(int), prepend=0, append=0))
    centre = points[:, [_THUMB_TIP, _INDEX_TIP, _MIDDLE_TIP]].mean(axis=1)
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        travel = np.linalg.norm(centre[start:stop] - np.median(centre[start : start + 3], axis=0), axis=-1)
        long = times[stop - 1] - times[start] >= options.min_duration_s
        if start == 0 or not long or np.quantile(travel, 0.95) < options.min_travel_m:
            continue
        low = float(np.median(centre[start : start + 3, 2])) + options.min_rise_m
        since = int(np.searchsorted(times, times[start] - options.before_s))
        before = centre[min(since, start - 1) : start, 2]  # a hand that was lost for longer: where it was last seen
        if before.max() >= low and np.quantile(centre[start:stop, 2], 0.95) >= low:
            kept[start:stop] = True
    return kept


def _hold_through_gaps(closed: Bool[np.ndarray, " T"], seen: np.ndarray) -> Bool[np.ndarray, " T"]:
    """A hand that is lost and found again closed was closed in between."""
    result = closed.copy()
    for before, after in pairwise(seen):
        if closed[before] and closed[after]:
            result[before:after] = True
    return result
