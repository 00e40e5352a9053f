"""Set the fingers behind the object and push it straight to its line."""

from collections.abc import Iterator

import numpy as np

from understudy.simulation.experts.hands import hand_skill, use_rotation
from understudy.simulation.experts.script import SLOW_M_S, Action, Script, sites_in_wrist
from understudy.simulation.tabletop import Tabletop

__all__ = ["push"]

_HEIGHT_M = 0.025
_BEHIND_M = 0.05
_ABOVE_M = 0.09
_STEP_M = 0.010
_CORRECTION = 0.5


def push(tabletop: Tabletop) -> Iterator[Action]:
    """Actions that do `push`."""
    skill = hand_skill(tabletop.body.name)
    use = skill.push
    point = use.point if use.point is not None else sites_in_wrist(tabletop, use.posture, use.sites)
    script, R = Script(tabletop, skill.rest), use_rotation(use, 0.0)
    x, y, _ = script.target.position
    half_width = tabletop.layout.item(tabletop.goal.target).half_width
    behind = np.array([x - half_width - _BEHIND_M, y, _HEIGHT_M])
    yield from script.go(script.wrist_for(behind + np.array([0, 0, _ABOVE_M]), R, point))
    yield from script.grip(use.posture)
    yield from script.go(script.wrist_for(behind, R, point), SLOW_M_S)
    goal_x, at = tabletop.goal.place_xy[0], behind.copy()
    while script.target.position[0] < goal_x - 0.004 and at[0] < goal_x + 0.01:
        # Follow the object sideways, so that the push stays behind its centre.
        at = at + np.array([_STEP_M, _CORRECTION * (script.target.position[1] - at[1]), 0.0])
        yield from script.go(script.wrist_for(at, R, point), SLOW_M_S)
    yield from script.wait(2)
    away = at - np.array([0.06, 0.0, 0.0])
    yield from script.go(script.wrist_for(away, R, point), SLOW_M_S)
    yield from script.go(script.wrist_for(away + np.array([0, 0, _ABOVE_M]), R, point))
    yield from script.wait(2)
