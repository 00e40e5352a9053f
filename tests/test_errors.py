"""Errors are one line, and stay so when a process hands them to another."""

import pickle

import pytest

from understudy.errors import BadVideo, NoHand, PromptError, UnderstudyError, UnknownName


@pytest.mark.parametrize(
    "error",
    [UnderstudyError("a: b"), BadVideo("c: d"), UnknownName("task", "pul", ["push", "pull"]), NoHand("e: f")],
)
def test_errors_travel_between_processes(error):
    arrived = pickle.loads(pickle.dumps(error))
    assert isinstance(arrived, UnderstudyError)
    assert str(arrived) == str(error)


def test_a_video_without_a_hand_is_a_prompt_that_cannot_be_followed_and_a_damaged_one_is_not():
    """From workers, too: whether an episode failed or the run stops is decided there."""
    assert isinstance(pickle.loads(pickle.dumps(NoHand("a: b"))), BadVideo)
    assert isinstance(pickle.loads(pickle.dumps(NoHand("a: b"))), PromptError)
    assert not isinstance(BadVideo("c: d"), PromptError)


def test_an_unknown_name_lists_the_valid_ones_and_the_nearest():
    assert (
        str(UnknownName("task", "pul", ["push", "pull"]))
        == "unknown task 'pul': did you mean 'pull'? valid: pull, push"
    )
