"""Training samples by index, and several data sets of them in one run, each with a weight."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from understudy.errors import UnderstudyError

__all__ = ["Mixture", "Sample", "SampleSource"]

Sample = dict[str, np.ndarray]
"""Named arrays of one training sample; every sample of a source has the same names and shapes."""


@runtime_checkable
class SampleSource(Protocol):
    """Samples by index. All chance comes from the generator, so that the same (index, generator) is the same sample."""

    def __len__(self) -> int:
        """Number of indices in an epoch."""
        ...

    def sample(self, index: int, rng: np.random.Generator) -> Sample:
        """One sample: a pure function of `index` and the state of `rng`."""
        ...


@dataclass(frozen=True)
class Mixture:
    """Several data sets that lie one after another as one, drawn by weight instead of one after another."""

    lengths: Sequence[int]
    """Number of samples in each."""
    weights: Sequence[float]
    """Share of draws from each, up to a common factor."""

    def __post_init__(self) -> None:
        if len(self.lengths) != len(self.weights):
            raise UnderstudyError(f"{len(self.lengths)} data sets need as many weights: {_said(self.weights)}")
        if not all(0 < weight < np.inf for weight in self.weights):
            raise UnderstudyError(f"weights of data sets must be above 0 and finite: {_said(self.weights)}")

    def draw(self, rng: np.random.Generator) -> int:
        """Index of a sample among all: the data set by weight, the sample alike among those of the set."""
        shares = np.asarray(self.weights, dtype=float) / max(self.weights)  # sums of large weights may overflow
        chosen = int(rng.choice(len(shares), p=shares / shares.sum()))
        return sum(self.lengths[:chosen]) + int(rng.integers(self.lengths[chosen]))


def _said(weights: Sequence[float]) -> str:
    return ", ".join(f"{weight:g}" for weight in weights)
