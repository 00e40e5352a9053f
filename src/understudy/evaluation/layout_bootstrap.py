"""An interval for a rate of which several outcomes belong to one layout, and so are no trials of their own."""

from collections.abc import Hashable, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from understudy.evaluation.statistics import clopper_pearson

__all__ = ["rate_interval_by_layout"]

_RESAMPLES = 10_000


def rate_interval_by_layout(
    successes: Bool[np.ndarray, " N"], layouts: Sequence[Hashable], policies: Sequence[Hashable] | None = None
) -> tuple[float, float]:
    """95 % interval of a success rate.

    The exact one where every layout has one outcome. Else a bootstrap that draws layouts with all that belongs to them,
    and of several policies draws policies, too, made as wide as the exact interval of that rate over the layouts: a
    bootstrap of nothing but successes or failures has no width.

    Args:
        successes: at least one outcome.
        layouts: that each outcome belongs to.
        policies: training seeds of one row, which all met the same layouts; None for one.
    """
    of_layout, of_policy = _numbers(layouts), _numbers(policies or [0] * len(layouts))
    num_layouts = int(of_layout.max()) + 1
    expected = float(successes.mean()) * num_layouts
    low = clopper_pearson(int(np.floor(expected + 1e-9)), num_layouts)[0]
    high = clopper_pearson(int(np.ceil(expected - 1e-9)), num_layouts)[1]
    if num_layouts == len(successes):
        return low, high
    drawn = np.nanpercentile(_resampled(successes, of_layout, of_policy), [2.5, 97.5])
    return min(low, float(drawn[0])), max(high, float(drawn[1]))


def _numbers(names: Sequence[Hashable]) -> Int[np.ndarray, " N"]:
    """Each name's number, in order of appearance."""
    order = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names])


def _resampled(
    successes: Bool[np.ndarray, " N"], of_layout: Int[np.ndarray, " N"], of_policy: Int[np.ndarray, " N"]
) -> Float[np.ndarray, " R"]:
    """The rate in every resample; NaN where nothing was drawn that has an outcome."""
    num_layouts, num_policies = int(of_layout.max()) + 1, int(of_policy.max()) + 1
    solved, total = np.zeros((2, num_policies, num_layouts))
    np.add.at(solved, (of_policy, of_layout), successes)
    np.add.at(total, (of_policy, of_layout), 1)
    rng = np.random.default_rng(0)
    counts = rng.multinomial(num_layouts, np.full(num_layouts, 1 / num_layouts), size=_RESAMPLES)
    seeds = rng.integers(num_policies, size=(_RESAMPLES, num_policies))
    k, n = (np.take_along_axis(counts @ table.T, seeds, axis=1).sum(axis=1) for table in (solved, total))
    return np.divide(k, n, out=np.full(_RESAMPLES, np.nan), where=n > 0)
