"""Hold a bent index finger behind the ball, pointing at the line, and stretch it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from understudy.errors import UnknownName
from understudy.simulation.balls import line_ahead
from understudy.simulation.experts.script import SLOW_M_S, Action, Script, sites_in_wrist
from understudy.simulation.human_pose import hand_rotation
from understudy.simulation.tabletop import Tabletop

__all__ = ["Flick", "flick_ball", "flick_of"]

_ABOVE_M = 0.08
_STRETCH_STEPS = 2
_ROLL_STEPS = 15
_TRIES = 2
_UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Flick:
    """How one robot's hand flicks. The finger meets the ball on its way between two postures, distal bone upright."""

    site: str
    """Tip of the finger."""
    pitch: float
    """How far the wrist's x axis points down [rad]."""
    bent: Float[np.ndarray, " H"]
    """Command of the hand before [rad]."""
    stretched: Float[np.ndarray, " H"]
    """Command of the hand that strikes [rad]."""
    contact: float
    """Share of the way from `bent` to `stretched` at which the ball is met."""
    tip_radius: float
    """Of the finger [m]."""
    tip_z: float
    """Height of the tip above the table when it meets the ball [m]."""


_FLICKS = {
    "xarm7_xhand": Flick(
        site="k8",
        pitch=0.70,
        bent=np.array([0.8, 0.0, 0.2, 0.0, 1.30, 1.25, *np.tile([1.75, 1.7], 3)]),
        stretched=np.array([0.8, 0.0, 0.2, 0.0, 0.30, 0.05, *np.tile([1.75, 1.7], 3)]),
        contact=0.68,
        tip_radius=0.0088,
        tip_z=0.011,
    ),
}


def flick_of(robot: str) -> Flick:
    """How that robot flicks; `UnknownName` lists the robots that can."""
    if robot not in _FLICKS:
        raise UnknownName("robot that flicks", robot, _FLICKS)
    return _FLICKS[robot]


def flick_ball(tabletop: Tabletop) -> Iterator[Action]:
    """Actions that do `flick_ball`."""
    flick = flick_of(tabletop.body.name)
    script, line = Script(tabletop, flick.bent), tabletop.layout.item(tabletop.goal.place)
    for _ in range(_TRIES):
        yield from _strike(script, flick)
        if tabletop.success() or line_ahead(line, script.target.position[:2]) < 0.0:
            break


def _strike(script: Script, flick: Flick) -> Iterator[Action]:
    """One flick from where the ball lies, and a wait until it has crossed its line or stopped."""
    tabletop, ball = script.tabletop, script.target.position.copy()
    way = tabletop.goal.place_position - ball[:2]
    tips = [sites_in_wrist(tabletop, posture, (flick.site,)) for posture in (flick.bent, flick.stretched)]
    # The finger swings in a plane of its own, which is not quite the wrist frame's.
    swing = hand_rotation(0.0, flick.pitch, 0.0) @ (tips[1] - tips[0])
    R = hand_rotation(float(np.arctan2(way[1], way[0]) - np.arctan2(swing[1], swing[0])), flick.pitch, 0.0)
    point = sites_in_wrist(tabletop, flick.bent + flick.contact * (flick.stretched - flick.bent), (flick.site,))
    radius = tabletop.layout.item(tabletop.goal.target).half_width + flick.tip_radius
    meeting = np.array([*(ball[:2] - radius * way / np.linalg.norm(way)), flick.tip_z])
    yield from script.go(script.wrist_for(meeting + _ABOVE_M * _UP, R, point))
    yield from script.grip(flick.bent, 2)
    yield from script.go(script.wrist_for(meeting, R, point), SLOW_M_S)
    yield from script.wait(3)
    yield from script.grip(flick.stretched, _STRETCH_STEPS)
    yield from script.wait(3)
    for _ in range(_ROLL_STEPS):
        if tabletop.success() or script.target.at_rest:
            break
        yield from script.wait(1)
    yield from script.go(script.wrist_for(meeting + _ABOVE_M * _UP, R, point))
