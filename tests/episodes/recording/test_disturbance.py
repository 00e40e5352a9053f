"""Pushes: how often, how far, how smooth, and never near the table."""

import numpy as np
import pytest

from understudy.episodes.recording.disturbance import Disturbance

HIGH, LOW = 0.2, 0.05
STEPS = 20_000
LARGEST_M = 0.035


def offsets(share, heights, seed=0):
    disturbance = Disturbance(share, np.random.default_rng(seed))
    return np.array([disturbance.offset(height) for height in heights])


@pytest.mark.parametrize("share", [0.05, 0.15, 0.4])
def test_the_share_of_disturbed_steps_is_what_was_asked_for(share):
    pushed = (offsets(share, [HIGH] * STEPS) != 0).any(axis=1).mean()
    assert pushed == pytest.approx(share, abs=0.02)


def test_pushes_swell_and_fade():
    size = np.linalg.norm(offsets(0.3, [HIGH] * STEPS), axis=1)
    assert 0.02 < size.max() <= LARGEST_M
    # Half a sine over 4 steps or more rises by less than 0.6 of its height in one of them.
    assert np.abs(np.diff(size)).max() < 0.6 * LARGEST_M


def test_nothing_is_pushed_near_the_table():
    heights = np.tile([HIGH] * 20 + [LOW] * 20, 200)
    pushed = (offsets(0.4, heights) != 0).any(axis=1)
    assert not pushed[heights == LOW].any()
    assert pushed[heights == HIGH].any()


def test_no_share_no_push():
    assert not offsets(0.0, [HIGH] * 1000).any()
