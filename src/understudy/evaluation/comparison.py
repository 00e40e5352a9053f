"""Does one row beat another? Paired: both rows met the same layouts, so what counts is where they differ."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import binomtest

__all__ = ["Comparison", "bootstrap_rate", "compare", "mcnemar_exact"]

_RESAMPLES = 10_000
_LEVEL = 0.05


@dataclass(frozen=True)
class Comparison:
    """Success rate of one row minus that of another, over the same episodes."""

    difference: float
    """-1 to 1."""
    low: float
    """Lower end of the 95 % bootstrap interval."""
    high: float
    p: float | None
    """Exact McNemar test; None with several training seeds, where its trials would not be independent."""
    num_episodes: int
    num_seeds: tuple[int, int]
    """Training seeds of either row."""

    @property
    def separated(self) -> bool:
        """Whether the interval leaves out zero, and the exact test agrees where there is one."""
        outside = self.low > 0 or self.high < 0
        return outside and (self.p is None or self.p < _LEVEL)

    @property
    def words(self) -> str:
        """The difference in percentage points with its interval, or that there is none to speak of."""
        spread = f"{self.difference:+.0%} ({self.low:+.0%} to {self.high:+.0%})"
        return spread if self.separated else f"not separated: {spread}"


def mcnemar_exact(first: Bool[np.ndarray, " N"], second: Bool[np.ndarray, " N"]) -> float:
    """Two-sided exact p of McNemar's test: of the episodes that only one row solved, each row's share is a half.

        p = min(1, 2 P(X <= min(b, c))),  X ~ Binomial(b + c, 1/2)

    with b and c the numbers of episodes that only the first, or only the second row solved.
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second).pvalue)


def compare(
    first: Bool[np.ndarray, "S1 N"], second: Bool[np.ndarray, "S2 N"], rng: np.random.Generator | None = None
) -> Comparison:
    """Compare two rows over the same N episodes, each with one or more training seeds.

    The bootstrap draws episodes (the same for both rows) and, within each row, training seeds.

    Args:
        first: successes of one row, [training seed, episode].
        second: those of the other; episode n is the same initial state.
        rng: of the bootstrap; a fixed one by default, so that a report repeats itself.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    draws = _resampled_rates((first, second), rng)
    low, high = np.percentile(draws[0] - draws[1], [2.5, 97.5])
    single = len(first) == len(second) == 1
    return Comparison(
        difference=float(first.mean() - second.mean()),
        low=float(low),
        high=float(high),
        p=mcnemar_exact(first[0], second[0]) if single else None,
        num_episodes=first.shape[1],
        num_seeds=(len(first), len(second)),
    )


def bootstrap_rate(successes: Bool[np.ndarray, "S N"], rng: np.random.Generator | None = None) -> tuple[float, float]:
    """95 % interval of a success rate over training seeds and episodes: both are drawn anew."""
    rng = np.random.default_rng(0) if rng is None else rng
    low, high = np.percentile(_resampled_rates((successes,), rng)[0], [2.5, 97.5])
    return float(low), float(high)


def _resampled_rates(rows: tuple[Bool[np.ndarray, "..."], ...], rng: np.random.Generator) -> Float[np.ndarray, "K R"]:
    """Success rate of every row in every resample; the episodes drawn are common to all rows."""
    num_episodes = rows[0].shape[1]
    counts = rng.multinomial(num_episodes, np.full(num_episodes, 1 / num_episodes), size=_RESAMPLES)  # R x N
    rates = []
    for row in rows:
        per_seed = counts @ row.T.astype(float) / num_episodes  # R x S
        drawn = rng.integers(len(row), size=(_RESAMPLES, len(row)))
        rates.append(np.take_along_axis(per_seed, drawn, axis=1).mean(axis=1))
    return np.stack(rates)
