"""Statistics of growing data against NumPy over all of it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.episodes import running_statistics
from understudy.episodes.running_statistics import RunningStatistics
from understudy.episodes.statistics import QUANTILES, number_statistics

EPISODES = st.lists(st.integers(1, 40), min_size=1, max_size=12)


def assert_same(found, right):
    assert set(found) == set(right)
    for key in right:
        np.testing.assert_allclose(found[key], right[key], rtol=1e-9, atol=1e-9, err_msg=key)


@settings(max_examples=60, deadline=None)
@given(lengths=EPISODES, seed=st.integers(0, 2**32 - 1), spread=st.sampled_from([1, 3, 1000]))
def test_every_prefix_has_the_statistics_of_all_its_rows(lengths, seed, spread):
    rng = np.random.default_rng(seed)
    running, rows = RunningStatistics(2, np.dtype(np.float32)), np.empty((0, 2), np.float32)
    small, running_statistics._SMALL = running_statistics._SMALL, 8  # both arrays are used and merged
    try:
        for length in lengths:
            new = rng.integers(-spread, spread, (length, 2)).astype(np.float32) / 4  # with ties
            running.add(new)
            rows = np.concatenate([rows, new])
            assert_same(running.statistics(), number_statistics(rows))
    finally:
        running_statistics._SMALL = small


def test_only_valid_rows_count_once_there_is_one():
    running = RunningStatistics(1, np.dtype(np.float64))
    running.add(np.array([[5.0], [7.0]]), np.zeros(2, bool))
    assert running.statistics()["max"] == 7  # none is valid: all count
    running.add(np.array([[1.0], [9.0]]), np.array([True, False]))
    found = running.statistics()
    assert (found["min"], found["max"], found["count"]) == (1, 1, 1)


def test_truth_values_are_numbers():
    running = RunningStatistics(1, np.dtype(bool))
    running.add(np.array([[True], [False], [True], [True]]))
    found = running.statistics()
    assert (found["mean"], found["q50"], found["min"]) == (0.75, 1, 0)
    assert set(QUANTILES) < set(found)
