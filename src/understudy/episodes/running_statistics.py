"""Exact statistics of a feature over a growing data set, at a cost per episode that hardly grows with it.

Sums give mean and standard deviation (merged as in Chan, Golub and LeVeque 1979). Quantiles need order: all values are
kept in two sorted arrays, a large and a small one, and the r-th smallest of both together is found by bisection. The
small array is merged into the large one when it has reached 1/16 of it, so that N values are sorted O(log N) times.
"""

import numpy as np
from jaxtyping import Bool, Int, Shaped

from understudy.episodes.statistics import QUANTILES, Statistics

__all__ = ["RunningStatistics", "SortedColumns"]

_SMALL = 256
"""The small array is not merged before it has this many rows."""
_SHARE = 16


class SortedColumns:
    """Rows of n numbers, each column kept in order. Memory: the values, in their own type."""

    def __init__(self, width: int, dtype: np.dtype) -> None:
        self._large = np.empty((width, 0), dtype)
        self._small = np.empty((width, 0), dtype)
        self._new: list[np.ndarray] = []

    def add(self, rows: Shaped[np.ndarray, "T n"]) -> None:
        """Add rows; they are sorted when next asked for."""
        self._new.append(np.ascontiguousarray(rows.T))

    def ranked(self, ranks: Int[np.ndarray, " R"]) -> Shaped[np.ndarray, "R n"]:
        """The values of those ranks in each column; 0 is the smallest."""
        self._settle()
        a, b = self._large, self._small
        if not a.shape[1]:
            return b[:, ranks].T
        if not b.shape[1]:
            return a[:, ranks].T
        k = np.broadcast_to(ranks, (len(a), len(ranks)))
        low, high = np.maximum(k - b.shape[1], 0), np.minimum(k, a.shape[1])
        # i of the k smallest come from a: the least i with b[k - i - 1] <= a[i].
        while (low < high).any():
            i = (low + high) // 2  # here i < high, so a[i] and b[k - i - 1] exist
            enough = _taken(b, k - i - 1) <= _taken(a, i)
            high = np.where((low < high) & enough, i, high)
            low = np.where((low < high) & ~enough, i + 1, low)
        from_a, from_b = _taken(a, low), _taken(b, k - low)
        merged = np.where(from_a < from_b, from_a, from_b)
        return np.where(low >= a.shape[1], from_b, np.where(k - low >= b.shape[1], from_a, merged)).T

    def _settle(self) -> None:
        if self._new:
            self._small = np.sort(np.concatenate([self._small, *self._new], axis=1), axis=1)
            self._new = []
        if self._small.shape[1] > max(_SMALL, self._large.shape[1] // _SHARE):
            self._large = np.sort(np.concatenate([self._large, self._small], axis=1), axis=1)
            self._small = self._small[:, :0]


class RunningStatistics:
    """Statistics of a numeric feature over the rows added so far: the valid ones, or all where none is valid."""

    def __init__(self, width: int, dtype: np.dtype) -> None:
        self._shape = (width, np.dtype(np.uint8) if dtype.kind == "b" else dtype)
        self._valid = _Summary(*self._shape)
        self._all: _Summary | None = _Summary(*self._shape)  # only until a valid row has come

    def add(self, values: Shaped[np.ndarray, "T n"], valid: Bool[np.ndarray, " T"] | None = None) -> None:
        """Add an episode."""
        if values.dtype == bool:
            values = values.astype(np.uint8)
        kept = values if valid is None else values[valid]
        if len(kept):
            self._valid.add(kept)
            self._all = None
        elif self._all is not None:
            self._all.add(values)

    def statistics(self) -> Statistics:
        """What `number_statistics` says of all rows together."""
        return (self._all or self._valid).statistics()


class _Summary:
    """Count, mean, sum of squared deviations, and all values in order."""

    def __init__(self, width: int, dtype: np.dtype) -> None:
        self._count = 0
        self._mean, self._squares = np.zeros(width), np.zeros(width)
        self._columns = SortedColumns(width, dtype)

    def add(self, values: Shaped[np.ndarray, "T n"]) -> None:
        x, n = values.astype(np.float64), len(values)
        mean = x.mean(0)
        total, shift = self._count + n, mean - self._mean
        self._squares += ((x - mean) ** 2).sum(0) + shift**2 * self._count * n / total
        self._mean = self._mean + shift * n / total
        self._count = total
        self._columns.add(values)

    def statistics(self) -> Statistics:
        place = np.array(list(QUANTILES.values())) * (self._count - 1)
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, self._count - 1)
        ranks = np.concatenate([[0, self._count - 1], below, above])
        ranked = self._columns.ranked(ranks).astype(np.float64)
        first, second = ranked[2 : 2 + len(place)], ranked[2 + len(place) :]
        quantiles = first + (place - below)[:, None] * (second - first)
        result = {
            "min": ranked[0],
            "max": ranked[1],
            "mean": self._mean.copy(),
            "std": np.sqrt(self._squares / self._count),
            "count": np.array([self._count]),
        }
        return result | dict(zip(QUANTILES, quantiles, strict=True))


def _taken(values: Shaped[np.ndarray, "n M"], places: Int[np.ndarray, "n R"]) -> Shaped[np.ndarray, "n R"]:
    """Values at those places, the last or first one where a place lies outside."""
    return np.take_along_axis(values, np.clip(places, 0, values.shape[1] - 1), axis=1)
