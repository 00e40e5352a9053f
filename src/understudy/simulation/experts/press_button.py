"""Bring a fingertip over the cap and press it down."""

from collections.abc import Iterator

import numpy as np

from understudy.simulation.experts.hands import hand_skill, use_rotation
from understudy.simulation.experts.script import SLOW_M_S, Action, Script, sites_in_wrist
from understudy.simulation.objects import BUTTON_TOP, BUTTON_TRAVEL
from understudy.simulation.tabletop import Tabletop

__all__ = ["press_button"]

_ABOVE_M = 0.08


def press_button(tabletop: Tabletop) -> Iterator[Action]:
    """Actions that do `press_button`."""
    skill = hand_skill(tabletop.body.name)
    use = skill.press
    point = use.point if use.point is not None else sites_in_wrist(tabletop, use.posture, use.sites)
    script, R = Script(tabletop, skill.rest), use_rotation(use, 0.0)
    top = np.array([*tabletop.goal.place_xy, BUTTON_TOP])
    above = script.wrist_for(top + np.array([0, 0, _ABOVE_M]), R, point)
    yield from script.go(above)
    yield from script.grip(use.posture)
    yield from script.go(script.wrist_for(top - np.array([0, 0, BUTTON_TRAVEL + 0.004]), R, point), SLOW_M_S)
    yield from script.wait(3)
    yield from script.go(above)
