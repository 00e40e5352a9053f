"""Paired comparisons against sums written out, and against SciPy's own bootstrap."""

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap

from understudy.evaluation.comparison import compare, rate_interval, sign_test

N = 120


def pair(only_first, only_second, both, neither):
    first = np.repeat([True, False, True, False], [only_first, only_second, both, neither])
    second = np.repeat([False, True, True, False], [only_first, only_second, both, neither])
    return first, second


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (5, 5), (9, 2), (0, 6), (15, 40)])
def test_the_sign_test_of_one_seed_each_is_mcnemars_sum_of_a_fair_coins_tail(b, c):
    tail = sum(comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
    rows = [row[None] for row in pair(b, c, 7, 3)]
    assert sign_test(*rows) == pytest.approx(min(1.0, 2 * tail))
    # The same rows from three seeds that agree, or compared with fewer of them, are no further trials.
    assert sign_test(rows[0].repeat(3, axis=0), rows[1].repeat(2, axis=0)) == sign_test(*rows)


def test_the_interval_is_scipys():
    rng = np.random.default_rng(3)
    first, second = rng.random(N) < 0.7, rng.random(N) < 0.5
    found = compare(first[None], second[None])
    difference = first.astype(float) - second
    expected = bootstrap((difference,), np.mean, method="percentile", rng=np.random.default_rng(1)).confidence_interval
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.02)
    assert found.difference == pytest.approx(difference.mean())


def test_pairing_makes_a_small_difference_certain():
    # 10 of 120 more, none fewer: unpaired counts of 70 and 80 of 120 would not be separated.
    found = compare(*(row[None] for row in pair(10, 0, 70, 40)))
    assert found.separated
    assert "not" not in found.words
    assert found.p == pytest.approx(2 / 2**10)


def test_equal_rows_are_not_separated():
    found = compare(*(row[None] for row in pair(12, 9, 60, 39)))
    assert not found.separated
    assert found.words.startswith("not separated")


def test_training_seeds_that_disagree_widen_the_interval():
    good, poor = np.ones(N, dtype=bool), np.zeros(N, dtype=bool)
    steady = np.arange(N) % 2 == 0
    other = np.arange(N) % 10 < 2
    wide = compare(np.stack([good, poor, steady]), other[None])
    narrow = compare(np.stack([steady] * 3), other[None])
    assert wide.num_seeds == (3, 1)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    low, high = rate_interval(np.stack([good, poor, steady]))
    assert low < 0.3
    assert high > 0.7


@pytest.mark.parametrize("solved", [0, 1, 60, 119, N])
@pytest.mark.parametrize("num_seeds", [1, 3])
def test_seeds_that_agree_do_not_narrow_the_exact_interval(solved, num_seeds):
    exact = binomtest(solved, N).proportion_ci(0.95, method="exact")
    low, high = rate_interval((np.arange(N) < solved)[None].repeat(num_seeds, axis=0))
    if num_seeds == 1 or solved in (0, N):
        assert (low, high) == pytest.approx((exact.low, exact.high), abs=1e-9)
    assert low <= exact.low + 1e-9
    assert high >= exact.high - 1e-9


def test_one_success_of_many_seeds_leaves_no_narrower_interval_than_none():
    once = np.zeros((3, N), dtype=bool)
    none_high = rate_interval(once)[1]
    once[1, 7] = True
    low, high = rate_interval(once)
    assert low == 0
    assert high >= none_high


@pytest.mark.parametrize("num_seeds", [1, 3])
def test_few_episodes_that_all_say_the_same_separate_nothing(num_seeds):
    good, poor = np.ones((num_seeds, 4), dtype=bool), np.zeros((num_seeds, 4), dtype=bool)
    found = compare(good, poor)
    assert (found.difference, found.p) == (1.0, 0.125)
    assert found.low < 0 < found.high == 1.0
    assert not found.separated
    alike = compare(good, good)
    assert alike.low < 0 < alike.high
    assert compare(good.repeat(30, axis=1), poor.repeat(30, axis=1)).separated


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(1, 30))
def test_turned_around_it_has_the_other_sign(b, c, both, neither):
    first, second = pair(b, c, both, neither)
    there, back = compare(first[None], second[None]), compare(second[None], first[None])
    assert there.difference == -back.difference
    assert there.p == back.p
    assert there.low == pytest.approx(-back.high)
    assert there.low <= there.difference <= there.high
