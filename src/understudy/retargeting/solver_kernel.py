# ruff: noqa: ANN001, ANN201, ANN202 - numba infers the types; shapes are in the docstrings
"""The compiled part of the solver: one frame of box-constrained Levenberg-Marquardt, and the loop over trajectories.

minimise over q in [lo, hi]     sum_m w_m sum_e rho_d(r_me)  +  sum_n w_f max(0, h - z_n)^2
                                + sum_j l_j (q_j - q_prev_j)^2  +  sum_j g_j (q_j - q_rest_j)^2

with r_m = x_a - x_b - v_m for a pair of points (x_b = 0 without a second point) and Huber's rho_d(e) = e^2/2 where
|e| <= d, d (|e| - d/2) beyond. Each step solves H s = -g with the majoriser min(1, d/|e|) in place of rho'' and damping
mu diag(H). Joints that a bound blocks are left out; joints that the step would carry through a bound are put on it and
the rest is solved again. A step is kept only if the cost falls. Work arrays are allocated once per call.

H is factored as L^T L from the last joint to the first: for a tree numbered from the base outwards this fills in
nothing but what the pairs couple (Featherstone, Rigid Body Dynamics Algorithms, ch. 6.5); `fill` lists those columns.
"""

from typing import NamedTuple, no_type_check

import numpy as np

from understudy.retargeting.compiled import compiled
from understudy.retargeting.kinematics_kernel import jacobian_column, joint_frames, place_points

__all__ = ["SOLVED", "Options", "Rows", "Tree", "solve_trajectories"]

SOLVED, NO_HAND, UNSOLVED, OUT_OF_REACH, TOO_FAST = 0, 1, 2, 3, 4
"""The values of `records.FrameStatus`, as plain integers for the compiler."""
_TRUST = 0.5
"""Largest change of a joint in one step [rad | m]: the linear model is not believed beyond it."""


class Tree(NamedTuple):
    """Joints and points, as in `KinematicTree`, and the limits."""

    parents: np.ndarray
    kinds: np.ndarray
    axes: np.ndarray
    anchors: np.ndarray
    point_joints: np.ndarray
    points: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    speed: np.ndarray
    fill: np.ndarray
    """(J, J) columns i < k that are not zero in row k of L; the first `fill_count[k]` are valid."""
    fill_count: np.ndarray


class Rows(NamedTuple):
    """What is compared with the targets, and the constant terms."""

    pairs: np.ndarray
    """(M, 2) points a and b; b = -1 for a position."""
    columns: np.ndarray
    """(M, J) joints that move x_a - x_b; the first `column_count[m]` are valid."""
    roles: np.ndarray
    """(M, J) 1: moves a only, 2: b only, 3: both."""
    column_count: np.ndarray
    huber: np.ndarray
    measured: np.ndarray
    """(M,) 1 for rows whose distance counts as the residual."""
    floor_points: np.ndarray
    smooth: np.ndarray
    rest_weight: np.ndarray
    rest: np.ndarray


class Options(NamedTuple):
    """Numbers of the solver."""

    max_iterations: int
    tolerance: float
    reach_m: float
    floor_m: float
    floor_weight: float


@compiled
@no_type_check
def _cost(tree, rows, options, target, weight, previous, q, R, t, axis, anchor, placed):
    """Move the tree to q and return the cost there."""
    joint_frames(tree.parents, tree.kinds, tree.axes, tree.anchors, q, R, t, axis, anchor)
    place_points(tree.point_joints, tree.points, R, t, placed)
    total = 0.0
    for m in range(len(rows.pairs)):
        if weight[m] == 0.0:
            continue
        a, b, d = rows.pairs[m, 0], rows.pairs[m, 1], rows.huber[m]
        part = 0.0
        for e in range(3):
            r = placed[a, e] - target[m, e]
            if b >= 0:
                r -= placed[b, e]
            size = abs(r)
            part += 0.5 * r * r if size <= d else d * (size - 0.5 * d)
        total += weight[m] * part
    for n in range(len(rows.floor_points)):
        depth = options.floor_m - placed[rows.floor_points[n], 2]
        if depth > 0.0:
            total += options.floor_weight * depth * depth
    for j in range(len(q)):
        step, rest = q[j] - previous[j], q[j] - rows.rest[j]
        total += rows.smooth[j] * step * step + rows.rest_weight[j] * rest * rest
    return total


@compiled
@no_type_check
def _assemble(tree, rows, options, target, weight, previous, q, axis, anchor, placed, H, g, jac):
    """Gradient g and the lower half of the majoriser's Hessian H at the configuration of the last `_cost`."""
    num_joints = len(q)
    for j in range(num_joints):
        for i in range(j + 1):
            H[j, i] = 0.0
        H[j, j] = 2.0 * (rows.smooth[j] + rows.rest_weight[j])
        g[j] = 2.0 * (rows.smooth[j] * (q[j] - previous[j]) + rows.rest_weight[j] * (q[j] - rows.rest[j]))
    for m in range(len(rows.pairs)):
        if weight[m] == 0.0:
            continue
        a, b, d = rows.pairs[m, 0], rows.pairs[m, 1], rows.huber[m]
        rx, ry, rz = placed[a, 0] - target[m, 0], placed[a, 1] - target[m, 1], placed[a, 2] - target[m, 2]
        if b >= 0:
            rx, ry, rz = rx - placed[b, 0], ry - placed[b, 1], rz - placed[b, 2]
        wx = weight[m] * (1.0 if abs(rx) <= d else d / abs(rx))
        wy = weight[m] * (1.0 if abs(ry) <= d else d / abs(ry))
        wz = weight[m] * (1.0 if abs(rz) <= d else d / abs(rz))
        for u in range(rows.column_count[m]):
            j, role = rows.columns[m, u], rows.roles[m, u]
            if role == 2:
                x, y, z = jacobian_column(tree.kinds[j], axis[j], anchor[j], placed[b])
                x, y, z = -x, -y, -z
            else:
                x, y, z = jacobian_column(tree.kinds[j], axis[j], anchor[j], placed[a])
                if role == 3:
                    bx, by, bz = jacobian_column(tree.kinds[j], axis[j], anchor[j], placed[b])
                    x, y, z = x - bx, y - by, z - bz
            jac[u, 0], jac[u, 1], jac[u, 2] = x, y, z
            x, y, z = wx * x, wy * y, wz * z
            g[j] += x * rx + y * ry + z * rz
            for v in range(u + 1):
                H[j, rows.columns[m, v]] += x * jac[v, 0] + y * jac[v, 1] + z * jac[v, 2]
    for n in range(len(rows.floor_points)):
        point = rows.floor_points[n]
        depth = options.floor_m - placed[point, 2]
        if depth > 0.0:
            _assemble_floor(
                tree, 2.0 * options.floor_weight, depth, placed[point], tree.point_joints[point], axis, anchor, H, g
            )


@compiled
@no_type_check
def _assemble_floor(tree, weight, depth, x, joint, axis, anchor, H, g):
    j = joint
    while j >= 0:
        zj = jacobian_column(tree.kinds[j], axis[j], anchor[j], x)[2]
        g[j] -= weight * depth * zj
        i = j
        while i >= 0:
            H[j, i] += weight * zj * jacobian_column(tree.kinds[i], axis[i], anchor[i], x)[2]
            i = tree.parents[i]
        j = tree.parents[j]


@compiled
@no_type_check
def _solve_free(tree, H, g, damping, fixed, step, L):
    """Fill the free entries of `step` with the minimiser of the damped model, the fixed ones staying as they are."""
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
        pivot = np.sqrt(max(L[k, k], 1e-14))
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


@compiled
@no_type_check
def _box_step(tree, H, g, damping, q, lo, hi, fixed, step, L):
    """Step within the box; returns the fall of the cost that the quadratic model predicts."""
    num_joints = len(q)
    for j in range(num_joints):
        fixed[j] = (q[j] <= lo[j] and g[j] > 0.0) or (q[j] >= hi[j] and g[j] < 0.0)
        step[j] = 0.0
    for _ in range(num_joints):
        _solve_free(tree, H, g, damping, fixed, step, L)
        blocked = False
        for j in range(num_joints):
            if fixed[j]:
                continue
            least, most = max(lo[j] - q[j], -_TRUST), min(hi[j] - q[j], _TRUST)
            if step[j] < least:
                fixed[j], step[j], blocked = True, least, True
            elif step[j] > most:
                fixed[j], step[j], blocked = True, most, True
        if not blocked:
            break
    predicted = 0.0
    for k in range(num_joints):
        curve = 0.5 * H[k, k] * step[k]
        for c in range(tree.fill_count[k]):
            i = tree.fill[k, c]
            curve += H[k, i] * step[i]
        predicted -= step[k] * (g[k] + curve)
    return predicted


@compiled
@no_type_check
def _solve_frame(
    tree,
    rows,
    options,
    target,
    weight,
    previous,
    lo,
    hi,
    q,
    trial,
    R,
    t,
    axis,
    anchor,
    placed,
    H,
    L,
    g,
    step,
    jac,
    fixed,
):
    """Improve q in place; returns (cost, iterations, converged). The tree stands at q on return."""
    for j in range(len(q)):
        q[j] = min(max(q[j], lo[j]), hi[j])
    cost = _cost(tree, rows, options, target, weight, previous, q, R, t, axis, anchor, placed)
    damping = 1e-7
    for iteration in range(options.max_iterations):
        _assemble(tree, rows, options, target, weight, previous, q, axis, anchor, placed, H, g, jac)
        accepted, converged = False, False
        while damping < 1e9:
            predicted = _box_step(tree, H, g, damping, q, lo, hi, fixed, step, L)
            converged = predicted <= options.tolerance * cost + 1e-15
            for j in range(len(q)):
                trial[j] = min(max(q[j] + step[j], lo[j]), hi[j])
            new_cost = _cost(tree, rows, options, target, weight, previous, trial, R, t, axis, anchor, placed)
            if new_cost <= cost:
                accepted = True
                break
            if converged:
                break
            damping = max(10.0 * damping, 1e-3)
        if not accepted:  # the tree must stand at q, not at the trial that failed
            _cost(tree, rows, options, target, weight, previous, q, R, t, axis, anchor, placed)
            return cost, iteration + 1, converged
        q[:] = trial
        cost = new_cost
        damping = max(0.1 * damping, 1e-7)
        if converged:
            return cost, iteration + 1, True
    return cost, options.max_iterations, False


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
    R, t = np.empty((num_joints, 3, 3)), np.empty((num_joints, 3))
    axis, anchor, placed = np.empty((num_joints, 3)), np.empty((num_joints, 3)), np.empty((num_points, 3))
    H, L, jac = np.zeros((num_joints, num_joints)), np.zeros((num_joints, num_joints)), np.empty((num_joints, 3))
    vectors = np.empty((8, num_joints))
    q, trial, g, step, previous, lo, hi, best = vectors
    fixed, weight = np.zeros(num_joints, dtype=np.bool_), np.empty(num_rows)
    for b in range(len(targets)):
        frame_weights, frame_dt = weights[b if len(weights) > 1 else 0], dt_s[b if len(dt_s) > 1 else 0]
        previous[:] = seeds[b, 0]
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
                joints[b, f] = previous
                residual[b, f], status[b, f], iterations[b, f] = np.nan, NO_HAND, 0
                continue
            for j in range(num_joints):
                reach = np.inf if fresh else tree.speed[j] * gap
                lo[j], hi[j] = max(tree.lower[j], previous[j] - reach), min(tree.upper[j], previous[j] + reach)
            lowest, count, solved = np.inf, 0, False
            for k in range(seeds.shape[1] if fresh else 1):
                q[:] = seeds[b, k] if fresh else previous
                cost, used, converged = _solve_frame(
                    tree, rows, options, target, weight, previous, lo, hi, q, trial,
                    R, t, axis, anchor, placed, H, L, g, step, jac, fixed,
                )  # fmt: skip
                count += used
                if cost < lowest:
                    lowest, solved = cost, converged
                    best[:] = q
                    residual[b, f] = _residual(rows, target, weight, placed)
            iterations[b, f] = count
            status[b, f] = _judge(tree, options, best, lo, hi, residual[b, f], solved)
            if status[b, f] == SOLVED:
                previous[:] = best
                fresh, gap = False, 0.0
            joints[b, f] = previous


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
