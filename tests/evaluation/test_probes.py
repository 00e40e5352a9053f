import numpy as np
import pytest

from understudy.errors import UnderstudyError
from understudy.evaluation.probes import fit_linear_probe, probe_class


def _data(rng, count, weights, noise=0.0):
    z = rng.normal(3, 2, (count, len(weights)))
    return z, z @ weights + rng.normal(0, noise, (count, weights.shape[1])) if noise else z @ weights


def test_a_linear_truth_is_read_off_exactly():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(6, 2))
    z, y = _data(rng, 50, weights)
    assert np.abs(fit_linear_probe(*_data(rng, 200, weights))(z) - y).max() < 1e-2


def test_the_weights_are_those_of_ridge_regression_in_the_primal():
    rng = np.random.default_rng(1)
    z, y = _data(rng, 60, rng.normal(size=(5, 1)), noise=2.0)
    probe = fit_linear_probe(z, y)
    unit = (z - z.mean(0)) / z.std(0)
    primal = np.linalg.solve(unit.T @ unit + probe.penalty * np.eye(5), unit.T @ (y - y.mean(0)))
    assert np.allclose(probe.weights, primal)


def test_more_numbers_than_examples_do_not_memorise():
    """Where nothing is to be read off, the penalty grows until the mean is what is said."""
    rng = np.random.default_rng(2)
    z, y = rng.normal(size=(120, 400)), rng.normal(size=(120, 1))
    probe = fit_linear_probe(z, y)
    assert probe.penalty >= 1e3
    assert np.square(probe(rng.normal(size=(200, 400))) - y.mean()).mean() < 0.2 * y.var()


def test_classes_that_can_be_told_apart_are():
    rng = np.random.default_rng(3)
    centres = rng.normal(0, 3, (4, 10))

    def draw(count):
        labels = rng.integers(0, 4, count)
        return centres[labels] + rng.normal(0, 0.5, (count, 10)), np.array(["a", "b", "c", "d"])[labels]

    assert probe_class(draw(100), draw(60)) == (60, 60)


def test_numbers_that_tell_nothing_give_chance():
    rng = np.random.default_rng(4)
    sets = [(rng.normal(size=(count, 30)), rng.integers(0, 4, count)) for count in (200, 400)]
    found, of = probe_class(*sets)
    assert 0.15 * of < found < 0.35 * of


def test_constant_numbers_are_left_alone():
    z = np.ones((20, 3))
    assert np.allclose(fit_linear_probe(z, np.arange(20.0)[:, None])(z), 9.5)


def test_what_cannot_be_fitted_is_said():
    with pytest.raises(UnderstudyError, match="at least 10 examples"):
        fit_linear_probe(np.ones((4, 2)), np.ones((4, 1)))
    with pytest.raises(UnderstudyError, match="finite"):
        fit_linear_probe(np.full((20, 2), np.nan), np.ones((20, 1)))
