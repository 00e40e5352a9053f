"""Take the object at its centre, lift, carry, lower, let go; try again if it is not in the hand."""

from collections.abc import Iterator

import numpy as np

from understudy.simulation.experts.hands import hand_skill, use_rotation
from understudy.simulation.experts.script import SLOW_M_S, Action, Script
from understudy.simulation.objects import PLATE_TOP
from understudy.simulation.tabletop import Tabletop

__all__ = ["pick_place"]

_ABOVE_M = 0.10
_LIFT_M = 0.12
_TRIES = 3
_UP = np.array([0.0, 0.0, 1.0])


def pick_place(tabletop: Tabletop) -> Iterator[Action]:
    """Actions that do `pick_place`."""
    skill = hand_skill(tabletop.body.name)
    item = tabletop.layout.item(tabletop.goal.target)
    use, closed = skill.grasp[item.kind], skill.closed[item.kind]
    script = Script(tabletop, skill.rest)
    assert use.point is not None
    half_height = item.half_height
    for _ in range(_TRIES):
        position = script.target.position.copy()
        R_object = script.target.rotation
        yaw = float(np.arctan2(R_object[1, 0], R_object[0, 0])) if item.flat else 0.0
        R = use_rotation(use, yaw)
        grasp = script.wrist_for(position, R, use.point)
        above = script.wrist_for(position + _ABOVE_M * _UP, R, use.point)
        yield from script.go(above)
        yield from script.grip(use.posture, 2)
        yield from script.go(grasp, SLOW_M_S)
        yield from script.wait(2)
        yield from script.grip(closed)
        yield from script.wait(2)
        yield from script.go(script.wrist_for(position + _LIFT_M * _UP, R, use.point), SLOW_M_S)
        if script.target.position[2] > half_height + 0.05:
            break
        yield from script.grip(use.posture, 3)
    # Where the object really sits in the hand decides where the hand must go.
    held = R.T @ (script.target.position - tabletop.data.site("wrist").xpos)
    place = np.array([*tabletop.goal.place_xy, PLATE_TOP + half_height + 0.003])
    yield from script.go(script.wrist_for(place + _LIFT_M * _UP, R, held))
    yield from script.go(script.wrist_for(place, R, held), SLOW_M_S)
    yield from script.wait(2)
    yield from script.grip(use.posture)
    yield from script.wait(2)
    yield from script.go(script.wrist_for(place + _LIFT_M * _UP, R, held), SLOW_M_S)
    yield from script.wait(3)
