"""The pieces of the solver by themselves: derivatives by differences, the step against bounded least squares."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from understudy.retargeting.solver import Problem
from understudy.retargeting.solver_model import Work, assemble_at, cost_at
from understudy.retargeting.solver_step import box_step

STEP = 1e-6


def scratch(num_joints, num_points):
    square, vector = (num_joints, num_joints), num_joints
    return Work(
        R=np.empty((vector, 3, 3)), t=np.empty((vector, 3)), axis=np.empty((vector, 3)), anchor=np.empty((vector, 3)),
        placed=np.empty((num_points, 3)), H=np.zeros(square), L=np.zeros(square), jac=np.empty((vector, 3)),
        turned=np.empty((vector, 3)), g=np.empty(vector), step=np.empty(vector), slope=np.empty(vector),
        trial=np.empty(vector), fixed=np.zeros(vector, bool), released=np.zeros(vector, bool),
    )  # fmt: skip


@pytest.fixture
def parts(tree, joint_samples):
    """Rows of every kind: positions, pairs across and along fingers, an axis; Huber inside and beyond its width."""
    this = tree("xarm7_xhand")
    names = ("k4", "k8", "k12", "wrist", "k6")
    sites = np.array([this.site(name) for name in names])
    points = np.concatenate([this.site_positions[sites], this.site_positions[sites[:1]] + [[0.1, 0.0, 0.05]]])
    joints = np.concatenate([this.site_joints[sites], this.site_joints[sites[:1]]])
    n = this.num_joints
    rng = np.random.default_rng(0)
    problem = Problem(
        tree=this,
        point_joints=joints,
        points=points,
        pairs=np.array([[0, -1], [1, -1], [1, 0], [2, 3], [5, 0], [1, 4]]),
        huber_m=np.array([0.5, 0.001, 0.5, np.inf, np.inf, 0.001]),
        measured=np.ones(6, bool),
        smooth=rng.uniform(0, 0.1, n),
        rest_weight=rng.uniform(0, 0.1, n),
        rest=rng.normal(size=n),
        speed_limit=np.full(n, np.inf),
        floor_points=np.array([1, 2]),
        floor_m=5.0,
        floor_weight=0.0,
    )
    q = joint_samples(this, 1, seed=4)[0]
    return problem, rng.normal(0, 0.2, (6, 3)), rng.uniform(0.5, 2, 6), rng.normal(size=n), q


def value_gradient_hessian(problem, targets, weights, previous, q, exact):
    tree, rows, options = problem.compiled()
    work = scratch(len(q), len(problem.points))
    value = cost_at(tree, rows, options, targets, weights, previous, q, work)
    assemble_at(tree, rows, options, targets, weights, previous, q, exact, work)
    return value, work.g.copy(), np.tril(work.H) + np.tril(work.H, -1).T


def test_gradient_and_exact_hessian_are_the_derivatives(parts):
    *fixed, q = parts
    _, gradient, hessian = value_gradient_hessian(*fixed, q, True)
    for j in range(len(q)):
        h = STEP * np.eye(len(q))[j]
        ahead, behind = (value_gradient_hessian(*fixed, q + s, True) for s in (h, -h))
        assert gradient[j] == pytest.approx((ahead[0] - behind[0]) / (2 * STEP), abs=1e-7)
        np.testing.assert_allclose(hessian[:, j], (ahead[1] - behind[1]) / (2 * STEP), atol=1e-6)


def test_the_floors_gradient_is_the_derivative(parts):
    problem, *fixed, q = parts
    problem = replace(problem, floor_weight=3.0)
    _, gradient, _ = value_gradient_hessian(problem, *fixed, q, False)
    for j in range(len(q)):
        h = STEP * np.eye(len(q))[j]
        ahead, behind = (value_gradient_hessian(problem, *fixed, q + s, False)[0] for s in (h, -h))
        assert gradient[j] == pytest.approx((ahead - behind) / (2 * STEP), abs=1e-5)


def test_the_majoriser_is_convex_and_lies_above(parts):
    problem, targets, weights, previous, q = parts
    value, gradient, hessian = value_gradient_hessian(problem, targets, weights, previous, q, False)
    assert np.linalg.eigvalsh(hessian).min() >= -1e-12
    exact = value_gradient_hessian(problem, targets, weights, previous, q, True)
    assert exact[0] == value
    np.testing.assert_array_equal(exact[1], gradient)


@pytest.mark.parametrize("seed", range(12))
def test_the_step_is_the_bounded_minimum_of_the_model(parts, seed):
    problem, targets, weights, previous, q = parts
    tree, rows, options = problem.compiled()
    work = scratch(len(q), len(problem.points))
    cost_at(tree, rows, options, targets, weights, previous, q, work)
    assemble_at(tree, rows, options, targets, weights, previous, q, False, work)
    rng = np.random.default_rng(seed)
    room = rng.choice([0.0, 0.003, 0.1, 10.0], (2, len(q)))
    predicted = box_step(tree, 0.0, q, q - room[0], q + room[1], work)
    hessian = np.tril(work.H) + np.tril(work.H, -1).T
    # min g s + s H s / 2 within bounds is a bounded least squares with the factor of H.
    factor = np.linalg.cholesky(hessian).T
    low, high = np.maximum(-room[0], -0.5), np.minimum(room[1], 0.5)
    free = high > low
    found = lsq_linear(
        factor[:, free], -np.linalg.solve(factor.T, work.g), (low[free], high[free]), method="bvls", tol=1e-14
    )
    expected = np.zeros(len(q))
    expected[free] = found.x
    np.testing.assert_allclose(work.step, expected, atol=1e-7)
    assert predicted == pytest.approx(-(work.g @ expected + 0.5 * expected @ hessian @ expected), rel=1e-6)


def test_a_model_without_a_minimum_has_no_step(parts):
    problem, targets, weights, previous, q = parts
    tree, rows, options = problem.compiled()
    work = scratch(len(q), len(problem.points))
    cost_at(tree, rows, options, targets, weights, previous, q, work)
    assemble_at(tree, rows, options, targets, weights, previous, q, False, work)
    work.H[3, 3] = -1.0
    assert np.isnan(box_step(tree, 0.0, q, q - 1, q + 1, work))
