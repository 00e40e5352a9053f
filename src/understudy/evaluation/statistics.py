"""Exact intervals for counts, and the percentiles that tables quote."""

import numpy as np
from jaxtyping import Float
from scipy.stats import beta

__all__ = ["clopper_pearson", "percentile_ignoring_gaps"]


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact two-sided interval for a success rate (Clopper and Pearson, 1934).

    Raises:
        ValueError: unless 0 <= successes <= trials and trials > 0.
    """
    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"{successes} successes of {trials} trials: needs 0 <= successes <= trials, trials > 0")
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, trials - successes + 1))
    high = 1.0 if successes == trials else float(beta.ppf(1 - tail, successes + 1, trials - successes))
    return low, high


def percentile_ignoring_gaps(values: Float[np.ndarray, "*B"], percent: float) -> float:
    """Percentile of the finite values; NaN if there is none."""
    finite = values[np.isfinite(values)]
    return float(np.percentile(finite, percent)) if finite.size else float("nan")
