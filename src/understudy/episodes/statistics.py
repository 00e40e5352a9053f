"""Exact statistics of a feature: minimum, maximum, mean, standard deviation, count and five quantiles.

Numbers are summarised from the values themselves, over valid rows only. Images are summarised from a histogram of
all their pixels: 256 levels per channel hold everything, so that a video of any length gives exact quantiles in
constant memory. Quantiles are interpolated linearly between neighbours, as `numpy.quantile` does.
"""

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped, UInt8

__all__ = ["QUANTILES", "PixelHistogram", "number_statistics"]

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}

Statistics = dict[str, np.ndarray]
"""min, max, mean, std, count and the quantiles; each of the feature's shape, or (3, 1, 1) for images; count is (1,)."""


def number_statistics(values: Shaped[np.ndarray, "T n"], valid: Bool[np.ndarray, " T"] | None = None) -> Statistics:
    """Statistics over the valid rows (all rows where none is marked valid), in the units of `values`."""
    if valid is not None and valid.any():
        values = values[valid]
    x = values.astype(np.float64)
    result = {"min": x.min(0), "max": x.max(0), "mean": x.mean(0), "std": x.std(0), "count": np.array([len(x)])}
    return result | dict(zip(QUANTILES, np.quantile(x, list(QUANTILES.values()), axis=0), strict=True))


class PixelHistogram:
    """Counts of the 256 levels of each channel over all pixels seen."""

    def __init__(self, counts: Int[np.ndarray, "3 256"] | None = None, num_frames: int = 0) -> None:
        self.counts: Int[np.ndarray, "3 256"] = np.zeros((3, 256), dtype=np.int64) if counts is None else counts
        self.num_frames = num_frames

    def add(self, frame: UInt8[np.ndarray, "H W 3"]) -> None:
        """Count one frame."""
        for channel in range(3):
            self.counts[channel] += np.bincount(frame[..., channel].ravel(), minlength=256)
        self.num_frames += 1

    def merge(self, other: "PixelHistogram") -> None:
        """Count everything that `other` has counted."""
        self.counts += other.counts
        self.num_frames += other.num_frames

    def statistics(self) -> Statistics:
        """Statistics of pixels scaled to [0, 1]; `count` is the number of frames."""
        levels = np.arange(256) / 255
        total = self.counts.sum(1)
        mean = self.counts @ levels / total
        variance = (self.counts * (levels - mean[:, None]) ** 2).sum(1) / total
        present = self.counts > 0
        low, high = levels[present.argmax(1)], levels[255 - present[:, ::-1].argmax(1)]
        result = {"min": low, "max": high, "mean": mean, "std": np.sqrt(variance)}
        result |= {name: self._quantile(share) for name, share in QUANTILES.items()}
        return {name: value.reshape(3, 1, 1) for name, value in result.items()} | {"count": np.array([self.num_frames])}

    def _quantile(self, share: float) -> Float[np.ndarray, "3"]:
        cumulative = self.counts.cumsum(1)
        place = share * (cumulative[:, -1] - 1)  # rank of the wanted value among the sorted pixels, from 0
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, cumulative[:, -1] - 1)
        # The value of rank r is the first level whose cumulative count exceeds r.
        first, second = ((cumulative <= rank[:, None]).sum(1) / 255 for rank in (below, above))
        return np.asarray(first + (place - below) * (second - first))
