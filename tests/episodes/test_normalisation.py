import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from understudy.episodes.normalisation import NORMALISATIONS, Normalisation, fit_normalisation
from understudy.errors import UnderstudyError, UnknownName

NAMES = ("x", "y")
HUMAN = np.array([[0.0, 5.0], [1.0, 5.0]])
ROBOT = np.array([[3.0, 5.0], [2.0, 5.0]])


def test_unit_is_equation_12_over_both_sets():
    found = fit_normalisation("unit", [HUMAN, ROBOT], NAMES)
    assert np.allclose(found.apply(HUMAN)[:, 0], [0, 1 / 3])
    assert np.allclose(found.apply(ROBOT)[:, 0], [1, 2 / 3])


def test_symmetric_is_minus_one_to_one():
    found = fit_normalisation("symmetric", [HUMAN, ROBOT], NAMES)
    assert np.allclose(found.apply(np.concatenate([HUMAN, ROBOT]))[:, 0], [-1, -1 / 3, 1, 1 / 3])


def test_gaussian_and_quantile_follow_numpy():
    rows = np.random.default_rng(0).normal(3, 2, (500, 2))
    gaussian = fit_normalisation("gaussian", [rows], NAMES).apply(rows)
    assert np.allclose(gaussian.mean(0), 0, atol=1e-5)
    assert np.allclose(gaussian.std(0), 1, atol=1e-5)
    quantile = fit_normalisation("quantile", [rows], NAMES).apply(rows)
    assert np.allclose(np.quantile(quantile, [0.01, 0.99], axis=0), [[-1, -1], [1, 1]], atol=1e-5)


@pytest.mark.parametrize("kind", NORMALISATIONS)
def test_a_dimension_that_never_changes_stays_finite(kind):
    found = fit_normalisation(kind, [HUMAN, ROBOT], NAMES).apply(HUMAN)
    assert np.ptp(found[:, 1]) == 0
    assert np.isfinite(found).all()


@pytest.mark.parametrize("kind", NORMALISATIONS)
def test_what_a_still_joint_does_beside_its_commands_stays_small(kind):
    found = fit_normalisation(kind, [HUMAN, ROBOT], NAMES).apply(HUMAN + np.array([0.0, 0.02]))
    assert np.abs(found[:, 1]).max() <= 1.001


@given(arrays(np.float64, (7, 2), elements=st.floats(-10, 10)), st.sampled_from(sorted(NORMALISATIONS)))
def test_what_is_applied_can_be_undone_also_after_json(rows, kind):
    fitted = fit_normalisation(kind, [rows], NAMES)
    again = Normalisation.from_json(json.loads(json.dumps(fitted.to_json())), "here")
    assert np.allclose(again.invert(fitted.apply(rows)), rows, atol=1e-5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "no valid rows"),
        ([np.zeros((3, 1))], "set 0 has 1 dimensions, not 2"),
        ([HUMAN, np.array([[np.nan, 0.0]])], "set 1 holds numbers that are not finite"),
    ],
)
def test_what_cannot_be_fitted_is_said(values, message):
    with pytest.raises(UnderstudyError, match=message):
        fit_normalisation("unit", values, NAMES)


def test_unknown_kinds_list_the_valid_ones():
    with pytest.raises(UnknownName, match="symmetric"):
        fit_normalisation("minmax", [HUMAN], NAMES)


@pytest.mark.parametrize("change", [{"scale": [0, 1]}, {"offset": [1]}, {"names": ["x"]}, {"offset": ["a", "b"]}])
def test_damaged_json_names_the_place(change):
    content = fit_normalisation("unit", [HUMAN], NAMES).to_json() | change
    with pytest.raises(UnderstudyError, match=r"policy\.json"):
        Normalisation.from_json(content, "policy.json")
