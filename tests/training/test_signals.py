"""The first signal is a wish, a later one an order."""

import signal

import pytest

from understudy.training import signals
from understudy.training.signals import StopRequest


def test_the_first_signal_is_noted_and_handlers_are_put_back():
    before = signal.getsignal(signal.SIGTERM)
    with StopRequest() as request:
        assert request.signal is None
        signal.raise_signal(signal.SIGTERM)
        assert request.signal is signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_launcher_that_passes_it_on_is_no_second_wish():
    with StopRequest() as request:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        assert request.signal is signal.SIGINT


@pytest.fixture
def _heard():
    """Jobs that a shell starts in the background ignore SIGINT, and so would the tests in them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_heard")
def test_insisting_interrupts(monkeypatch):
    with StopRequest() as request:
        signal.raise_signal(signal.SIGINT)
        later = signals.time.monotonic() + 60.0
        monkeypatch.setattr(signals.time, "monotonic", lambda: later)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert request.signal is signal.SIGINT
