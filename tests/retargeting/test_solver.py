"""The solver against SciPy's optimisers and against what every status must mean."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from understudy.embodiments import get_embodiment
from understudy.records import FrameStatus
from understudy.retargeting.solver import Problem, SolverOptions, Stream, solve, solve_batch

TIPS = ("k4", "k8", "k12", "k16")
FRAMES = 25
DT_S = 0.05
EXACT = SolverOptions(tolerance=1e-12, max_iterations=300, reach_m=np.inf)


def tip_problem(tree, **changes):
    """Fingertips and the wrist's x axis; a little of every other term."""
    sites = np.array([tree.site(name) for name in (*TIPS, "wrist", "wrist")])
    points = tree.site_positions[sites].copy()
    points[-1] += 0.1 * tree.site_rotations[sites[-1]][:, 0]
    problem = Problem(
        tree=tree,
        point_joints=tree.site_joints[sites],
        points=points,
        pairs=np.array([[0, -1], [1, -1], [2, -1], [3, -1], [1, 0], [5, 4]]),
        huber_m=np.array([0.02, 0.02, np.inf, 0.02, 0.01, np.inf]),
        measured=np.array([True] * 4 + [False] * 2),
        smooth=np.full(tree.num_joints, 4e-3),
        rest_weight=np.full(tree.num_joints, 1e-3),
        rest=np.zeros(tree.num_joints),
        speed_limit=np.full(tree.num_joints, np.inf),
        options=EXACT,
    )
    return replace(problem, **changes)


def row_values(problem, q):
    """x_a - x_b of every row, from the tree's own forward kinematics."""
    sites = [problem.tree.site(name) for name in (*TIPS, "wrist")]
    positions, rotations = problem.tree.forward(q)
    points = np.concatenate([positions[sites], [positions[sites[-1]] + 0.1 * rotations[sites[-1]][:, 0]]])
    return np.stack([points[a] - (points[b] if b >= 0 else 0.0) for a, b in problem.pairs])


def cost(problem, targets, weights, previous, q):
    """The objective, written out again."""
    e = np.abs(row_values(problem, q) - targets)
    d = problem.huber_m[:, None]
    rho = np.where(e <= d, e**2 / 2, np.where(np.isinf(d), 0.0, d) * (e - np.where(np.isinf(d), 0.0, d) / 2))
    z = problem.tree.forward(q)[0][[problem.tree.site(n) for n in (*TIPS, "wrist")], 2]
    low = np.maximum(problem.floor_m - z[problem.floor_points], 0.0)
    joint = problem.smooth * (q - previous) ** 2 + problem.rest_weight * (q - problem.rest) ** 2
    return float((weights[:, None] * rho).sum() + problem.floor_weight * (low**2).sum() + joint.sum())


def wave(tree, home, frames=FRAMES, size=0.15):
    """A smooth motion within the limits."""
    rng = np.random.default_rng(1)
    phase = np.arange(frames)[:, None] * DT_S * rng.uniform(1, 4, tree.num_joints) + rng.uniform(0, 6, tree.num_joints)
    return np.clip(home + size * np.sin(phase), tree.lower + 0.02, tree.upper - 0.02)


@pytest.fixture
def setting(tree):
    this = tree("xarm7_allegro")
    home = np.clip(get_embodiment("xarm7_allegro").home + np.r_[np.zeros(7), np.full(16, 0.4)], this.lower, this.upper)
    problem = tip_problem(this)
    q = wave(this, home)
    targets = np.stack([row_values(problem, frame) for frame in q])
    targets += np.random.default_rng(2).normal(0, 0.004, targets.shape)
    return problem, targets, np.ones(targets.shape[:2]), np.arange(FRAMES) * DT_S, q


def test_no_other_optimiser_finds_less(setting):
    problem, targets, weights, time_s, q = setting
    solution = solve(problem, targets, weights, time_s, q[:1])
    assert (solution.status == FrameStatus.OK).all()
    bounds = list(zip(problem.tree.lower, problem.tree.upper, strict=True))
    for t in range(1, FRAMES, 6):
        previous = solution.joints[t - 1]

        def objective(x, t=t, previous=previous):
            return cost(problem, targets[t], weights[t], previous, x)

        ours = objective(solution.joints[t])
        found = minimize(
            objective, previous, method="L-BFGS-B", bounds=bounds, options={"maxfun": 20_000, "ftol": 1e-14}
        )
        assert ours <= found.fun * (1 + 1e-6)


def test_gradient_vanishes_but_at_active_limits(setting):
    problem, targets, weights, time_s, q = setting
    middle, half = 0.5 * (q.min(0) + q.max(0)), np.maximum(0.5 * np.ptp(q, axis=0) - 0.05, 0.01)
    tight = replace(problem.tree, lower=middle - half, upper=middle + half)
    problem = replace(problem, tree=tight, floor_points=np.array([0, 1]), floor_m=0.18, floor_weight=50.0)
    solution = solve(problem, targets, weights, time_s, np.clip(q[:1], tight.lower, tight.upper))
    at_limit = 0
    for t in range(1, FRAMES, 8):
        x, previous = solution.joints[t], solution.joints[t - 1]
        step = 1e-6 * np.eye(len(x))
        gradient = np.array(
            [
                (
                    cost(problem, targets[t], weights[t], previous, x + h)
                    - cost(problem, targets[t], weights[t], previous, x - h)
                )
                / 2e-6
                for h in step
            ]
        )
        low, high = x <= tight.lower + 1e-9, x >= tight.upper - 1e-9
        assert np.abs(gradient[~low & ~high]).max() < 1e-4
        assert (gradient[low] > -1e-4).all()
        assert (gradient[high] < 1e-4).all()
        at_limit += int((low | high).sum())
    assert at_limit > 5


@given(st.integers(0, 2**32 - 1))
def test_limits_hold_for_any_target(tree, seed):
    this = tree("xarm7_xhand")
    rng = np.random.default_rng(seed)
    speed = rng.uniform(0.1, 3.0, this.num_joints)
    problem = tip_problem(this, speed_limit=speed, options=SolverOptions(reach_m=np.inf, tolerance=1e-3))
    targets = rng.normal(0, rng.choice([0.1, 1.0, 100.0]), (6, 6, 3))
    start = np.clip(rng.normal(size=this.num_joints), this.lower, this.upper)
    solution = solve(problem, targets, np.ones((6, 6)), np.arange(6) * DT_S, start[None])
    assert (solution.joints >= this.lower - 1e-12).all()
    assert (solution.joints <= this.upper + 1e-12).all()
    done = np.flatnonzero(solution.status == FrameStatus.OK)
    steps = np.abs(np.diff(solution.joints[done], axis=0))
    assert (steps <= speed * DT_S * np.diff(done)[:, None] + 1e-9).all()


def test_the_pattern_of_zeros_loses_nothing(setting):
    # The factor is kept sparse along the tree; pairs of fingers couple branches. A dense pattern must give the same.
    problem, targets, weights, time_s, q = setting
    sparse = solve(problem, targets, weights, time_s, q[:1])
    everything = replace(
        problem,
        pairs=np.concatenate([problem.pairs, [[a, b] for a in range(4) for b in range(4) if a != b]]),
        huber_m=np.concatenate([problem.huber_m, np.ones(12)]),
        measured=np.concatenate([problem.measured, np.zeros(12, bool)]),
    )
    more = np.concatenate([targets, np.zeros((FRAMES, 12, 3))], axis=1)
    dense = solve(everything, more, np.concatenate([weights, np.full((FRAMES, 12), 1e-300)], axis=1), time_s, q[:1])
    assert everything.compiled()[0].fill_count.sum() > problem.compiled()[0].fill_count.sum()
    np.testing.assert_allclose(dense.joints, sparse.joints, atol=1e-6)


def test_stream_batch_and_single_agree(setting):
    problem, targets, weights, time_s, q = setting
    single = solve(problem, targets, weights, time_s, q[:1])
    stream = Stream(problem, q[0])
    frames = np.stack([stream.step(targets[t], weights[t], DT_S) for t in range(FRAMES)])
    np.testing.assert_allclose(frames, single.joints, atol=1e-9)
    assert stream.residual_m == pytest.approx(single.residual_m[-1])
    both = np.stack([targets, targets[::-1]])
    starts = np.stack([q[:1], q[-1:]])
    batch = solve_batch(problem, both, weights[None], np.full((1, FRAMES), DT_S), starts)
    np.testing.assert_array_equal(batch.joints[0], single.joints)
    backwards = solve(problem, targets[::-1].copy(), weights, time_s, q[-1:])
    np.testing.assert_array_equal(batch.joints[1], backwards.joints)


def test_residual_is_the_mean_distance_of_the_measured_rows(setting):
    problem, targets, weights, time_s, q = setting
    solution = solve(problem, targets, weights, time_s, q[:1])
    expected = [
        np.linalg.norm(row_values(problem, joints) - target, axis=-1)[:4].mean()
        for joints, target in zip(solution.joints, targets, strict=True)
    ]
    np.testing.assert_allclose(solution.residual_m, expected, atol=1e-12)


def test_gaps_hold_the_last_command_and_rows_may_be_missing(setting):
    problem, targets, weights, time_s, q = setting
    targets = targets.copy()
    targets[8:12] = np.nan
    targets[15, 2] = np.nan
    solution = solve(problem, targets, weights, time_s, q[:1])
    assert list(np.flatnonzero(solution.status != FrameStatus.OK)) == [8, 9, 10, 11]
    assert (solution.status[8:12] == FrameStatus.NO_HAND).all()
    np.testing.assert_array_equal(solution.joints[8:12], np.repeat(solution.joints[7:8], 4, axis=0))
    assert np.isnan(solution.residual_m[8:12]).all()
    assert np.isfinite(solution.residual_m[15])
    assert (solution.iterations[8:12] == 0).all()


def test_out_of_reach_and_too_fast_are_told_apart(setting):
    problem, targets, weights, time_s, q = setting
    problem = replace(problem, speed_limit=np.full(problem.tree.num_joints, 4.0), options=SolverOptions(reach_m=0.03))
    far, teleport = targets.copy(), targets.copy()
    far[10:14, :4] += [2.0, 0.0, 0.0]
    solution = solve(problem, far, weights, time_s, q[:1])
    assert (solution.status[:10] == FrameStatus.OK).all()
    assert set(solution.status[10:14]) <= {FrameStatus.OUT_OF_REACH, FrameStatus.TOO_FAST}
    assert solution.residual_m[10:14].min() > 1.0
    np.testing.assert_array_equal(solution.joints[10:14], np.repeat(solution.joints[9:10], 4, axis=0))
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    teleport[10:] = teleport[10:] @ turn.T
    solution = solve(problem, teleport, weights, time_s, q[:1])
    assert (solution.status[10:13] == FrameStatus.TOO_FAST).all()
    assert (solution.status[20:] == FrameStatus.OK).all()
    slow = replace(problem, speed_limit=np.full(problem.tree.num_joints, np.inf))
    millimetres = solve(slow, 1000 * targets, weights, time_s, q[:1])
    assert (millimetres.status == FrameStatus.OUT_OF_REACH).all()
    np.testing.assert_array_equal(millimetres.joints, np.repeat(q[:1], FRAMES, axis=0))


def test_an_unfinished_search_is_unsolved(setting):
    problem, targets, weights, time_s, q = setting
    hasty = replace(problem, options=SolverOptions(max_iterations=1, tolerance=1e-12, reach_m=np.inf))
    solution = solve(hasty, targets + 0.05, weights, time_s, q[:1])
    assert (solution.status == FrameStatus.UNSOLVED).all()
    np.testing.assert_array_equal(solution.joints, np.repeat(q[:1], FRAMES, axis=0))


def test_infinite_targets_are_no_targets(setting):
    problem, targets, weights, time_s, q = setting
    targets = targets.copy()
    targets[3] = np.inf
    solution = solve(problem, targets, weights, time_s, q[:1])
    assert solution.status[3] == FrameStatus.NO_HAND
    assert (np.delete(solution.status, 3) == FrameStatus.OK).all()
