"""Take the object at its centre and lift it; try again if it is not in the hand."""

from collections.abc import Generator

import numpy as np
from jaxtyping import Float

from understudy.simulation.experts.hands import HandSkill, use_rotation
from understudy.simulation.experts.script import SLOW_M_S, Action, Script
from understudy.simulation.layout import Item

__all__ = ["LIFT_M", "UP", "take"]

LIFT_M = 0.12
"""How far an object is lifted [m]."""
UP = np.array([0.0, 0.0, 1.0])
_ABOVE_M = 0.10
_TRIES = 3


def take(script: Script, skill: HandSkill, item: Item) -> Generator[Action, None, Float[np.ndarray, "3 3"]]:
    """Actions that take `item`; returns R_base_wrist, with which it is held."""
    use, closed = skill.grasp[item.kind], skill.closed[item.kind]
    assert use.point is not None
    for _ in range(_TRIES):
        position = script.target.position.copy()
        R_object = script.target.rotation
        yaw = float(np.arctan2(R_object[1, 0], R_object[0, 0])) if item.flat else 0.0
        R = use_rotation(use, yaw)
        grasp = script.wrist_for(position, R, use.point)
        above = script.wrist_for(position + _ABOVE_M * UP, R, use.point)
        yield from script.go(above)
        yield from script.grip(use.posture, 2)
        yield from script.go(grasp, SLOW_M_S)
        yield from script.wait(2)
        yield from script.grip(closed)
        yield from script.wait(2)
        yield from script.go(script.wrist_for(position + LIFT_M * UP, R, use.point), SLOW_M_S)
        if script.target.position[2] > item.half_height + 0.05:
            break
        yield from script.grip(use.posture, 3)
    return R
