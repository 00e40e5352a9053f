"""Time bases: slow down where a joint would be too fast, dwell where the hand closes, and sample at a control rate."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation, Slerp

from understudy.embodiments import get_embodiment
from understudy.geometry.rotations import continuous_quaternions
from understudy.records import FrameStatus, RobotTrajectory

__all__ = ["resample", "stretch_time"]


def stretch_time(
    time_s: Float[np.ndarray, " T"],
    joints: Float[np.ndarray, "T J"],
    speed_limit: Float[np.ndarray, " J"],
    switches: Bool[np.ndarray, " T"] | None = None,
    dwell_s: float = 0.0,
) -> Float[np.ndarray, " T"]:
    """Times at which every joint keeps its speed limit: each interval lasts as long as its slowest joint needs.

    `switches` marks frames at which the hand closes or opens; the interval after each gets `dwell_s` more [s].
    """
    steps = np.diff(time_s)
    needed = np.max(np.abs(np.diff(joints, axis=0)) / speed_limit, axis=-1, initial=0.0)
    longer = np.maximum(steps, needed)
    if switches is not None:
        longer = longer + dwell_s * switches[:-1]
    return time_s[0] + np.concatenate([[0.0], np.cumsum(longer)])


def resample(trajectory: RobotTrajectory, dt_s: float) -> RobotTrajectory:
    """The trajectory at multiples of `dt_s` [s] from its first frame to just past its last.

    Positions, joints and residuals are linear between frames, wrist rotations follow the shortest turn. A sample is
    `OK` only if the frames on both sides are; otherwise it has the status of the one that is not.
    """
    time_s = trajectory.time_s
    count = int(np.ceil((time_s[-1] - time_s[0]) / dt_s - 1e-9)) + 1
    grid = time_s[0] + dt_s * np.arange(count)
    inside = np.minimum(grid, time_s[-1])
    after = np.clip(np.searchsorted(time_s, inside), 0, len(time_s) - 1)
    exact = np.abs(time_s[after] - inside) < 1e-9
    before = np.where(exact, after, np.maximum(after - 1, 0))
    status = np.where(trajectory.status[after] != FrameStatus.OK, trajectory.status[after], trajectory.status[before])
    return replace(
        trajectory,
        time_s=grid,
        joints=_linear(inside, time_s, trajectory.joints),
        actions=_actions(inside, trajectory),
        residual_m=_linear(inside, time_s, trajectory.residual_m[:, None])[:, 0],
        status=status.astype(np.int8),
    )


def _linear(grid: np.ndarray, time_s: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.stack([np.interp(grid, time_s, column) for column in values.T], axis=-1)


def _actions(grid: np.ndarray, trajectory: RobotTrajectory) -> np.ndarray:
    actions = _linear(grid, trajectory.time_s, trajectory.actions)
    form = get_embodiment(trajectory.robot).wrist_action
    if form == "none" or len(trajectory.time_s) < 2:
        return actions
    size = 4 if form == "quaternion" else 3
    rotation = trajectory.actions[:, 3 : 3 + size]
    turns = Rotation.from_quat(rotation, scalar_first=True) if size == 4 else Rotation.from_rotvec(rotation)
    turned = Slerp(trajectory.time_s, turns)(grid)
    actions[:, 3 : 3 + size] = (
        continuous_quaternions(turned.as_quat(scalar_first=True)) if size == 4 else turned.as_rotvec()
    )
    return actions
