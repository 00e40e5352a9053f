import numpy as np
import pytest

from understudy.episodes.mixture import Mixture
from understudy.errors import UnderstudyError

DRAWS = 4000


def _draws(mixture, seed=0):
    return np.array([mixture.draw(np.random.default_rng([seed, i])) for i in range(DRAWS)])


def test_data_sets_are_drawn_by_weight_and_samples_alike():
    lengths, shares = (2, 50, 4), np.array([0.3, 0.6, 0.1])
    drawn = _draws(Mixture(lengths, tuple(5 * shares)))
    counts = np.histogram(drawn, [0, 2, 52, 56])[0]
    assert (np.abs(counts - DRAWS * shares) < 4 * np.sqrt(DRAWS * shares * (1 - shares))).all()
    within = np.bincount(drawn, minlength=56)[2:52]
    assert within.min() > 0
    assert np.abs(within - counts[1] / 50).max() < 4.5 * np.sqrt(counts[1] / 50)


def test_the_same_generator_draws_the_same():
    mixture = Mixture((5, 5), (1.0, 1.0))
    assert np.array_equal(_draws(mixture), _draws(mixture))
    assert not np.array_equal(_draws(mixture), _draws(mixture, seed=1))


@pytest.mark.parametrize("weights", [(0.0, 1.0), (-1.0, 2.0), (float("nan"), 1.0), (float("inf"), 1.0)])
def test_weights_that_mean_nothing_are_refused(weights):
    with pytest.raises(UnderstudyError, match=r"^weights of data sets must be above 0 and finite: "):
        Mixture((5, 5), weights)


def test_weights_must_be_as_many_as_data_sets():
    with pytest.raises(UnderstudyError, match=r"^2 data sets need as many weights: 1, 2, 3$"):
        Mixture((5, 5), (1.0, 2.0, 3.0))


def test_large_weights_do_not_overflow():
    assert set(_draws(Mixture((1, 1), (1e308, 1e308))).tolist()) == {0, 1}
