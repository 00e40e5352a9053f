"""Several sources of samples as one, each with a weight."""

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
    """Draws the source of every sample by weight; an epoch has as many samples as all sources together."""

    sources: Sequence[SampleSource]
    weights: Sequence[float]
    """Share of samples from each source, up to a common factor; a weight of 0 leaves a source out."""

    def __post_init__(self) -> None:
        if len(self.sources) != len(self.weights) or not self.sources:
            raise UnderstudyError(f"a mixture of {len(self.sources)} sources needs as many weights: {self.weights}")
        if min(self.weights) < 0 or sum(self.weights) <= 0 or not np.isfinite(self.weights).all():
            raise UnderstudyError(f"weights of a mixture must be finite, not negative and not all 0: {self.weights}")
        for source, weight in zip(self.sources, self.weights, strict=True):
            if weight > 0 and len(source) == 0:
                raise UnderstudyError("a mixture has a source without samples")

    def __len__(self) -> int:
        return sum(len(source) for source, weight in zip(self.sources, self.weights, strict=True) if weight > 0)

    def sample(self, index: int, rng: np.random.Generator) -> Sample:
        """A sample of a source drawn by weight; the index only numbers it."""
        shares = np.asarray(self.weights, dtype=float)
        source = self.sources[rng.choice(len(self.sources), p=shares / shares.sum())]
        return source.sample(int(rng.integers(len(source))), rng)
