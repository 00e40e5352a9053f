# ruff: noqa: ANN001, ANN201 - numba infers the types; shapes are in the docstrings
"""The compiled part of the kinematics; the equations are in `kinematics.py`."""

from typing import no_type_check

import numpy as np

from understudy.retargeting.compiled import compiled

__all__ = ["forward_batch", "jacobian_batch", "jacobian_column", "joint_frames", "place_points"]


@compiled
@no_type_check
def joint_frames(parents, kinds, axes, anchors, q, R, t, axis_now, anchor_now):
    """Fill R (J,3,3), t (J,3), and the axes and anchors where they stand at q (J,3)."""
    for j in range(len(parents)):
        p = parents[j]
        ax, ay, az = axes[j, 0], axes[j, 1], axes[j, 2]
        cx, cy, cz = anchors[j, 0], anchors[j, 1], anchors[j, 2]
        if p < 0:
            for i in range(3):
                axis_now[j, i] = axes[j, i]
                anchor_now[j, i] = anchors[j, i]
        else:
            for i in range(3):
                axis_now[j, i] = R[p, i, 0] * ax + R[p, i, 1] * ay + R[p, i, 2] * az
                anchor_now[j, i] = R[p, i, 0] * cx + R[p, i, 1] * cy + R[p, i, 2] * cz + t[p, i]
        if kinds[j] == 1:
            for i in range(3):
                for k in range(3):
                    R[j, i, k] = (1.0 if i == k else 0.0) if p < 0 else R[p, i, k]
                t[j, i] = (0.0 if p < 0 else t[p, i]) + axis_now[j, i] * q[j]
            continue
        # Rodrigues: Rot(a, q) = cos q I + sin q [a]x + (1 - cos q) a a^T
        s, c = np.sin(q[j]), np.cos(q[j])
        v = 1.0 - c
        r00, r01, r02 = c + v * ax * ax, v * ax * ay - s * az, v * ax * az + s * ay
        r10, r11, r12 = v * ax * ay + s * az, c + v * ay * ay, v * ay * az - s * ax
        r20, r21, r22 = v * ax * az - s * ay, v * ay * az + s * ax, c + v * az * az
        for i in range(3):
            if p < 0:
                x, y, z = (1.0 if i == 0 else 0.0), (1.0 if i == 1 else 0.0), (1.0 if i == 2 else 0.0)
            else:
                x, y, z = R[p, i, 0], R[p, i, 1], R[p, i, 2]
            R[j, i, 0] = x * r00 + y * r10 + z * r20
            R[j, i, 1] = x * r01 + y * r11 + z * r21
            R[j, i, 2] = x * r02 + y * r12 + z * r22
            t[j, i] = anchor_now[j, i] - (R[j, i, 0] * cx + R[j, i, 1] * cy + R[j, i, 2] * cz)


@compiled
@no_type_check
def place_points(point_joints, points, R, t, placed):
    """Fill `placed` (P,3) with the points (P,3), given at q = 0, where their joints carry them."""
    for n in range(len(point_joints)):
        j = point_joints[n]
        for i in range(3):
            if j < 0:
                placed[n, i] = points[n, i]
            else:
                placed[n, i] = (
                    R[j, i, 0] * points[n, 0] + R[j, i, 1] * points[n, 1] + R[j, i, 2] * points[n, 2] + t[j, i]
                )


@compiled
@no_type_check
def jacobian_column(kind, axis, anchor, x):
    """Derivative of point x by one joint's position, as three floats."""
    if kind == 1:
        return axis[0], axis[1], axis[2]
    dx, dy, dz = x[0] - anchor[0], x[1] - anchor[1], x[2] - anchor[2]
    return axis[1] * dz - axis[2] * dy, axis[2] * dx - axis[0] * dz, axis[0] * dy - axis[1] * dx


@compiled
@no_type_check
def forward_batch(parents, kinds, axes, anchors, site_joints, sites, site_rotations, q, positions, rotations):
    """Fill positions (B,S,3) and rotations (B,S,3,3) of sites at q (B,J)."""
    num_joints = len(parents)
    R, t = np.empty((num_joints, 3, 3)), np.empty((num_joints, 3))
    axis_now, anchor_now = np.empty((num_joints, 3)), np.empty((num_joints, 3))
    for b in range(len(q)):
        joint_frames(parents, kinds, axes, anchors, q[b], R, t, axis_now, anchor_now)
        place_points(site_joints, sites, R, t, positions[b])
        for s in range(len(site_joints)):
            j = site_joints[s]
            for i in range(3):
                for k in range(3):
                    total = site_rotations[s, i, k]
                    if j >= 0:
                        total = 0.0
                        for m in range(3):
                            total += R[j, i, m] * site_rotations[s, m, k]
                    rotations[b, s, i, k] = total


@compiled
@no_type_check
def jacobian_batch(parents, kinds, axes, anchors, site_joints, sites, q, result):
    """Fill result (B,S,6,J), zero on entry, with the Jacobians of sites at q (B,J)."""
    num_joints = len(parents)
    R, t = np.empty((num_joints, 3, 3)), np.empty((num_joints, 3))
    axis_now, anchor_now = np.empty((num_joints, 3)), np.empty((num_joints, 3))
    placed = np.empty((len(site_joints), 3))
    for b in range(len(q)):
        joint_frames(parents, kinds, axes, anchors, q[b], R, t, axis_now, anchor_now)
        place_points(site_joints, sites, R, t, placed)
        for s in range(len(site_joints)):
            j = site_joints[s]
            while j >= 0:
                x, y, z = jacobian_column(kinds[j], axis_now[j], anchor_now[j], placed[s])
                result[b, s, 0, j], result[b, s, 1, j], result[b, s, 2, j] = x, y, z
                if kinds[j] == 0:
                    for i in range(3):
                        result[b, s, 3 + i, j] = axis_now[j, i]
                j = parents[j]
