"""Targets past contact: how far, where, and where not."""

import numpy as np
import pytest

from understudy.retargeting.contact import press_through, squeeze_fingertips, wrist_frames
from understudy.retargeting.grasp import aperture_m

PRESS = [(0.4, 0.1, 0.2), (0.5, 0.0, 0.1), (0.5, 0.0, 0.03), (0.5, 0.0, 0.03), (0.5, 0.0, 0.1), (0.4, 0.1, 0.2)]
PUSH = [(0.4, 0.1, 0.2), (0.4, 0.0, 0.1), (0.4, 0.0, 0.03), (0.6, 0.0, 0.03), (0.6, 0.0, 0.1), (0.4, 0.1, 0.2)]
STOPS = [0, 1, 1.5, 2, 2.5, 3.5]


def test_squeezing_brings_thumb_and_fingers_together_by_the_stated_amount(pick_and_place):
    _, keypoints, held = pick_and_place()
    squeezed = squeeze_fingertips(keypoints, held, 0.03)
    change = aperture_m(keypoints) - aperture_m(squeezed)
    np.testing.assert_allclose(change[held], 0.03, atol=1e-12)
    np.testing.assert_array_equal(squeezed[~held], keypoints[~held])
    assert aperture_m(squeeze_fingertips(keypoints, held, 1.0))[held] == pytest.approx(0.0, abs=1e-12)


def test_a_press_goes_deeper_only_around_its_lowest_point(pointing):
    t, keypoints = pointing(STOPS, PRESS)
    lowered, count = press_through(keypoints, 0.012, 0.1)
    drop = keypoints[:, 8, 2] - lowered[:, 8, 2]
    assert count == 1
    np.testing.assert_allclose(drop[(t > 1.5) & (t < 2.0)], 0.012)
    np.testing.assert_array_equal(drop[keypoints[:, 8, 2] > 0.081], 0.0)
    np.testing.assert_array_equal(lowered[..., :2], keypoints[..., :2])


def test_pushes_and_hands_that_start_low_are_not_pressed(pointing):
    for stops, path in ((STOPS, PUSH), ([0, 1, 2], [(0.4, 0.1, 0.02), (0.5, 0, 0.2), (0.5, 0, 0.02)])):
        _, keypoints = pointing(stops, path)
        lowered, count = press_through(keypoints, 0.012, 0.1)
        assert count == 0
        np.testing.assert_array_equal(lowered, keypoints)


def test_a_dip_in_the_air_is_a_gesture(pointing):
    _, keypoints = pointing(STOPS, [(x, y, z + 0.1) for x, y, z in PRESS])
    assert press_through(keypoints, 0.012, 0.1)[1] == 0


def test_presses_are_found_across_gaps(pointing):
    t, keypoints = pointing(STOPS, PRESS)
    keypoints[(t > 0.4) & (t < 0.7)] = np.nan
    lowered, count = press_through(keypoints, 0.012, 0.1)
    assert count == 1
    np.testing.assert_array_equal(np.isnan(lowered), np.isnan(keypoints))


def test_wrist_frames_of_gaps_and_lines_are_nan(pick_and_place):
    _, keypoints, _ = pick_and_place()
    keypoints[3] = np.nan
    keypoints[5] = 0.1
    defined = np.isfinite(wrist_frames(keypoints)).all(axis=(1, 2))
    assert list(np.flatnonzero(~defined)) == [3, 5]
