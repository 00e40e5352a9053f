"""From an action to servo targets: clip, inverse kinematics, speed limits, and a smooth ramp through one control step.

The wrist target is reached by damped least squares on the arm's joints with a pull towards `home` in the null space:

    dq = J^T (J J^T + d^2 I)^-1 e + (I - J^+ J) g (q_home - q)        warm-started

Servos are position servos with damping, force = kp (ctrl - q) - kv dq/dt, so a ramp of speed v lags by kv v / kp. The
ramp is led by that much (plus the joint's own damping), which cancels the lag of 0.1 s that such servos have.
"""

import mujoco
import numpy as np
from jaxtyping import Float

from understudy.embodiments.embodiment import Embodiment
from understudy.errors import UnderstudyError
from understudy.retargeting.kinematics import KinematicTree
from understudy.simulation.arm_kernel import ramp, reach
from understudy.simulation.scene import Scene

__all__ = ["CONTROL_DT_S", "OPENING", "Controller", "wrist_target"]

CONTROL_DT_S = 0.1
"""One control step [s]."""

_ITERATIONS = 12
_DAMPING = 0.03
_NULL_GAIN = 0.05
_TURN_WEIGHT = 0.15
"""Metres that one radian of rotation error counts as."""
_LARGEST_MOVE_M = 0.05
"""Errors are cut to this before each iteration, so that a far target cannot upset the linearisation."""
_IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])
_TOLERANCE = 1e-4
"""Of the weighted error [m]: one more step from there is enough."""
OPENING = "opening"
"""Name of the one hand action of a parallel gripper: the distance between its pads [m]."""


def wrist_target(body: Embodiment, action: Float[np.ndarray, " A"]) -> Float[np.ndarray, "4 4"]:
    """T_base_wrist that an action asks for [m]."""
    if body.wrist_action == "quaternion":
        # A quaternion of length zero means no rotation that can be meant: the identity is as good as any.
        length = float(np.linalg.norm(action[3:7]))
        quaternion = action[3:7] / length if length > 1e-6 else _IDENTITY
    elif body.wrist_action == "rotation_vector":
        angle = float(np.linalg.norm(action[3:6]))
        quaternion = np.zeros(4)
        mujoco.mju_axisAngle2Quat(quaternion, action[3:6] / angle if angle > 0.0 else action[3:6], angle)
    else:
        raise ValueError(f"{body.name}: its actions hold no wrist target")
    T = np.eye(4)
    R = np.empty(9)
    mujoco.mju_quat2Mat(R, quaternion)
    T[:3, :3], T[:3, 3] = R.reshape(3, 3), action[:3]
    return T


class Controller:
    """Turns the actions of one body in one scene into servo targets, one control step at a time."""

    def __init__(self, scene: Scene, body: Embodiment) -> None:
        model = scene.model
        self._model, self._body = model, body
        self._arm = len(body.arm_joints)
        joints = [model.joint(name) for name in body.joint_names]
        self._qpos = np.array([int(joint.qposadr[0]) for joint in joints])
        self._dof = np.array([int(joint.dofadr[0]) for joint in joints])
        self._actuators = np.array([model.actuator(name).id for name in body.joint_names])
        self._range = model.actuator_ctrlrange[self._actuators]
        kp, kv = model.actuator_gainprm[self._actuators, 0], -model.actuator_biasprm[self._actuators, 2]
        self._lead_s = np.where(np.arange(len(joints)) < self._arm, (kv + model.dof_damping[self._dof]) / kp, 0.0)
        if body.wrist_action != "none":
            self._tree = _arm_tree(scene, body)
        self._home = body.home[: self._arm].copy()
        self._low, self._high = np.ascontiguousarray(self._range.T)
        self._reach = body.speed_limit * CONTROL_DT_S
        self._steps = round(CONTROL_DT_S / model.opt.timestep)
        self._target = body.home.copy()
        self._velocity = np.zeros(len(joints))

    def reset(self, data: mujoco.MjData) -> None:
        """Hold the posture of `data`."""
        self._target = data.qpos[self._qpos].copy()
        self._velocity = np.zeros_like(self._target)
        data.ctrl[self._actuators] = np.clip(self._target, *self._range.T)

    def clip(self, action: Float[np.ndarray, " A"]) -> Float[np.ndarray, " A"]:
        """The nearest action inside the action space.

        Raises:
            UnderstudyError: wrong length, or an entry that is no finite number.
        """
        space = self._body.action_space
        action = np.asarray(action, dtype=float)
        if action.shape != (space.size,):
            raise UnderstudyError(f"{self._body.name}: an action of shape {action.shape}, must be ({space.size},)")
        if not np.isfinite(action).all():
            names = [name for name, value in zip(space.names, action, strict=True) if not np.isfinite(value)]
            raise UnderstudyError(f"{self._body.name}: action is not a finite number in {', '.join(names)}")
        return action.clip(space.low, space.high)

    def step(self, data: mujoco.MjData, action: Float[np.ndarray, " A"] | None) -> None:
        """Advance the physics by one control step under `action`; None keeps to the last one."""
        goal = self._target if action is None else self._joint_goal(self.clip(action))
        # Arm joints slow down together, so that the wrist stays on its way; fingers each by themselves.
        move = goal - self._target
        excess = np.abs(move[: self._arm]) / self._reach[: self._arm]
        move[: self._arm] /= max(1.0, float(excess.max()))
        move = move.clip(-self._reach, self._reach)
        velocity = move / CONTROL_DT_S
        commands = ramp(self._target, move, self._velocity, velocity, self._lead_s, self._low, self._high, self._steps)
        self._target, self._velocity = self._target + move, velocity
        model, ctrl, actuators = self._model, data.ctrl, self._actuators
        for command in commands:
            ctrl[actuators] = command
            mujoco.mj_step(model, data)

    def _joint_goal(self, action: Float[np.ndarray, " A"]) -> Float[np.ndarray, " J"]:
        """Joint positions that the action asks for, before speed limits."""
        if self._body.wrist_action == "none":
            return action
        hand = action[7:] if self._body.wrist_action == "quaternion" else action[6:]
        if self._body.action_space.names[-1] == OPENING:
            # Past contact when closing: the force limit, not the position, sets the grip.
            low, high = self._range[self._arm :].T
            hand = low + (high - low) * float(hand[0]) / float(self._body.action_space.high[-1])
        return np.concatenate([self._inverse_kinematics(wrist_target(self._body, action)), hand])

    def _inverse_kinematics(self, T_base_wrist: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, " 7"]:
        """Arm joints that bring the wrist nearest to its target, from where the arm was last sent."""
        q = self._target[: self._arm].copy()
        reach(
            self._tree,
            np.ascontiguousarray(T_base_wrist[:3, 3]),
            np.ascontiguousarray(T_base_wrist[:3, :3]),
            q,
            self._home,
            self._low[: self._arm],
            self._high[: self._arm],
            _ITERATIONS,
            _DAMPING,
            _NULL_GAIN,
            _TURN_WEIGHT,
            _LARGEST_MOVE_M,
            _TOLERANCE,
        )
        return q


def _arm_tree(scene: Scene, body: Embodiment) -> tuple[np.ndarray, ...]:
    """The arm as `arm_kernel.reach` reads it."""
    tree = KinematicTree.from_model(scene.model, body.arm_joints, ("wrist",))
    return tree.parents, tree.kinds, tree.axes, tree.anchors, tree.site_positions[0], tree.site_rotations[0]
