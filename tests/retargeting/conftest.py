"""A synthetic person whose motion is known exactly, and the robots' trees."""

import functools

import numpy as np
import pytest
from hypothesis import settings
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from understudy.embodiments import get_embodiment
from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.retargeting.actions import kinematic_tree

settings.register_profile("steady", deadline=None)
settings.load_profile("steady")

FPS = 20.0
SKELETON = HandSkeleton()
PALM_DOWN = np.diag([1.0, -1.0, -1.0])
"""Hand pointing along x with the palm down."""


@functools.cache
def pinch_posture(aperture_m):
    """Joints that bring the thumb's tip within `aperture_m` of the middle of index and middle finger's tips."""
    limits = SKELETON.limits.T
    start = np.clip(np.r_[0.2, 0.4, 0.3, 0.3, np.tile([0, 0.7, 0.6, 0.3], 4)], *limits)

    def residual(q):
        k = SKELETON.keypoints(q)
        across = 0.5 * (k[8] + k[12]) - k[4]
        size = np.linalg.norm(across)
        return np.r_[(size - aperture_m) / 1e-3, (k[8] - k[12]) @ across / size / 2e-3, (q - start) / 0.5]

    return least_squares(residual, start, bounds=limits).x


def ramp(t, start, stop):
    share = np.clip((t - start) / (stop - start), 0, 1)
    return share**2 * (3 - 2 * share)


def along(t, times, points):
    points = np.array(points, float)
    return points[0] + sum(
        (b - a) * ramp(t, t0, t1)[:, None]
        for a, b, t0, t1 in zip(points[:-1], points[1:], times[:-1], times[1:], strict=True)
    )


def turned(keypoints, centre, path, yaw=0.0, pitch=0.9):
    """Keypoints (T, 21, 3) turned, with `centre` (T, 3) put on `path` (T, 3)."""
    R = Rotation.from_euler("ZY", [yaw, pitch]).as_matrix() @ PALM_DOWN
    return (keypoints - centre[:, None]) @ R.T + path[:, None]


@pytest.fixture
def pick_and_place():
    """Function of noise [m], seed and yaw: times, keypoints, and the frames in which a thing of 50 mm is held."""

    def make(noise=0.0, seed=0, yaw=0.0):
        t = np.arange(0, 6.5, 1 / FPS)
        stops = [0, 1, 1.6, 2.1, 2.9, 4.0, 4.7, 5.2, 6.0]
        a, b = (0.42, 0.10), (0.55, -0.15)
        path = [(0.40, 0.2, 0.2), (*a, 0.12), (*a, 0.03), (*a, 0.03), (*a, 0.18), (*b, 0.18), (*b, 0.03), (*b, 0.03)]
        closing = ramp(t, 1.6, 2.0) - ramp(t, 4.8, 5.2)
        apertures = np.linspace(0.064, 0.100, 5)
        postures = np.stack([pinch_posture(float(d)) for d in apertures])
        d = 0.100 - 0.036 * closing
        k = SKELETON.keypoints(np.stack([np.interp(d, apertures, column) for column in postures.T], axis=-1))
        centre = 0.25 * (k[:, 8] + k[:, 12]) + 0.5 * k[:, 4]
        k = turned(k, centre, along(t, stops, [*path, (*b, 0.15)]), yaw)
        return t, k + np.random.default_rng(seed).normal(0, noise, k.shape), closing > 0.5

    return make


@pytest.fixture
def pointing():
    """Function of stops [s] and way-points [m]: times and keypoints of a pointing hand whose index tip follows them."""

    def make(stops, points):
        t = np.arange(0, stops[-1] + 0.3, 1 / FPS)
        q = np.zeros(20)
        q[1:4] = 0.6, 0.8, 0.6
        for finger in (2, 3, 4):
            q[4 * finger + 1 : 4 * finger + 4] = 1.2, 1.5, 0.8
        k = np.repeat(SKELETON.keypoints(q)[None], len(t), axis=0)
        return t, turned(k, k[:, 8], along(t, stops, points))

    return make


@pytest.fixture(scope="session")
def tree():
    """Function of a robot's name: its kinematic tree."""
    return functools.cache(lambda robot: kinematic_tree(get_embodiment(robot)))


@pytest.fixture
def joint_samples():
    """Function of a tree and a count: joint positions within the limits."""

    def make(tree, count, seed=0):
        low, high = np.maximum(tree.lower, -2.5), np.minimum(tree.upper, 2.5)
        return np.random.default_rng(seed).uniform(low, high, (count, tree.num_joints))

    return make
