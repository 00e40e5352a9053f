"""Take the object, carry it over its plate, lower it, let go."""

from collections.abc import Iterator

import numpy as np

from understudy.simulation.experts.hands import hand_skill
from understudy.simulation.experts.script import SLOW_M_S, Action, Script
from understudy.simulation.experts.taking import LIFT_M, UP, take
from understudy.simulation.objects import PLATE_TOP
from understudy.simulation.tabletop import Tabletop

__all__ = ["pick_place"]


def pick_place(tabletop: Tabletop) -> Iterator[Action]:
    """Actions that do `pick_place`."""
    skill = hand_skill(tabletop.body.name)
    item = tabletop.layout.item(tabletop.goal.target)
    script = Script(tabletop, skill.rest)
    R = yield from take(script, skill, item)
    # Where the object really sits in the hand decides where the hand must go.
    held = R.T @ (script.target.position - tabletop.data.site("wrist").xpos)
    place = np.array([*tabletop.goal.place_xy, PLATE_TOP + item.half_height + 0.003])
    yield from script.go(script.wrist_for(place + LIFT_M * UP, R, held))
    yield from script.go(script.wrist_for(place, R, held), SLOW_M_S)
    yield from script.wait(2)
    yield from script.grip(skill.grasp[item.kind].posture)
    yield from script.wait(2)
    yield from script.go(script.wrist_for(place + LIFT_M * UP, R, held), SLOW_M_S)
    yield from script.wait(3)
