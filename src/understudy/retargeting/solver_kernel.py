# ruff: noqa: ANN001, ANN201, ANN202 - numba infers the types; shapes are in the docstrings
"""The compiled loops of the solver: Levenberg-Marquardt on one frame, frame after frame, trajectory after trajectory.

A step is kept only if the cost falls; damping rises tenfold where it does not. Scratch arrays are allocated once per
call. The objective is in `solver_model.py`, the step within limits in `solver_step.py`.
"""

from typing import no_type_check

import numpy as np

from understudy.retargeting.compiled import compiled
from understudy.retargeting.solver_model import Work, assemble_at, cost_at
from understudy.retargeting.solver_step import box_step

__all__ = ["SOLVED", "solve_trajectories"]

SOLVED, NO_HAND, UNSOLVED, OUT_OF_REACH, TOO_FAST = 0, 1, 2, 3, 4
"""The values of `records.FrameStatus`, as plain integers for the compiler."""

_CHEAP_ITERATIONS = 2
"""Steps with the majoriser before the exact Hessian, which takes twice as long to make; most frames need no third."""
_LEAST_DAMPING, _MOST_DAMPING = 1e-7, 1e9


@compiled
@no_type_check
def _solve_frame(tree, rows, options, target, weight, previous, lo, hi, q, work):
    """Improve q in place; returns (cost, iterations, converged). The tree stands at q on return."""
    for j in range(len(q)):
        q[j] = min(max(q[j], lo[j]), hi[j])
    cost = cost_at(tree, rows, options, target, weight, previous, q, work)
    damping = _LEAST_DAMPING
    for iteration in range(options.max_iterations):
        exact = iteration >= _CHEAP_ITERATIONS
        assemble_at(tree, rows, options, target, weight, previous, q, exact, work)
        accepted, converged = False, False
        while damping < _MOST_DAMPING:
            predicted = box_step(tree, damping, q, lo, hi, work)
            if exact and not predicted >= 0.0:
                exact = not exact
                assemble_at(tree, rows, options, target, weight, previous, q, exact, work)
                continue
            converged = predicted <= options.tolerance * cost + 1e-15
            for j in range(len(q)):
                work.trial[j] = min(max(q[j] + work.step[j], lo[j]), hi[j])
            new_cost = cost_at(tree, rows, options, target, weight, previous, work.trial, work)
            if new_cost <= cost:
                accepted = True
                break
            if converged:
                break
            damping = max(10.0 * damping, 1e-3)
        if not accepted:  # the tree must stand at q, not at the trial that failed
            cost_at(tree, rows, options, target, weight, previous, q, work)
            return cost, iteration + 1, converged
        _copy(work.trial, q)
        cost = new_cost
        if converged and damping <= 1e-3:
            return cost, iteration + 1, True
        damping = max(0.1 * damping, _LEAST_DAMPING)
    return cost, options.max_iterations, False


@compiled
@no_type_check
def _copy(source, target):
    """A loop in place of target[:] = source, whose checks and messages would take seconds to compile."""
    for j in range(len(source)):
        target[j] = source[j]


@compiled
@no_type_check
def _residual(rows, target, weight, placed):
    """Mean distance of the measured rows from their targets [m]."""
    total, count = 0.0, 0
    for m in range(len(rows.pairs)):
        if weight[m] > 0.0 and rows.measured[m]:
            a, b, square = rows.pairs[m, 0], rows.pairs[m, 1], 0.0
            for e in range(3):
                r = placed[a, e] - target[m, e]
                if b >= 0:
                    r -= placed[b, e]
                square += r * r
            total += np.sqrt(square)
            count += 1
    return total / count if count > 0 else 0.0


@compiled
@no_type_check
def solve_trajectories(tree, rows, options, targets, weights, dt_s, seeds, first, joints, residual, status, iterations):
    """Fill joints (B,T,J), residual, status and iterations (B,T), frame after frame, trajectory after trajectory.

    `targets` (B,T,M,3) may hold NaN; `weights` is (1 or B,T,M); `dt_s` (1 or B,T) the time before each frame;
    `seeds` (B,K,J): the first is where the robot stands, all are tried for the first frame that has a hand. `first` is
    false when the first seed is a frame already solved (a stream).
    """
    num_joints, num_points, num_rows = len(tree.parents), len(tree.points), len(rows.pairs)
    work = Work(
        R=np.empty((num_joints, 3, 3)),
        t=np.empty((num_joints, 3)),
        axis=np.empty((num_joints, 3)),
        anchor=np.empty((num_joints, 3)),
        placed=np.empty((num_points, 3)),
        H=np.zeros((num_joints, num_joints)),
        L=np.zeros((num_joints, num_joints)),
        jac=np.empty((num_joints, 3)),
        turned=np.empty((num_joints, 3)),
        g=np.empty(num_joints),
        step=np.empty(num_joints),
        slope=np.empty(num_joints),
        trial=np.empty(num_joints),
        fixed=np.zeros(num_joints, dtype=np.bool_),
        released=np.zeros(num_joints, dtype=np.bool_),
    )
    q, best, previous = np.empty(num_joints), np.empty(num_joints), np.empty(num_joints)
    lo, hi, weight = np.empty(num_joints), np.empty(num_joints), np.empty(num_rows)
    for b in range(len(targets)):
        frame_weights, frame_dt = weights[b if len(weights) > 1 else 0], dt_s[b if len(dt_s) > 1 else 0]
        _copy(seeds[b, 0], previous)
        fresh, gap = first, 0.0
        for f in range(targets.shape[1]):
            target = targets[b, f]
            gap += frame_dt[f]
            usable = 0.0
            for m in range(num_rows):
                seen = np.isfinite(target[m, 0] + target[m, 1] + target[m, 2])
                weight[m] = frame_weights[f, m] if seen else 0.0
                usable += weight[m]
            if usable == 0.0:
                _copy(previous, joints[b, f])
                residual[b, f], status[b, f], iterations[b, f] = np.nan, NO_HAND, 0
                continue
            for j in range(num_joints):
                reach = np.inf if fresh else tree.speed[j] * gap
                lo[j], hi[j] = max(tree.lower[j], previous[j] - reach), min(tree.upper[j], previous[j] + reach)
            lowest, count, solved = np.inf, 0, fresh
            for k in range(seeds.shape[1] if fresh else 1):
                _copy(seeds[b, k] if fresh else previous, q)
                cost, used, converged = _solve_frame(tree, rows, options, target, weight, previous, lo, hi, q, work)
                count += used
                if cost < lowest:
                    lowest, solved = cost, converged
                    _copy(q, best)
                    residual[b, f] = _residual(rows, target, weight, work.placed)
            iterations[b, f] = count
            status[b, f] = _judge(tree, options, best, lo, hi, residual[b, f], solved)
            if status[b, f] == SOLVED:
                _copy(best, previous)
                fresh, gap = False, 0.0
            _copy(previous, joints[b, f])


@compiled
@no_type_check
def _judge(tree, options, q, lo, hi, residual, solved):
    """Status of a frame: what kept it from its targets, if anything."""
    if not solved or not np.isfinite(residual):
        return UNSOLVED
    if residual <= options.reach_m:
        return SOLVED
    for j in range(len(q)):
        if (q[j] <= lo[j] and lo[j] > tree.lower[j]) or (q[j] >= hi[j] and hi[j] < tree.upper[j]):
            return TOO_FAST
    return OUT_OF_REACH
