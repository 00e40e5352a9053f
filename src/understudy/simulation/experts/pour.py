"""Take the cup from its right side, bring its rim over the mug, tip it to the left until the beads are out."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from understudy.geometry.rotations import matrix_from_rotation_vector
from understudy.geometry.transforms import make_transform
from understudy.simulation.cups import CUP_HEIGHT, in_cup, tipped_cup
from understudy.simulation.experts.cup_grasps import cup_grasp, take_cup
from understudy.simulation.experts.script import FAST_M_S, Action, Script
from understudy.simulation.human_pose import hand_rotation
from understudy.simulation.tabletop import Tabletop

__all__ = ["pour"]

_UP = np.array([0.0, 0.0, 1.0])
_LEFT = np.array([0.0, 1.0, 0.0])
_LIFT_M = 0.11
_LIFTED_M = 0.05
_TRIES = 3
_FIRST_TILT, _LAST_TILT, _TILT_STEP = 0.2, 2.4, 0.1
_SHAKES = 4
_SHAKE = 0.25


def pour(tabletop: Tabletop) -> Iterator[Action]:
    """Actions that do `pour`."""
    grasp = cup_grasp(tabletop.body.name, "cup")
    script = Script(tabletop, grasp.opened)
    R = hand_rotation(grasp.yaw, grasp.pitch, grasp.roll[0])
    for _ in range(_TRIES):
        position = script.target.position.copy()
        yield from take_cup(script, grasp, position + grasp.along_m * _UP, R, _LIFT_M)
        if script.target.position[2] > CUP_HEIGHT / 2 + _LIFTED_M:
            break
        yield from script.grip(grasp.opened, 3)
    # Where the cup really sits in the hand decides where the hand must go.
    wrist = tabletop.data.site("wrist")
    R_world_wrist = wrist.xmat.reshape(3, 3).copy()
    held = R_world_wrist.T @ (script.target.position - wrist.xpos)
    upright = matrix_from_rotation_vector(np.cross(script.target.rotation[:, 2], _UP)) @ R_world_wrist

    def at_tilt(tilt: float) -> Float[np.ndarray, "4 4"]:
        turn, centre = tipped_cup(np.array(tabletop.goal.place_xy), _LEFT, tilt)
        return make_transform(turn @ upright, centre - turn @ upright @ held)

    yield from script.go(at_tilt(_FIRST_TILT))
    for tilt in np.arange(_FIRST_TILT + _TILT_STEP, _LAST_TILT, _TILT_STEP):
        yield from script.go(at_tilt(float(tilt)), FAST_M_S)
    yield from script.wait(5)
    for _ in range(_SHAKES):
        cup = script.target
        if not in_cup(tabletop.state.beads[tabletop.goal.target], cup.position, cup.rotation).any():
            break
        yield from script.go(at_tilt(_LAST_TILT - _SHAKE))
        yield from script.go(at_tilt(_LAST_TILT))
        yield from script.wait(3)
    yield from script.wait(3)
