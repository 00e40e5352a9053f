"""From the robot's rest pose to the first pose of a trajectory, over the table rather than through it."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation, Slerp

from understudy.embodiments import Embodiment
from understudy.geometry.rotations import continuous_quaternions

__all__ = ["approach"]

_SPEED_M_S = 0.25
"""Speed of the wrist on the way."""
_CLEARANCE_M = 0.18
"""The way passes at least this high over the lower end."""
_DWELL_STEPS = 3
"""Control steps for which the first pose is held, so that the arm has arrived when the motion begins."""


def approach(
    embodiment: Embodiment, home: Float[np.ndarray, " A"], first: Float[np.ndarray, " A"], dt_s: float
) -> Float[np.ndarray, "N A"]:
    """Actions that carry the robot from the action `home` to the action `first`, which is the last row.

    Wrist actions pass over a point above `first`; joint actions are interpolated. `dt_s` is the control step.
    """
    if embodiment.wrist_action == "none":
        steps = max(int(np.ceil(np.abs(first - home).max() / (0.5 * dt_s))), 1)
        return home + np.linspace(0, 1, steps + 1)[1:, None] * (first - home)
    above = first[:3] + np.array([0.0, 0.0, _CLEARANCE_M])
    points = np.stack([home[:3], above, first[:3]])
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=-1)
    knots = np.concatenate([[0.0], np.cumsum(lengths)])
    steps = max(int(np.ceil(knots[-1] / (_SPEED_M_S * dt_s))), 2)
    along = np.linspace(0, knots[-1], steps + 1)[1:]
    position = np.stack([np.interp(along, knots, points[:, axis]) for axis in range(3)], axis=-1)
    size = 4 if embodiment.wrist_action == "quaternion" else 3
    rotation = _turn(home[3 : 3 + size], first[3 : 3 + size], np.minimum(along / knots[1], 1.0))
    rest = home[3 + size :] + (along / knots[-1])[:, None] * (first[3 + size :] - home[3 + size :])
    way = np.concatenate([position, rotation, rest], axis=-1)
    return np.concatenate([way, np.repeat(first[None], _DWELL_STEPS, axis=0)])


def _turn(
    start: Float[np.ndarray, " D"], end: Float[np.ndarray, " D"], fraction: Float[np.ndarray, " N"]
) -> Float[np.ndarray, "N D"]:
    """Shortest turn between two wrist rotations, written as they are (quaternion w, x, y, z or rotation vector)."""
    if len(start) == 4:
        both = Rotation.from_quat(np.stack([start, end]), scalar_first=True)
        turned = Slerp([0, 1], both)(fraction).as_quat(scalar_first=True)
        sequence = continuous_quaternions(np.concatenate([turned, end[None]]))
        return sequence[:-1] * np.sign(sequence[-1] @ end)
    return Slerp([0, 1], Rotation.from_rotvec(np.stack([start, end])))(fraction).as_rotvec()
