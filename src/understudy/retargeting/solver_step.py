# ruff: noqa: ANN001, ANN201, ANN202 - numba infers the types; shapes are in the docstrings
"""One step of the solver, compiled: the minimiser of the damped quadratic model within a box and a trust region.

H is factored as L^T L from the last joint to the first: for a tree numbered from the base outwards this fills in
nothing but what the pairs couple (Featherstone, Rigid Body Dynamics Algorithms, ch. 6.5); `fill` lists those columns.
"""

from typing import no_type_check

import numpy as np

from understudy.retargeting.compiled import compiled

__all__ = ["box_step"]

_LEAST_PIVOT = 1e-13
_TRUST = 0.5
"""Largest change of a joint in one step [rad | m]: the linear model is not believed beyond it."""


@compiled
@no_type_check
def _solve_free(tree, H, g, damping, fixed, step, L):
    """Fill the free entries of `step` with the minimiser of the damped model, the fixed ones staying as they are.

    False if the model has none: it is not convex.
    """
    num_joints = len(g)
    for k in range(num_joints):
        if fixed[k]:
            continue
        rhs = -g[k]
        L[k, k] = H[k, k] * (1.0 + damping) + 1e-12
        for c in range(tree.fill_count[k]):
            i = tree.fill[k, c]
            if fixed[i]:
                rhs -= H[k, i] * step[i]
            else:
                L[k, i] = H[k, i]
        step[k] = rhs
    for k in range(num_joints):  # columns above the diagonal: fixed joints further out act on free ones nearer the base
        if fixed[k] and step[k] != 0.0:
            for c in range(tree.fill_count[k]):
                i = tree.fill[k, c]
                if not fixed[i]:
                    step[i] -= H[k, i] * step[k]
    for k in range(num_joints - 1, -1, -1):
        if fixed[k]:
            continue
        if not L[k, k] > _LEAST_PIVOT:
            return False
        pivot = np.sqrt(L[k, k])
        L[k, k] = pivot
        step[k] /= pivot
        for c in range(tree.fill_count[k]):
            i = tree.fill[k, c]
            if not fixed[i]:
                L[k, i] /= pivot
                step[i] -= L[k, i] * step[k]
        for c in range(tree.fill_count[k]):
            i = tree.fill[k, c]
            if fixed[i]:
                continue
            for e in range(c + 1):
                n = tree.fill[k, e]
                if not fixed[n]:
                    L[i, n] -= L[k, i] * L[k, n]
    for k in range(num_joints):
        if fixed[k]:
            continue
        value = step[k]
        for c in range(tree.fill_count[k]):
            i = tree.fill[k, c]
            if not fixed[i]:
                value -= L[k, i] * step[i]
        step[k] = value / L[k, k]
    return True


@compiled
@no_type_check
def box_step(tree, damping, q, lo, hi, work):
    """Step within the box; returns the fall of the cost that the quadratic model predicts, NaN if it is not convex.

    An active-set method: joints that a bound blocks are put on it, those that would leave it again are released, each
    at most once.
    """
    H, g, fixed, released, step, slope = work.H, work.g, work.fixed, work.released, work.step, work.slope
    num_joints = len(q)
    for j in range(num_joints):
        fixed[j] = (q[j] <= lo[j] and g[j] > 0.0) or (q[j] >= hi[j] and g[j] < 0.0)
        released[j], step[j] = False, 0.0
    for _ in range(3 * num_joints):
        if not _solve_free(tree, H, g, damping, fixed, step, work.L):
            return np.nan
        blocked = False
        for j in range(num_joints):
            if fixed[j]:
                continue
            least, most = max(lo[j] - q[j], -_TRUST), min(hi[j] - q[j], _TRUST)
            if step[j] < least:
                fixed[j], step[j], blocked = True, least, True
            elif step[j] > most:
                fixed[j], step[j], blocked = True, most, True
        if blocked:
            continue
        _model_slope(tree, H, g, step, slope)
        worst, strongest = -1, 1e-12
        for j in range(num_joints):
            if fixed[j] and not released[j]:
                low = q[j] + step[j] <= lo[j] or step[j] <= -_TRUST
                pull = -slope[j] if low else slope[j]
                if pull > strongest:
                    worst, strongest = j, pull
        if worst < 0:
            break
        fixed[worst], released[worst] = False, True
    _model_slope(tree, H, g, step, slope)
    predicted = 0.0
    for j in range(num_joints):
        predicted -= 0.5 * step[j] * (g[j] + slope[j])
    return predicted


@compiled
@no_type_check
def _model_slope(tree, H, g, step, slope):
    """Gradient of the quadratic model after the step, g + H s."""
    for k in range(len(g)):
        slope[k] = g[k] + H[k, k] * step[k]
    for k in range(len(g)):
        for c in range(tree.fill_count[k]):
            i = tree.fill[k, c]
            slope[k] += H[k, i] * step[i]
            slope[i] += H[k, i] * step[k]
