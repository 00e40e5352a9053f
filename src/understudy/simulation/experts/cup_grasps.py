"""How a robot's hand takes cups: from the side to pour, from above to set a lying one upright."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from understudy.errors import UnknownName
from understudy.simulation.experts.script import SLOW_M_S, Action, Script

__all__ = ["CupGrasp", "cup_grasp", "take_cup"]

_UP = np.array([0.0, 0.0, 1.0])
_BACK_M = 0.09
_ABOVE_M = 0.03
_CLEAR_M = 0.06


@dataclass(frozen=True)
class CupGrasp:
    """One way to take a cup, thumb on the robot's side of it and fingers on the far side."""

    yaw: float
    """About the vertical [rad]."""
    pitch: float
    """How far the wrist's x axis points down [rad]."""
    point: Float[np.ndarray, "3"]
    """The point of the wrist frame that goes to where the cup is taken [m]."""
    opened: Float[np.ndarray, " H"]
    """Command of the hand before [rad]."""
    closed: Float[np.ndarray, " H"]
    """Command that holds the cup [rad]."""
    roll: dict[int, float]
    """How far the palm is turned to the left [rad], by the side on which the mouth is: 1 left, 0 up, -1 right."""
    along_m: float = 0.0
    """From the cup's middle towards its mouth, where it is taken."""


def _hand(thumb: tuple[float, float, float], finger: tuple[float, float]) -> Float[np.ndarray, "12"]:
    """The XHand's 12 joints [rad] with all four fingers alike."""
    return np.array([*thumb, 0.0, *finger * 4])


# Both come from a random search over angles, place and postures in the layouts of a few validation seeds.
_GRASPS = {
    ("xarm7_xhand", "cup"): CupGrasp(
        yaw=-0.098,
        pitch=0.339,
        point=np.array([0.096, 0.016, 0.102]),
        opened=_hand((1.607, -0.386, 0.0), (0.029, 0.0)),
        closed=_hand((1.767, 0.222, 0.305), (1.339, 1.182)),
        roll={0: 1.235},
        along_m=0.005,
    ),
    ("xarm7_xhand", "fallen_cup"): CupGrasp(
        yaw=0.0,
        pitch=0.753,
        point=np.array([0.097, -0.016, 0.084]),
        opened=_hand((1.475, -0.326, 0.0), (0.023, 0.05)),
        closed=_hand((1.482, 0.325, 0.152), (0.863, 1.388)),
        roll={1: -0.078, -1: -0.022},
        along_m=0.021,
    ),
}


def cup_grasp(robot: str, kind: str) -> CupGrasp:
    """How that robot takes a cup of that kind; `UnknownName` lists the robots that can."""
    if (robot, kind) not in _GRASPS:
        raise UnknownName("robot that takes cups", robot, {name for name, _ in _GRASPS})
    return _GRASPS[robot, kind]


def take_cup(
    script: Script, grasp: CupGrasp, place: Float[np.ndarray, "3"], R: Float[np.ndarray, "3 3"], lift_m: float
) -> Generator[Action, None, None]:
    """Come along the palm's normal, take hold of the cup at `place` with the wrist turned by R, and lift it."""
    before = place - _BACK_M * R[:, 2] + _ABOVE_M * _UP
    yield from script.go(script.wrist_for(before + _CLEAR_M * _UP, R, grasp.point))
    yield from script.grip(grasp.opened, 2)
    yield from script.go(script.wrist_for(before, R, grasp.point))
    yield from script.go(script.wrist_for(place, R, grasp.point), SLOW_M_S)
    yield from script.wait(1)
    yield from script.grip(grasp.closed)
    yield from script.wait(2)
    yield from script.go(script.wrist_for(place + lift_m * _UP, R, grasp.point), SLOW_M_S)
    yield from script.wait(1)
