"""Take the cup from its right side, bring its rim over the mug, roll the hand to the left until the beads are out."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from understudy.geometry.rotations import matrix_from_rotation_vector
from understudy.geometry.transforms import make_transform
from understudy.simulation.cups import CUP_HEIGHT, in_cup, pouring_place
from understudy.simulation.experts.cup_grasps import cup_grasp, take_cup
from understudy.simulation.experts.script import FAST_M_S, Action, Script
from understudy.simulation.human_pose import hand_rotation
from understudy.simulation.tabletop import Tabletop

__all__ = ["pour"]

_UP = np.array([0.0, 0.0, 1.0])
_LIFT_M = 0.11
_LIFTED_M = 0.05
_TRIES = 3
_FIRST_ROLL, _LAST_ROLL, _ROLL_STEP = 0.2, 2.6, 0.1
_SHAKES = 4
_SHAKE = 0.25


def pour(tabletop: Tabletop) -> Iterator[Action]:
    """Actions that do `pour`."""
    grasp = cup_grasp(tabletop.body.name, "cup")
    script, mug = Script(tabletop, grasp.opened), tabletop.goal.place_position
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

    def rolled(angle: float) -> Float[np.ndarray, "4 4"]:
        # About the hand's own x axis, the arm's last joint: the rest of the arm stays above the other things.
        turn = matrix_from_rotation_vector(-angle * upright[:, 0])
        return make_transform(turn @ upright, pouring_place(mug, turn @ _UP) - turn @ upright @ held)

    yield from script.go(rolled(_FIRST_ROLL))
    for angle in np.arange(_FIRST_ROLL + _ROLL_STEP, _LAST_ROLL, _ROLL_STEP):
        yield from script.go(rolled(float(angle)), FAST_M_S)
    yield from script.wait(5)
    for _ in range(_SHAKES):
        cup = script.target
        if not in_cup(tabletop.state.beads[tabletop.goal.target], cup.position, cup.rotation).any():
            break
        yield from script.go(rolled(_LAST_ROLL - _SHAKE))
        yield from script.go(rolled(_LAST_ROLL))
        yield from script.wait(3)
    yield from script.wait(3)
