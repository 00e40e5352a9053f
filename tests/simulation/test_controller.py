"""The compiled parts against MuJoCo, SciPy and NumPy."""

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from understudy.simulation import arm_kernel
from understudy.simulation.controller import wrist_target
from understudy.simulation.tabletop import Tabletop

DAMPING, NULL_GAIN, TURN_WEIGHT, LARGEST_MOVE_M = 0.03, 0.05, 0.15, 0.05
STEPS = 50
numbers = st.floats(-1.0, 1.0)


@pytest.fixture(scope="module")
def table():
    return Tabletop("push", 1, "xarm7_gripper")


def mujoco_steps(table, q, T, iterations):
    """Damped least squares with MuJoCo's kinematics and Jacobian."""
    model, body = table.scene.model, table.body
    data = mujoco.MjData(model)
    address = [table.scene.qpos_address(name) for name in body.arm_joints]
    dofs = [int(model.joint(name).dofadr[0]) for name in body.arm_joints]
    low, high = model.jnt_range[[model.joint(name).id for name in body.arm_joints]].T
    site, jacobian = model.site("wrist").id, np.zeros((6, model.nv))
    weight = np.array([1.0] * 3 + [TURN_WEIGHT] * 3)
    for _ in range(iterations):
        data.qpos[address] = q
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_jacSite(model, data, jacobian[:3], jacobian[3:], site)
        turn = Rotation.from_matrix(T[:3, :3] @ data.site_xmat[site].reshape(3, 3).T).as_rotvec()
        error = np.concatenate([T[:3, 3] - data.site_xpos[site], turn]) * weight
        error *= min(1.0, LARGEST_MOVE_M / np.linalg.norm(error))
        J = jacobian[:, dofs] * weight[:, None]
        inverse = J.T @ np.linalg.inv(J @ J.T + DAMPING**2 * np.eye(6))
        pull = NULL_GAIN * (body.home[:7] - q)
        q = np.clip(q + inverse @ error + pull - inverse @ (J @ pull), low, high)
    return q


@given(st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_the_arm_takes_the_steps_that_mujoco_s_jacobian_gives(table, seed):
    rng = np.random.default_rng(seed)
    space = table.body.action_space
    start = table.body.home + np.concatenate([rng.normal(0, 0.3, 7), np.zeros(len(table.body.home) - 7)])
    start[:7] = np.clip(start[:7], *table._controller._range[:7].T)
    T = wrist_target(table.body, rng.uniform(space.low, space.high))
    table._controller._target = start.copy()
    reached = table._controller._inverse_kinematics(T)
    np.testing.assert_allclose(reached, mujoco_steps(table, start[:7], T, 12), atol=1e-8)


@given(arrays(float, 3, elements=st.floats(-4.0, 4.0)))
@settings(max_examples=100, deadline=None)
def test_rotation_vectors_are_scipy_s(vector):
    R = Rotation.from_rotvec(vector).as_matrix()
    found = Rotation.from_rotvec(arm_kernel._rotation_vector(R))
    assert (found * Rotation.from_matrix(R).inv()).magnitude() < 1e-7
    assert found.magnitude() < np.pi + 1e-9


@given(arrays(float, (6, 7), elements=numbers), arrays(float, 6, elements=numbers))
@settings(max_examples=50, deadline=None)
def test_the_solver_is_numpy_s(J, b):
    A = J @ J.T + 0.1 * np.eye(6)
    np.testing.assert_allclose(arm_kernel._solve_positive(A.copy(), b), np.linalg.solve(A, b), atol=1e-9)


@given(arrays(float, (4, 5), elements=numbers))
@settings(max_examples=50, deadline=None)
def test_a_ramp_leads_by_the_lag_and_keeps_its_range(values):
    start, move, before, velocity = values
    lead_s, low, high = np.linspace(0.0, 0.2, 5), np.full(5, -0.7), np.full(5, 0.9)
    commands = arm_kernel.ramp(start, move, before, velocity, lead_s, low, high, STEPS)
    u = (np.arange(1, STEPS + 1) / STEPS)[:, None]
    lead = lead_s * (before + (velocity - before) * np.minimum(1.0, 2 * u))
    np.testing.assert_array_equal(commands, np.clip(start + u * move + lead, low, high))


def test_wrist_targets_of_all_kinds_and_of_no_rotation(table):
    action = np.array([0.4, 0.1, 0.3, 0.3, -0.7, 0.2, 0.0])
    T = wrist_target(table.body, action)
    np.testing.assert_allclose(T[:3, :3], Rotation.from_rotvec(action[3:6]).as_matrix(), atol=1e-12)
    np.testing.assert_array_equal(T[:3, 3], action[:3])
    action[3:6] = 0.0
    np.testing.assert_array_equal(wrist_target(table.body, action)[:3, :3], np.eye(3))
    hand = Tabletop("push", 1, "xarm7_xhand").body
    quaternion = np.array([0.8, -0.4, 0.2, 1.1])
    T = wrist_target(hand, np.concatenate([action[:3], quaternion, np.zeros(12)]))
    expected = Rotation.from_quat(quaternion, scalar_first=True).as_matrix()
    np.testing.assert_allclose(T[:3, :3], expected, atol=1e-12)
    np.testing.assert_array_equal(wrist_target(hand, np.zeros(19)), np.eye(4))
