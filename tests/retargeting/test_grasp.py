"""Grasps are found where there are some, through noise, and nowhere else."""

import numpy as np
import pytest

from understudy.retargeting.grasp import aperture_m, detect_grasps

NOISE_M = 0.010


def everything(t):
    return np.ones(len(t), bool)


@pytest.mark.parametrize("noise", [0.0, 0.005, NOISE_M])
@pytest.mark.parametrize("yaw", [-1.2, 0.4, 2.5])
def test_a_grasp_is_found_through_noise(pick_and_place, noise, yaw):
    for seed in range(3):
        t, keypoints, held = pick_and_place(noise, seed, yaw)
        grasps = detect_grasps(keypoints, everything(t), t)
        assert len(grasps.intervals) == 1
        assert (grasps.closed != held).sum() <= 7  # a third of a second at both ends together
        assert grasps.open_m - grasps.closed_m == pytest.approx(0.036, abs=0.01)
        assert grasps.confidence[held].mean() > 0.5


def test_what_does_not_change_or_does_not_travel_is_no_grasp(pick_and_place, pointing):
    t, keypoints, _ = pick_and_place()
    rigid = np.repeat(keypoints[:1], len(t), axis=0) + (keypoints[:, :1] - keypoints[:1, :1])
    assert not detect_grasps(rigid, everything(t), t).found
    in_place = keypoints - keypoints[:, :1]
    assert not detect_grasps(in_place, everything(t), t).found
    t, keypoints = pointing([0, 1, 2, 3], [(0.4, 0.1, 0.2), (0.5, 0, 0.03), (0.6, 0, 0.03), (0.4, 0.1, 0.2)])
    grasps = detect_grasps(keypoints, everything(t), t)
    assert not grasps.found
    assert np.isnan(grasps.open_m)
    assert not grasps.confidence.any()


def test_noise_alone_is_no_grasp(pointing):
    t, keypoints = pointing([0, 1, 2, 3], [(0.4, 0.1, 0.2), (0.5, 0, 0.03), (0.6, 0, 0.03), (0.4, 0.1, 0.2)])
    found = 0
    for seed in range(10):
        noisy = keypoints + np.random.default_rng(seed).normal(0, NOISE_M, keypoints.shape)
        found += detect_grasps(noisy, everything(t), t).found
    assert found == 0


def test_a_hand_lost_on_its_way_down_grasps_all_the_same(pick_and_place):
    """Nothing is seen for longer than is looked back: the last that was seen was high above."""
    t, keypoints, held = pick_and_place()
    start = int(np.flatnonzero(held)[0])
    seen = everything(t)
    seen[5:start] = False
    assert t[start] - t[4] > 1.25
    grasps = detect_grasps(keypoints, seen, t)
    assert len(grasps.intervals) == 1
    assert grasps.closed[held].mean() > 0.9


def test_a_hand_lost_while_holding_still_holds(pick_and_place):
    t, keypoints, held = pick_and_place()
    middle = int(np.flatnonzero(held).mean())
    valid = everything(t)
    valid[middle : middle + 6] = False
    keypoints[~valid] = np.nan
    grasps = detect_grasps(keypoints, valid, t)
    assert len(grasps.intervals) == 1
    assert grasps.closed[middle : middle + 6].all()
    assert not grasps.confidence[middle : middle + 6].any()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_frames_hold_nothing(pick_and_place, count):
    t, keypoints, _ = pick_and_place()
    valid = np.arange(len(t)) < count
    assert not detect_grasps(keypoints, valid, t).found


def test_aperture_is_measured_between_thumb_and_two_fingers():
    points = np.zeros((1, 21, 3))
    points[0, 4], points[0, 8], points[0, 12] = [0, 0, 0], [0.03, 0.04, 0.01], [0.03, 0.04, -0.01]
    assert aperture_m(points)[0] == pytest.approx(0.05)
