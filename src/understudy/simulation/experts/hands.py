"""How each robot's hand takes hold, pushes and presses: postures, and the point of the hand that does it."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from understudy.embodiments.gripper import MAX_OPENING_M
from understudy.errors import UnknownName
from understudy.simulation.human_pose import hand_rotation
from understudy.simulation.layout import BLOCKS

__all__ = ["HandSkill", "Use", "hand_skill"]


@dataclass(frozen=True)
class Use:
    """One use of a hand."""

    posture: Float[np.ndarray, " H"]
    """Command of the hand: finger joints [rad], or one opening [m]."""
    pitch: float
    """How far the wrist's x axis points down [rad]."""
    point: Float[np.ndarray, "3"] | None
    """The point of the wrist frame that goes to the place of contact [m]; None: the mean of `sites` at `posture`."""
    sites: tuple[str, ...] = ()


@dataclass(frozen=True)
class HandSkill:
    """All uses of one robot's hand."""

    rest: Float[np.ndarray, " H"]
    grasp: dict[str, Use]
    """By kind of object: the open posture; `point` goes to the object's centre."""
    closed: dict[str, Float[np.ndarray, " H"]]
    """By kind of object: the command that holds it."""
    push: Use
    press: Use


def _gripper() -> HandSkill:
    opened, shut = np.array([MAX_OPENING_M]), np.array([0.0])
    # The pads reach 8 mm below the point, which goes to the centre of the object.
    grasp = Use(opened, 1.2, np.array([0.137, 0.0, 0.0]))
    return HandSkill(
        rest=opened,
        grasp=dict.fromkeys(BLOCKS, grasp),
        closed=dict.fromkeys(BLOCKS, shut),
        push=Use(shut, 1.2, np.array([0.137, 0.0, -0.010])),
        press=Use(shut, 1.25, np.array([0.150, 0.0, 0.0])),
    )


def _spread(thumb: list[float], finger: list[float]) -> Float[np.ndarray, "12"]:
    """The XHand's 12 joints [rad] with all four fingers alike and the index finger not bent aside."""
    return np.array([*thumb, 0.0, *finger * 4])


def _xhand() -> HandSkill:
    flat = _spread([0.9, -0.3, 0.2], [0.25, 0.2])
    pointing = np.array([1.6, 0.8, 1.0, 0.0, 0.1, 0.1, *np.tile([1.75, 1.7], 3)])
    # Both grasps come from a random search over pitch, place and postures with the floating hand, kept for lifting and
    # holding under a jitter of 6 mm and 0.1 rad; they then held 12 of 12 objects under 8 mm and 0.15 rad.
    cube = Use(_spread([1.50, -0.31, 0.0], [0.36, 0.03]), 0.638, np.array([0.090, -0.0135, 0.0915]))
    cylinder = Use(_spread([1.47, -0.31, 0.0], [0.21, 0.03]), 0.640, np.array([0.0962, -0.004, 0.100]))
    closed_cube = _spread([1.50, 0.29, 0.10], [1.10, 1.25])
    closed_cylinder = _spread([1.47, 0.29, 0.0], [1.11, 1.35])
    return HandSkill(
        rest=_spread([0.8, 0.0, 0.2], [0.5, 0.3]),
        grasp={"cube": cube, "cylinder": cylinder, "box": cube, "jug": cylinder},
        closed={"cube": closed_cube, "cylinder": closed_cylinder, "box": closed_cube, "jug": closed_cylinder},
        push=Use(flat, 0.85, None, ("k8", "k12", "k16")),
        press=Use(pointing, 0.85, None, ("k8",)),
    )


_SKILLS = {"xarm7_gripper": _gripper, "xarm7_xhand": _xhand}


@lru_cache
def hand_skill(robot: str) -> HandSkill:
    """The uses of that robot's hand; `UnknownName` lists the robots that have scripted experts."""
    if robot not in _SKILLS:
        raise UnknownName("robot with scripted experts", robot, _SKILLS)
    return _SKILLS[robot]()


def use_rotation(use: Use, yaw: float) -> Float[np.ndarray, "3 3"]:
    """R_base_wrist for a use, turned by `yaw` about the vertical [rad]."""
    return hand_rotation(yaw, use.pitch, 0.0)
