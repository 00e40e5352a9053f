"""Beads in a cup that a person carries: the cup goes where the hand takes it, the beads fall as they fall."""

from dataclasses import replace

import mujoco
import numpy as np
from jaxtyping import Float

from understudy.geometry.rotations import quaternion_from_matrix, rotation_vector_from_matrix
from understudy.simulation.human_performance import Performance
from understudy.simulation.layout import Layout
from understudy.simulation.looks import sample_looks
from understudy.simulation.scene import build_scene

__all__ = ["bead_paths"]

_CUP_MASS = 100.0
_DT_S = 0.004
"""Physics step [s]: beads alone, without a hand that grasps, need no shorter one."""
_STEP_S = 0.012
"""The cup's pose is computed anew this often, and followed evenly in between."""


def bead_paths(
    performance: Performance, layout: Layout, time_s: Float[np.ndarray, " T"]
) -> dict[str, Float[np.ndarray, "T N 3"]]:
    """Centres of every full cup's beads at the given times, which begin at 0 [m].

    The one cup that is carried is moved through the physics by its path alone: so heavy that no bead changes it, its
    weight carried, its velocity set before each step. Beads of other cups stay where they are.
    """
    if all(item.kind != "cup" for item in layout.objects):
        return {}
    resting = build_scene(mujoco.MjSpec(), layout, sample_looks(layout.seed))
    data = mujoco.MjData(resting.model)
    mujoco.mj_kinematics(resting.model, data)
    paths = {cup: np.repeat(data.xpos[bodies][None], len(time_s), axis=0) for cup, bodies in resting.beads.items()}
    carry = performance.hold
    if carry is not None and carry.name in paths:
        paths[carry.name] = _carried(performance, layout, time_s)
    return paths


def _carried(performance: Performance, layout: Layout, time_s: Float[np.ndarray, " T"]) -> Float[np.ndarray, "T N 3"]:
    carry = performance.hold
    assert carry is not None
    alone = replace(layout, objects=(layout.item(carry.name),))
    scene = build_scene(mujoco.MjSpec(), alone, sample_looks(layout.seed))
    model, data = scene.model, mujoco.MjData(scene.model)
    model.opt.timestep = _DT_S
    body, dof = model.body(carry.name).id, int(model.joint(carry.name).dofadr[0])
    model.body_mass[body], model.body_inertia[body] = _CUP_MASS, 1.0
    data.xfrc_applied[body, 2] = -_CUP_MASS * model.opt.gravity[2]
    steps = round(_STEP_S / model.opt.timestep)
    # Before it is taken and after it is put down, nothing moves.
    duration_s = min(carry.end_s, float(time_s[-1])) - carry.start_s
    times = carry.start_s + np.arange(int(np.ceil(duration_s / _STEP_S)) + 2) * _STEP_S
    poses = performance.carried(times)
    quaternions = np.stack([quaternion_from_matrix(R) for R in poses[:, :3, :3]])
    velocity = np.diff(poses[:, :3, 3], axis=0) / _STEP_S
    # MuJoCo's free joints turn by an angular velocity in their own frame.
    turning = rotation_vector_from_matrix(np.swapaxes(poses[:-1, :3, :3], 1, 2) @ poses[1:, :3, :3]) / _STEP_S
    beads = scene.beads[carry.name]
    path = np.empty((len(times), len(beads), 3))
    address = scene.qpos_address(carry.name)
    for i in range(len(times) - 1):
        data.qpos[address : address + 7] = np.concatenate([poses[i, :3, 3], quaternions[i]])
        mujoco.mj_kinematics(model, data)
        path[i] = data.xpos[beads]
        for _ in range(steps):
            data.qvel[dof : dof + 6] = np.concatenate([velocity[i], turning[i]])
            mujoco.mj_step(model, data)
    path[-1] = data.xpos[beads]
    moments = np.clip((time_s - carry.start_s) / _STEP_S, 0.0, len(times) - 1.001)
    before = moments.astype(int)
    part = (moments - before)[:, None, None]
    return (1 - part) * path[before] + part * path[before + 1]
