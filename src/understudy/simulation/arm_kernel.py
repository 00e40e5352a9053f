# ruff: noqa: ANN001, ANN201, ANN202 - numba infers the types; shapes are in the docstrings
"""The compiled part of the controller: an arm's joints for a pose of its wrist; the equation is in `controller.py`."""

from typing import no_type_check

import numpy as np

from understudy.retargeting.compiled import compiled
from understudy.retargeting.kinematics_kernel import jacobian_column, joint_frames

__all__ = ["ramp", "reach"]


@compiled
@no_type_check
def reach(
    tree, p_goal, R_goal, q, home, low, high, iterations, damping, null_gain, turn_weight, largest_move, tolerance
):
    """Move q (J,), which is changed, until the last joint's site is nearest to the goal.

    tree: parents (J,), kinds (J,), axes (J,3), anchors (J,3), the site at q = 0 (3,) and its rotation (3,3).
    """
    parents, kinds, axes, anchors, p_site, R_site = tree
    num_joints = len(q)
    R, t = np.empty((num_joints, 3, 3)), np.empty((num_joints, 3))
    axis_now, anchor_now = np.empty((num_joints, 3)), np.empty((num_joints, 3))
    J, error = np.empty((6, num_joints)), np.empty(6)
    for _ in range(iterations):
        joint_frames(parents, kinds, axes, anchors, q, R, t, axis_now, anchor_now)
        last = num_joints - 1
        p = R[last] @ p_site + t[last]
        error[:3] = p_goal - p
        error[3:] = _rotation_vector(R_goal @ (R[last] @ R_site).T) * turn_weight
        for j in range(num_joints):
            J[0, j], J[1, j], J[2, j] = jacobian_column(kinds[j], axis_now[j], anchor_now[j], p)
            for i in range(3):
                J[3 + i, j] = turn_weight * axis_now[j, i] if kinds[j] == 0 else 0.0
        size = np.sqrt(np.sum(error**2))
        error *= min(1.0, largest_move / max(size, 1e-9))
        pull = null_gain * (home - q)
        # J^+ e + (I - J^+ J) g = g + J^T (J J^T + d^2 I)^-1 (e - J g)
        step = pull + J.T @ _solve_positive(J @ J.T + damping**2 * np.eye(6), error - J @ pull)
        for j in range(num_joints):
            q[j] = min(max(q[j] + step[j], low[j]), high[j])
        if size < tolerance:
            break


@compiled
@no_type_check
def ramp(start, move, velocity_before, velocity, lead_s, low, high, num_steps):
    """Commands (num_steps,J) that carry `start` on by `move`, led by the servos' lag, within their range.

    The speed of the ramp changes over the first half, so that the lead has no jump.
    """
    commands = np.empty((num_steps, len(start)))
    for i in range(num_steps):
        u = (i + 1) / num_steps
        eased = min(1.0, 2.0 * u)
        for j in range(len(start)):
            lead = lead_s[j] * (velocity_before[j] + (velocity[j] - velocity_before[j]) * eased)
            commands[i, j] = min(max(start[j] + u * move[j] + lead, low[j]), high[j])
    return commands


@compiled
@no_type_check
def _rotation_vector(R):
    """Axis times angle [rad] of R (3,3), angle in [0, pi], through a quaternion (Shepperd 1978)."""
    trace = R[0, 0] + R[1, 1] + R[2, 2]
    q = np.empty(4)
    if trace > 0.0:
        q[0] = 1.0 + trace
        q[1], q[2], q[3] = R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]
    else:
        i = 0
        if R[1, 1] > R[0, 0]:
            i = 1
        if R[2, 2] > R[i, i]:
            i = 2
        j, k = (i + 1) % 3, (i + 2) % 3
        q[0] = R[k, j] - R[j, k]
        q[1 + i] = 1.0 + R[i, i] - R[j, j] - R[k, k]
        q[1 + j], q[1 + k] = R[j, i] + R[i, j], R[k, i] + R[i, k]
    if q[0] < 0.0:
        q = -q
    sine = np.sqrt(q[1] ** 2 + q[2] ** 2 + q[3] ** 2)
    if sine < 1e-12 * q[0]:
        return 2.0 * q[1:] / q[0]
    return q[1:] * (2.0 * np.arctan2(sine, q[0]) / sine)


@compiled
@no_type_check
def _solve_positive(A, b):
    """Solve A x = b for a symmetric positive definite A (N,N), by Cholesky's factors; A is changed."""
    n = len(b)
    x = b.copy()
    for i in range(n):
        for j in range(i + 1):
            total = A[i, j]
            for k in range(j):
                total -= A[i, k] * A[j, k]
            A[i, j] = np.sqrt(total) if i == j else total / A[j, j]
    for i in range(n):
        for k in range(i):
            x[i] -= A[i, k] * x[k]
        x[i] /= A[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            x[i] -= A[k, i] * x[k]
        x[i] /= A[i, i]
    return x
