# ruff: noqa: ANN001, ANN201 - numba infers the types; shapes are in the docstrings
"""The compiled part of reading the table's state: one call instead of a dozen small ones after every control step."""

from typing import no_type_check

import numpy as np

from understudy.retargeting.compiled import compiled

__all__ = ["movement", "touched"]


@compiled
@no_type_check
def touched(geoms, owners, actor, num_items):
    """Which items (I,) are in contact with the actor: geoms (N,2) of all contacts, owner of every geom (G,)."""
    result = np.zeros(num_items, dtype=np.bool_)
    for n in range(len(geoms)):
        first, second = owners[geoms[n, 0]], owners[geoms[n, 1]]
        if second == actor and first >= 0:
            result[first] = True
        if first == actor and second >= 0:
            result[second] = True
    return result


@compiled
@no_type_check
def movement(xpos, xmat, qvel, bodies, dofs):
    """Positions (O,3), rotations (O,3,3), speed and turn rate (O,2) of bodies (O,) with velocities qvel[dofs] (O,6)."""
    count = len(bodies)
    positions, rotations, rates = np.empty((count, 3)), np.empty((count, 3, 3)), np.zeros((count, 2))
    for n in range(count):
        for i in range(3):
            positions[n, i] = xpos[bodies[n], i]
            rates[n, 0] += qvel[dofs[n, i]] ** 2
            rates[n, 1] += qvel[dofs[n, 3 + i]] ** 2
            for k in range(3):
                rotations[n, i, k] = xmat[bodies[n], 3 * i + k]
    return positions, rotations, np.sqrt(rates)
