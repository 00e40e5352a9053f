"""Errors are one line, and stay so when a process hands them to another."""

import pickle

import pytest

from understudy.errors import BadVideo, UnderstudyError, UnknownName


@pytest.mark.parametrize(
    "error", [UnderstudyError("a: b"), BadVideo("c: d"), UnknownName("task", "pul", ["push", "pull"])]
)
def test_errors_travel_between_processes(error):
    arrived = pickle.loads(pickle.dumps(error))
    assert isinstance(arrived, UnderstudyError)
    assert str(arrived) == str(error)


def test_an_unknown_name_lists_the_valid_ones_and_the_nearest():
    assert (
        str(UnknownName("task", "pul", ["push", "pull"]))
        == "unknown task 'pul': did you mean 'pull'? valid: pull, push"
    )
