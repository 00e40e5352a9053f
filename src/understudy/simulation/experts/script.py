"""What scripted experts are written in: straight moves of the wrist at a stated speed, as a stream of actions."""

from collections.abc import Iterator

import mujoco
import numpy as np
from jaxtyping import Float

from understudy.geometry.hand_frame import wrist_quaternion, wrist_rotation_vector
from understudy.geometry.rotations import (
    matrix_from_rotation_vector,
    rotation_vector_from_matrix,
)
from understudy.geometry.transforms import inverse_transform, make_transform
from understudy.simulation.controller import CONTROL_DT_S
from understudy.simulation.state import ObjectState
from understudy.simulation.tabletop import Tabletop

__all__ = ["FAST_M_S", "SLOW_M_S", "Action", "Script", "sites_in_wrist"]

Action = Float[np.ndarray, " A"]

FAST_M_S = 0.30
"""Speed through free space [m/s]."""
SLOW_M_S = 0.12
"""Speed near and with objects [m/s]."""
_TURN_RAD_S = 1.5
_HAND_STEPS = 5


class Script:
    """The command so far of one robot on one tabletop; each method yields the actions that it takes."""

    def __init__(self, tabletop: Tabletop, hand: Float[np.ndarray, " H"]) -> None:
        """Start from where the arm is.

        Args:
            tabletop: after `reset`.
            hand: first command of the hand: finger joints [rad], or one opening [m].
        """
        self.tabletop = tabletop
        site = tabletop.data.site("wrist")
        self._T = make_transform(site.xmat.reshape(3, 3).copy(), site.xpos.copy())
        self._hand = np.asarray(hand, dtype=float)

    @property
    def target(self) -> ObjectState:
        """The object that the goal names, as it is now."""
        return self.tabletop.state.objects[self.tabletop.goal.target]

    def go(self, T_base_wrist: Float[np.ndarray, "4 4"], speed: float = FAST_M_S) -> Iterator[Action]:
        """Carry the wrist on a straight line to a pose, turning evenly on the way."""
        start = self._T
        way = T_base_wrist[:3, 3] - start[:3, 3]
        turn = rotation_vector_from_matrix(start[:3, :3].T @ T_base_wrist[:3, :3])
        seconds = max(float(np.linalg.norm(way)) / speed, float(np.linalg.norm(turn)) / _TURN_RAD_S)
        steps = max(1, int(np.ceil(seconds / CONTROL_DT_S)))
        for i in range(1, steps + 1):
            u = i / steps
            R = start[:3, :3] @ matrix_from_rotation_vector(u * turn)
            self._T = make_transform(R, start[:3, 3] + u * way)
            yield self._action()

    def grip(self, hand: Float[np.ndarray, " H"], steps: int = _HAND_STEPS) -> Iterator[Action]:
        """Bring the fingers to a posture, evenly over so many control steps."""
        start = self._hand
        for i in range(1, steps + 1):
            self._hand = start + i / steps * (hand - start)
            yield self._action()

    def wait(self, steps: int) -> Iterator[Action]:
        """Keep the command for so many control steps."""
        for _ in range(steps):
            yield self._action()

    def wrist_for(
        self, point: Float[np.ndarray, "3"], R: Float[np.ndarray, "3 3"], p_wrist: Float[np.ndarray, "3"]
    ) -> Float[np.ndarray, "4 4"]:
        """T_base_wrist of rotation R that brings the point `p_wrist` of the wrist frame to `point` [m]."""
        return make_transform(R, point - R @ p_wrist)

    def _action(self) -> Action:
        R = self._T[:3, :3]
        if self.tabletop.body.wrist_action == "quaternion":
            return np.concatenate([self._T[:3, 3], wrist_quaternion(R), self._hand])
        return np.concatenate([self._T[:3, 3], wrist_rotation_vector(R), self._hand])


def sites_in_wrist(tabletop: Tabletop, hand: Float[np.ndarray, " H"], sites: tuple[str, ...]) -> Float[np.ndarray, "3"]:
    """Mean of some sites of the hand in the wrist frame [m] when its joints are at `hand`."""
    scratch = mujoco.MjData(tabletop.scene.model)
    for name, value in zip(tabletop.body.hand_joints, hand, strict=True):
        scratch.qpos[tabletop.scene.qpos_address(name)] = value
    mujoco.mj_kinematics(tabletop.scene.model, scratch)
    site = scratch.site("wrist")
    T = inverse_transform(make_transform(site.xmat.reshape(3, 3), site.xpos))
    mean = np.mean([scratch.site(name).xpos for name in sites], axis=0)
    return T[:3, :3] @ mean + T[:3, 3]
