"""Each term, lowered to rows, has the value of its equation."""

import numpy as np
import pytest

from understudy.retargeting.solver import solve
from understudy.retargeting.terms import (
    FingerPairs,
    FingertipVectors,
    Floor,
    KeypointPositions,
    RestPosture,
    SiteAxis,
    SitePosition,
    Smoothness,
    WristPose,
    assemble,
)

TIPS = (4, 8, 12)


def cost(problem, targets, weights, q):
    """Sum of the rows' losses at q, from the compiled problem's own points."""
    tree = problem.tree
    positions = points_at(problem, q)
    total = 0.0
    for (a, b), d, v, w in zip(problem.pairs, problem.huber_m, targets[0], weights[0], strict=True):
        e = np.abs(positions[a] - (positions[b] if b >= 0 else 0.0) - v)
        total += w * np.where(e <= d, e**2 / 2, min(d, 1e9) * (e - min(d, 1e9) / 2)).sum()
    assert tree.num_joints == len(q)
    return total


def points_at(problem, q):
    """Where the problem's points stand at q, by the kinematics of its sites' joints."""
    tree = problem.tree
    moved = []
    for joint, point in zip(problem.point_joints, problem.points, strict=True):
        carriers = np.flatnonzero(tree.site_joints == joint)
        here, R = (a[carriers[0]] for a in tree.forward(q))
        zero, R_zero = tree.site_positions[carriers[0]], tree.site_rotations[carriers[0]]
        moved.append(here + R @ R_zero.T @ (point - zero))
    return np.stack(moved)


@pytest.fixture
def scene(tree, joint_samples):
    this = tree("xarm7_xhand")
    return this, joint_samples(this, 1, seed=5)[0], np.random.default_rng(6)


def lowered(tree, term):
    zero = np.zeros(tree.num_joints)
    problem, targets, weights = assemble(
        tree, [term], smoothness=Smoothness(0.0), rest=RestPosture(0.0, zero), speed_limit=np.full(len(zero), np.inf)
    )
    return problem, targets, weights


def huber(e, d):
    e = np.abs(e)
    return np.where(e <= d, e**2 / 2, d * (e - d / 2)).sum()


def test_keypoint_positions(scene):
    tree, q, rng = scene
    y, w = rng.normal(0.3, 0.1, (1, 3, 3)), (2.0, 3.0, 5.0)
    x = tree.forward(q)[0]
    expected = sum(wi * huber(x[tree.site(f"k{i}")] - yi, 0.04) for i, yi, wi in zip(TIPS, y[0], w, strict=True))
    assert cost(*lowered(tree, KeypointPositions(TIPS, y, w, 0.04)), q) == pytest.approx(expected)


def test_fingertip_vectors_are_scaled(scene):
    tree, q, rng = scene
    v = rng.normal(0, 0.1, (1, 3, 3))
    x = tree.forward(q)[0]
    wrist = x[tree.site("wrist")]
    expected = 7 * sum(huber(x[tree.site(f"k{i}")] - wrist - 1.3 * vi, 0.05) for i, vi in zip(TIPS, v[0], strict=True))
    assert cost(*lowered(tree, FingertipVectors(TIPS, v, 7.0, 1.3)), q) == pytest.approx(expected)


def test_finger_pairs_point_from_the_first_to_the_second(scene):
    tree, q, rng = scene
    v, w = rng.normal(0, 0.1, (1, 2, 3)), np.array([[4.0, 6.0]])
    x = tree.forward(q)[0]
    expected = sum(
        wi * huber(x[tree.site(f"k{b}")] - x[tree.site("k4")] - vi, 0.05)
        for b, vi, wi in zip((8, 12), v[0], w[0], strict=True)
    )
    assert cost(*lowered(tree, FingerPairs(((4, 8), (4, 12)), v, w)), q) == pytest.approx(expected)


def test_wrist_pose_is_position_and_frobenius_distance(scene):
    tree, q, rng = scene
    p, R = (a[tree.site("wrist")] for a in tree.forward(q))
    T = np.eye(4)[None].copy()
    T[0, :3, :3] = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    T[0, :3, 3] = rng.normal(size=3)
    expected = 2 * np.sum((p - T[0, :3, 3]) ** 2) / 2 + 3 * 0.2**2 * np.sum((R - T[0, :3, :3]) ** 2) / 2
    assert cost(*lowered(tree, WristPose(T, 2.0, 3.0, 0.2)), q) == pytest.approx(expected)


def test_site_position_and_axis(scene):
    tree, q, _ = scene
    p, R = (a[tree.site("k8")] for a in tree.forward(q))
    place, u = np.array([[0.4, 0.1, 0.2]]), np.array([[0.6, 0.0, -0.8]])
    problem = lowered(tree, SitePosition("k8", place, 5.0))
    assert cost(*problem, q) == pytest.approx(5 * np.sum((p - place[0]) ** 2) / 2)
    problem = lowered(tree, SiteAxis("k8", (0.0, 1.0, 0.0), u, 5.0, 0.3))
    assert cost(*problem, q) == pytest.approx(5 * 0.3**2 * np.sum((R[:, 1] - u[0]) ** 2) / 2)


def test_the_floor_holds_and_smoothness_and_rest_pull(scene, tree):
    this = tree("xarm7_gripper")
    home = np.array([0.0, -0.15, 0.0, 1.05, 0.0, 1.2, 0.0, 0.02, 0.02])
    below = np.array([[0.45, 0.0, -0.05]])
    settings = {"speed_limit": np.full(9, np.inf), "rest": RestPosture(1e-4, home)}
    problem, targets, weights = assemble(
        this,
        [SitePosition("tcp", below, 10.0)],
        smoothness=Smoothness(1e-4),
        floor=Floor(("tcp", "k4"), 0.01),
        **settings,
    )
    solution = solve(problem, targets, weights, np.zeros(1), home[None])
    height = this.forward(solution.joints[0])[0][[this.site("tcp"), this.site("k4")], 2]
    assert height.min() > 0.009
    free, targets, weights = assemble(this, [SitePosition("tcp", below, 10.0)], smoothness=Smoothness(1e-4), **settings)
    assert (
        this.forward(solve(free, targets, weights, np.zeros(1), home[None]).joints[0])[0][this.site("tcp"), 2] < -0.045
    )
    stiff, targets, weights = assemble(this, [SitePosition("tcp", below, 10.0)], smoothness=Smoothness(1e6), **settings)
    np.testing.assert_allclose(solve(stiff, targets, weights, np.zeros(1), home[None]).joints[0], home, atol=1e-3)
