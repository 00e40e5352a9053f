# ruff: noqa: ANN001, ANN201, ANN202 - numba infers the types; shapes are in the docstrings
"""The objective of the solver, compiled: its value, gradient and Hessian (or a majoriser of it) at a configuration.

cost(q) = sum_m w_m sum_e rho_d(r_me)  +  sum_n w_f max(0, h - z_n)^2
          + sum_j l_j (q_j - q_prev_j)^2  +  sum_j g_j (q_j - q_rest_j)^2

with r_m = x_a - x_b - v_m for a pair of points (x_b = 0 without a second point) and Huber's rho_d(e) = e^2/2 where
|e| <= d, d (|e| - d/2) beyond. H is one of two. Far from a solution the Gauss-Newton matrix J^T W J with min(1, d/|e|)
in place of rho'', a majoriser whose steps do not overshoot. Near it the exact Hessian, rho'' as it is and the curvature

    sum_m w_m rho'(r_m) . d2 x / dq_i dq_j ,      d2 x / dq_i dq_j = a_i x (dx/dq_j)   for a hinge i at or before j

without which steps along directions that the targets barely determine would not settle.
"""

from typing import NamedTuple, no_type_check

import numpy as np

from understudy.retargeting.compiled import compiled
from understudy.retargeting.kinematics_kernel import jacobian_column, joint_frames, place_points

__all__ = ["Options", "Rows", "Tree", "Work", "assemble_at", "cost_at"]


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


class Work(NamedTuple):
    """Scratch arrays of one call, J joints and P points."""

    R: np.ndarray
    t: np.ndarray
    axis: np.ndarray
    anchor: np.ndarray
    placed: np.ndarray
    """(P, 3) points where they stand."""
    H: np.ndarray
    L: np.ndarray
    jac: np.ndarray
    """(J, 3) derivative of one row."""
    turned: np.ndarray
    """(J, 3) force of one row times the axes."""
    g: np.ndarray
    step: np.ndarray
    slope: np.ndarray
    trial: np.ndarray
    fixed: np.ndarray
    released: np.ndarray


@compiled
@no_type_check
def cost_at(tree, rows, options, target, weight, previous, q, work):
    """Move the tree to q and return the cost there."""
    placed = work.placed
    joint_frames(tree.parents, tree.kinds, tree.axes, tree.anchors, q, work.R, work.t, work.axis, work.anchor)
    place_points(tree.point_joints, tree.points, work.R, work.t, placed)
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
def assemble_at(tree, rows, options, target, weight, previous, q, exact, work):
    """Gradient g and the lower half of H, exact or a majoriser, at the configuration of the last `cost_at`."""
    axis, anchor, placed, H, g, jac = work.axis, work.anchor, work.placed, work.H, work.g, work.jac
    turned = work.turned
    for j in range(len(q)):
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
        fx, fy, fz = wx * rx, wy * ry, wz * rz
        if exact:  # rho'' is 0 beyond d
            wx = wx if abs(rx) <= d else 0.0
            wy = wy if abs(ry) <= d else 0.0
            wz = wz if abs(rz) <= d else 0.0
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
            g[j] += fx * x + fy * y + fz * z
            if exact:
                _add_curvature(tree, rows, m, u, fx, fy, fz, x, y, z, axis, turned, H)
            x, y, z = wx * x, wy * y, wz * z
            for v in range(u + 1):
                H[j, rows.columns[m, v]] += x * jac[v, 0] + y * jac[v, 1] + z * jac[v, 2]
    for n in range(len(rows.floor_points)):
        point = rows.floor_points[n]
        depth = options.floor_m - placed[point, 2]
        if depth > 0.0:
            _assemble_floor(tree, 2.0 * options.floor_weight, depth, point, work)


@compiled
@no_type_check
def _add_curvature(tree, rows, m, u, fx, fy, fz, x, y, z, axis, turned, H):
    """Add f . (a_i x J_u) = J_u . (f x a_i) for the hinges i that carry joint u of row m; `turned` keeps f x a_i."""
    j, role = rows.columns[m, u], rows.roles[m, u]
    hinge = tree.kinds[j] == 0
    turned[u, 0] = fy * axis[j, 2] - fz * axis[j, 1] if hinge else 0.0
    turned[u, 1] = fz * axis[j, 0] - fx * axis[j, 2] if hinge else 0.0
    turned[u, 2] = fx * axis[j, 1] - fy * axis[j, 0] if hinge else 0.0
    for v in range(u + 1):
        if role & rows.roles[m, v]:
            H[j, rows.columns[m, v]] += x * turned[v, 0] + y * turned[v, 1] + z * turned[v, 2]


@compiled
@no_type_check
def _assemble_floor(tree, weight, depth, point, work):
    axis, anchor, x, H, g = work.axis, work.anchor, work.placed[point], work.H, work.g
    j = tree.point_joints[point]
    while j >= 0:
        zj = jacobian_column(tree.kinds[j], axis[j], anchor[j], x)[2]
        g[j] -= weight * depth * zj
        i = j
        while i >= 0:
            H[j, i] += weight * zj * jacobian_column(tree.kinds[i], axis[i], anchor[i], x)[2]
            i = tree.parents[i]
        j = tree.parents[j]
