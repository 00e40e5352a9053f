"""Take the lying cup from above, turn the hand until its mouth is up, set it on its foot and let go."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from understudy.geometry.rotations import matrix_from_rotation_vector
from understudy.geometry.transforms import make_transform
from understudy.simulation.cups import CUP_HEIGHT, CUP_RADIUS, mouth_direction
from understudy.simulation.experts.cup_grasps import CupGrasp, cup_grasp, take_cup
from understudy.simulation.experts.script import SLOW_M_S, Action, Script
from understudy.simulation.human_pose import hand_rotation
from understudy.simulation.tabletop import Tabletop

__all__ = ["flip_cup"]

_UP = np.array([0.0, 0.0, 1.0])
_LIFT_M = 0.09
_LIFTED_M = 0.04
_TURN_STEPS = 7
_ABOVE_M = 0.05
_DROP_M = 0.002
_SET_DOWN_M_S = 0.08
_TRIES = 3


def flip_cup(tabletop: Tabletop) -> Iterator[Action]:
    """Actions that do `flip_cup`."""
    grasp = cup_grasp(tabletop.body.name, "fallen_cup")
    script = Script(tabletop, grasp.opened)
    for _ in range(_TRIES):
        yield from _take_lying(script, grasp)
        if script.target.position[2] > CUP_RADIUS + _LIFTED_M:
            yield from _set_upright(script, grasp)
        if mouth_direction(script.target.rotation)[2] > 0.9:
            break
        yield from script.grip(grasp.opened, 3)


def _take_lying(script: Script, grasp: CupGrasp) -> Iterator[Action]:
    """The fingers' gap lies across the cup, whichever side its mouth is on."""
    mouth = mouth_direction(script.target.rotation) * np.array([1.0, 1.0, 0.0])
    mouth /= np.linalg.norm(mouth)
    side = 1 if mouth[1] > 0 else -1
    yaw = float(np.arctan2(mouth[1], mouth[0])) - side * np.pi / 2 + grasp.yaw
    R = hand_rotation(yaw, grasp.pitch, grasp.roll[side])
    yield from take_cup(script, grasp, script.target.position + grasp.along_m * mouth, R, _LIFT_M)


def _set_upright(script: Script, grasp: CupGrasp) -> Iterator[Action]:
    """Turn in the air about the horizontal axis across the cup, then lower it."""
    wrist = script.tabletop.data.site("wrist")
    R, centre = wrist.xmat.reshape(3, 3).copy(), script.target.position.copy()
    held = R.T @ (centre - wrist.xpos)
    turn = _upwards(mouth_direction(script.target.rotation))
    for i in range(1, _TURN_STEPS + 1):
        yield from script.go(_at(centre, matrix_from_rotation_vector(i / _TURN_STEPS * turn) @ R, held))
    yield from script.wait(2)
    # What is left after the turn, and where the cup has slipped to, is mended before it is set down.
    R_now = wrist.xmat.reshape(3, 3).copy()
    held = R_now.T @ (script.target.position - wrist.xpos)
    mended = matrix_from_rotation_vector(_upwards(mouth_direction(script.target.rotation)))
    R = mended @ matrix_from_rotation_vector(turn) @ R
    foot = np.array([*centre[:2], CUP_HEIGHT / 2])
    yield from script.go(_at(foot + _ABOVE_M * _UP, R, held), SLOW_M_S)
    yield from script.go(_at(foot + _DROP_M * _UP, R, held), _SET_DOWN_M_S)
    yield from script.wait(2)
    yield from script.grip(grasp.opened, 8)
    yield from script.wait(2)
    away = foot - 0.10 * R[:, 2] + 0.03 * _UP
    yield from script.go(_at(away, R, held), SLOW_M_S)
    yield from script.wait(3)


def _at(
    centre: Float[np.ndarray, "3"], R: Float[np.ndarray, "3 3"], held: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "4 4"]:
    """T_base_wrist of rotation R that brings the cup, at `held` in the wrist frame, to `centre` [m]."""
    return make_transform(R, centre - R @ held)


def _upwards(mouth: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """Rotation vector that turns the direction `mouth` up, world [rad]."""
    across = np.cross(mouth, _UP)
    sine = float(np.linalg.norm(across))
    return across / max(sine, 1e-9) * np.arctan2(sine, mouth[2])
