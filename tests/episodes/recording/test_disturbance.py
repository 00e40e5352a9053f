"""Pushes: how often, how far, how smooth, and never near the table; sideways until something is taken."""

import numpy as np
import pytest

from understudy.episodes.recording.disturbance import Disturbance, Sideways

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


def sideways(share, travels, touches, seed=0):
    pushes = Sideways(share, np.random.default_rng(seed))
    across = np.array([0.6, -0.8, 0.0])
    made = [
        pushes.offset(across, travels=bool(on_way), touches=bool(t)) for on_way, t in zip(travels, touches, strict=True)
    ]
    size = np.array(made) @ across
    np.testing.assert_allclose(made, size[:, None] * across, atol=1e-12)
    return size


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_the_open_hand_is_pushed_to_either_side_in_the_share_that_was_asked_for(share):
    size = sideways(share, [True] * STEPS, [False] * STEPS)
    assert (size != 0).mean() == pytest.approx(share, abs=0.02)
    assert (size[size != 0] > 0).mean() == pytest.approx(0.5, abs=0.1)
    assert 0.04 < np.abs(size).max() <= 0.045


def test_a_hand_that_waits_is_not_pushed_nor_is_one_that_has_touched():
    travels = np.tile([True] * 20 + [False] * 5, 100)
    size = sideways(0.5, travels, [False] * len(travels))
    assert size[travels].any()
    assert not size[~travels].any()
    touches = np.arange(len(travels)) == 1000
    size = sideways(0.5, travels, touches)
    assert size[:1000].any()
    assert not size[1000:].any(), "nor once it lets go"
