"""Which fingers act when nothing is held."""

import numpy as np
import pytest

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.retargeting.poke import acting_fingertips, poke_point

FRAMES = 60
CURLED = (1.2, 1.5, 0.8)
TOGETHER = (0.12, -0.10, -0.20)
"""Abduction of index, ring and little finger that closes the gaps between straight fingers [rad]."""


def hand(curled, noise_m=0.0):
    q = np.zeros(20)
    q[[4, 12, 16]] = TOGETHER
    for finger in curled:
        q[4 * finger + 1 : 4 * finger + 4] = CURLED
    keypoints = np.repeat(HandSkeleton().keypoints(q)[None], FRAMES, axis=0)
    return keypoints + np.random.default_rng(0).normal(0, noise_m, keypoints.shape)


@pytest.mark.parametrize("noise_m", [0.0, 0.010])
@pytest.mark.parametrize(
    ("curled", "expected"), [((2, 3, 4), (8,)), ((3, 4), (8, 12)), ((4,), (8, 12, 16)), ((2,), (8,)), ((), (8, 12, 16))]
)
def test_fingers_beside_the_index_act_with_it(curled, expected, noise_m):
    assert acting_fingertips(hand(curled, noise_m)) == expected


def test_the_point_is_the_middle_and_gaps_stay_gaps():
    keypoints = hand((3, 4))
    keypoints[3] = np.nan
    point = poke_point(keypoints)
    np.testing.assert_allclose(point[0], 0.5 * (keypoints[0, 8] + keypoints[0, 12]))
    assert np.isnan(point[3]).all()
