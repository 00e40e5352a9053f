"""Does one row beat another? Paired: both rows met the same layouts, so what counts is where they differ."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import binomtest

from understudy.evaluation.statistics import clopper_pearson

__all__ = ["Comparison", "compare", "difference_words", "is_separated", "rate_interval", "sign_test"]

_RESAMPLES = 10_000
_LEVEL = 0.05


@dataclass(frozen=True)
class Comparison:
    """Success rate of one row minus that of another, over the same episodes."""

    difference: float
    """-1 to 1."""
    low: float
    """Lower end of the 95 % interval."""
    high: float
    p: float
    """Of the sign test over episodes; McNemar's where either row has one training seed."""
    num_episodes: int
    num_seeds: tuple[int, int]
    """Training seeds of either row."""

    @property
    def separated(self) -> bool:
        """See `is_separated`."""
        return is_separated(self.low, self.high, self.p)

    @property
    def words(self) -> str:
        """The difference in percentage points with its interval, or that there is none to speak of."""
        return difference_words(self.difference, self.low, self.high, self.p)


def is_separated(low: float, high: float, p: float | None) -> bool:
    """Whether two rows differ: the 95 % interval leaves out zero, and the exact test agrees (None: there is none)."""
    return (low > 0 or high < 0) and (p is None or p < _LEVEL)


def difference_words(difference: float, low: float, high: float, p: float | None) -> str:
    """A difference of rates (-1 to 1) in percentage points with its interval, or that there is none to speak of."""
    spread = f"{difference:+.0%} ({low:+.0%} to {high:+.0%})"
    return spread if is_separated(low, high, p) else f"not separated: {spread}"


def sign_test(first: Bool[np.ndarray, "S1 N"], second: Bool[np.ndarray, "S2 N"]) -> float:
    """Two-sided exact p: of the episodes that one row solved with more of its training seeds, each row's share is half.

        p = min(1, 2 P(X <= min(b, c))),  X ~ Binomial(b + c, 1/2)

    with b and c the numbers of episodes in which the first, or the second row has the higher rate. With one training
    seed each this is McNemar's test. Episodes are its trials, never seeds, which all met the same layouts.
    """
    better, worse = _better_and_worse(first, second)
    return float(binomtest(better, better + worse).pvalue) if better + worse else 1.0


def _better_and_worse(first: Bool[np.ndarray, "S1 N"], second: Bool[np.ndarray, "S2 N"]) -> tuple[int, int]:
    """Episodes in which the first row has the higher rate, and in which it has the lower one."""
    difference = first.sum(axis=0) * len(second) - second.sum(axis=0) * len(first)
    return int((difference > 0).sum()), int((difference < 0).sum())


def compare(
    first: Bool[np.ndarray, "S1 N"], second: Bool[np.ndarray, "S2 N"], rng: np.random.Generator | None = None
) -> Comparison:
    """Compare two rows over the same N episodes, each with one or more training seeds.

    The bootstrap draws episodes (the same for both rows) and, within each row, training seeds. Where every resample
    gives the same difference, as rows do that are alike in all episodes, the interval comes from the exact ones of b
    and c of `sign_test`: chance that has not been seen is not excluded.

    Args:
        first: successes of one row, [training seed, episode].
        second: those of the other; episode n is the same initial state.
        rng: of the bootstrap; a fixed one by default, so that a report repeats itself.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    draws = _resampled_rates((first, second), rng)
    low, high = np.percentile(draws[0] - draws[1], [2.5, 97.5])
    if low == high:
        better, worse = (clopper_pearson(k, first.shape[1]) for k in _better_and_worse(first, second))
        low, high = min(low, better[0] - worse[1]), max(high, better[1] - worse[0])
    return Comparison(
        difference=float(first.mean() - second.mean()),
        low=float(low),
        high=float(high),
        p=sign_test(first, second),
        num_episodes=first.shape[1],
        num_seeds=(len(first), len(second)),
    )


def rate_interval(successes: Bool[np.ndarray, "S N"], rng: np.random.Generator | None = None) -> tuple[float, float]:
    """95 % interval of a success rate.

    With one training seed the exact one. With several a bootstrap that draws seeds and episodes anew, made as wide as
    the exact interval of that rate over N episodes, for seeds that agree do not add trials, and a bootstrap of nothing
    but successes or failures has no width.

    Args:
        successes: [training seed, episode].
        rng: of the bootstrap; a fixed one by default, so that a report repeats itself.
    """
    num_seeds, num_episodes = successes.shape
    solved = int(successes.sum())
    low = clopper_pearson(solved // num_seeds, num_episodes)[0]
    high = clopper_pearson(-(-solved // num_seeds), num_episodes)[1]
    if num_seeds == 1:
        return low, high
    rng = np.random.default_rng(0) if rng is None else rng
    drawn = np.percentile(_resampled_rates((successes,), rng)[0], [2.5, 97.5])
    return min(low, float(drawn[0])), max(high, float(drawn[1]))


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
