"""Joint angles of the arm that bring a site to a pose: damped least squares on MuJoCo's Jacobian.

A plain solver for checks and replays of one robot; retargeting of people has its own.
"""

from dataclasses import dataclass

import mujoco
import numpy as np
from jaxtyping import Float

from understudy.geometry.rotations import rotation_vector_from_matrix

__all__ = ["ArmPose", "reach"]

_ITERATIONS = 200
_DAMPING = 0.03
_MAX_STEP_RAD = 0.2
_METRES_PER_RADIAN = 0.15
"""One radian of rotation error counts as much as this distance: about the length of a hand."""


@dataclass(frozen=True)
class ArmPose:
    """Where the arm came to."""

    joints: Float[np.ndarray, "7"]
    position_error_m: float
    rotation_error_rad: float


def reach(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    site: str,
    arm_joints: tuple[str, ...],
    T_world_site: Float[np.ndarray, "4 4"],
    start: Float[np.ndarray, "7"],
) -> ArmPose:
    """Move the arm in `data` until `site` has the wanted pose, or as near as its limits let it.

    dq = J^T (J J^T + damping^2 I)^-1 e, with e = (dp, s dr), s = 0.15 m/rad, clipped to the joint limits at every step.
    """
    site_id = data.site(site).id
    joint_ids = [model.joint(name).id for name in arm_joints]
    qpos, dofs = model.jnt_qposadr[joint_ids], model.jnt_dofadr[joint_ids]
    low, high = model.jnt_range[joint_ids].T
    jacobian = np.zeros((6, model.nv))
    q = start.copy()
    for _ in range(_ITERATIONS):
        data.qpos[qpos] = q
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        error = _pose_error(data, site_id, T_world_site)
        if np.linalg.norm(error) < 1e-6:
            break
        mujoco.mj_jacSite(model, data, jacobian[:3], jacobian[3:], site_id)
        J = jacobian[:, dofs].copy()
        J[3:] *= _METRES_PER_RADIAN
        step = J.T @ np.linalg.solve(J @ J.T + _DAMPING**2 * np.eye(6), error)
        step *= min(1.0, _MAX_STEP_RAD / max(float(np.abs(step).max()), 1e-9))
        q = np.clip(q + step, low, high)
    data.qpos[qpos] = q
    mujoco.mj_kinematics(model, data)
    error = _pose_error(data, site_id, T_world_site)
    return ArmPose(q, float(np.linalg.norm(error[:3])), float(np.linalg.norm(error[3:])) / _METRES_PER_RADIAN)


def _pose_error(data: mujoco.MjData, site_id: int, T_world_site: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "6"]:
    """Position error [m] and rotation error, as a rotation vector in the world, weighted to metres."""
    R = data.site_xmat[site_id].reshape(3, 3)
    turn = rotation_vector_from_matrix(T_world_site[:3, :3] @ R.T)
    return np.concatenate([T_world_site[:3, 3] - data.site_xpos[site_id], _METRES_PER_RADIAN * turn])
