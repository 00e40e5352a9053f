"""Outcomes of one layout are one trial: the interval knows it."""

import numpy as np
import pytest
from scipy.stats import binomtest

from understudy.evaluation.layout_bootstrap import rate_interval_by_layout


def exact(successes, trials):
    found = binomtest(successes, trials).proportion_ci(0.95, method="exact")
    return pytest.approx((found.low, found.high))


def test_one_outcome_a_layout_has_the_exact_interval():
    successes = np.arange(30) < 9
    assert rate_interval_by_layout(successes, range(30)) == exact(9, 30)


def test_copies_of_an_outcome_add_no_trials():
    successes, layouts = np.repeat(np.arange(12) < 6, 5), np.repeat(np.arange(12), 5).tolist()
    assert rate_interval_by_layout(successes, layouts) == exact(6, 12)
    assert rate_interval_by_layout(np.ones(40, dtype=bool), [0, 1] * 20) == exact(2, 2)


def test_layouts_that_differ_as_wholes_are_covered():
    """Rates of layouts are drawn evenly from 0 to 1: the true mean is 0.5, and 95 % of intervals should hold it."""
    rng = np.random.default_rng(3)
    layouts = np.repeat(np.arange(25), 8)
    held = 0
    for _ in range(60):
        low, high = rate_interval_by_layout(rng.random(200) < rng.random(25)[layouts], layouts.tolist())
        held += low <= 0.5 <= high
    assert held >= 54


def test_policies_that_disagree_widen_it():
    layouts, policies = [*range(40)] * 2, [0] * 40 + [1] * 40
    alike = rate_interval_by_layout(np.arange(80) % 2 == 0, layouts, policies)
    apart = rate_interval_by_layout(np.arange(80) < 40, layouts, policies)
    assert apart[0] < alike[0] < alike[1] < apart[1]
