"""The tabletop as an environment: a task in the layout of a seed, one robot, ten control steps a second."""

from dataclasses import replace
from typing import Literal, overload

import mujoco
import numpy as np
from jaxtyping import Float, UInt8

from understudy.embodiments import ROBOTS, get_embodiment
from understudy.errors import UnknownName
from understudy.geometry.hand_frame import wrist_quaternion, wrist_rotation_vector
from understudy.records import Camera, Observation
from understudy.simulation.axes import check_held_out, get_axis
from understudy.simulation.controller import CONTROL_DT_S, OPENING, Controller
from understudy.simulation.layout import Layout
from understudy.simulation.looks import sample_looks
from understudy.simulation.rendering import SceneRenderer
from understudy.simulation.scene import build_scene, home_qpos, light_buttons, tabletop_camera
from understudy.simulation.state import TableState, carried, held_since, read_state
from understudy.simulation.tasks import Goal, get_task, goal_of

__all__ = ["Tabletop"]

_SETTLE_S = 0.1
_UNSTABLE = [int(getattr(mujoco.mjtWarning, f"mjWARN_BAD{what}")) for what in ("QPOS", "QVEL", "QACC")]
_TABLE_X, _TABLE_Y = (-0.05, 0.92), (-0.62, 0.62)


class Tabletop:
    """One task, one seed, one robot. `reset()` first; then `step(action)` until `done`."""

    def __init__(
        self,
        task: str,
        seed: int,
        robot: str,
        image_size: int = 96,
        *,
        goal: Goal | None = None,
        layout: Layout | None = None,
        axis: str | None = None,
    ) -> None:
        """Build the scene of `seed` around `robot`.

        Args:
            task: a name of `tasks.TASKS`.
            seed: sets layout, goal and looks; see `seeds.py` for the ranges.
            robot: a name of `embodiments.ROBOTS`.
            image_size: width and height of the images in observations [px].
            goal: what is asked for, one of `task.goals(layout)`; None leaves it to the seed.
            layout: what stands where; None leaves it to the seed. Looks stay those of the seed.
            axis: a name of `axes.AXES`: how the layout of the seed differs from the usual range.
        """
        if robot not in ROBOTS:
            raise UnknownName("robot", robot, ROBOTS)
        self.task = get_task(task)
        self.body = get_embodiment(robot)
        self.layout = self.task.sample_layout(seed, axis) if layout is None else layout
        self.goal = goal_of(self.task, self.layout) if goal is None else goal
        self.image_size = image_size
        axis = self.layout.axis if axis is None else axis
        # A change of the prompt alone leaves the robot's table as it is: any seed may show that.
        if axis is not None and get_axis(axis).prompt_only:
            axis = None
        check_held_out(axis, seed, robot)
        self.scene = build_scene(self.body.build(), self.layout, sample_looks(seed, axis))
        self.data = mujoco.MjData(self.scene.model)
        self._controller = Controller(self.scene, self.body)
        self._renderers: dict[int, SceneRenderer] = {}
        self._tips = np.array(
            [self.scene.model.site(f"k{i}").id for i in self.body.fingertips.values()], dtype=np.int64
        )
        self._reached = np.zeros(len(self.task.stages), dtype=bool)
        self._pressed: frozenset[str] = frozenset()
        self._held_since_s: dict[str, float] = {}
        self._before: TableState | None = None
        self._ended = ""
        self._start_s = 0.0

    @property
    def label(self) -> str:
        """The task in words."""
        return self.goal.label

    @property
    def time_s(self) -> float:
        """Simulated time since reset [s]."""
        return float(self.data.time) - self._start_s

    @property
    def state(self) -> TableState:
        """What the task judges by; the truth, not for policies."""
        carried_m = None if self._before is None else self._before.carried_m
        return read_state(self.scene, self.data, self._tips, self._pressed, self._held_since_s, carried_m)

    @property
    def done(self) -> bool:
        """Success, time over, or an object thrown off the table."""
        return self.lost() or self.time_s > self.task.time_limit_s - 1e-6 or self.success()

    @property
    def max_steps(self) -> int:
        """Control steps in the task's time limit."""
        return round(self.task.time_limit_s / CONTROL_DT_S)

    @overload
    def reset(self, *, observe: Literal[True] = True) -> Observation: ...

    @overload
    def reset(self, *, observe: Literal[False]) -> None: ...

    def reset(self, *, observe: bool = True) -> Observation | None:
        """Everything back to the start of the episode; without `observe` nothing is rendered and the result is None."""
        mujoco.mj_resetData(self.scene.model, self.data)
        self.data.qpos[:] = home_qpos(self.scene, self.body.joint_names, self.body.home)
        self._controller.reset(self.data)
        for _ in range(round(_SETTLE_S / self.scene.model.opt.timestep)):
            mujoco.mj_step(self.scene.model, self.data)
        self._start_s = float(self.data.time)
        self._reached[:] = False
        self._pressed = frozenset()
        self._held_since_s = {}
        self._before = None
        self._ended = ""
        return self.observe() if observe else None

    @overload
    def step(self, action: Float[np.ndarray, " A"] | None, *, observe: Literal[True] = True) -> Observation: ...

    @overload
    def step(self, action: Float[np.ndarray, " A"] | None, *, observe: Literal[False]) -> None: ...

    def step(self, action: Float[np.ndarray, " A"] | None, *, observe: bool = True) -> Observation | None:
        """One control step of 0.1 s.

        Args:
            action: clipped to the robot's action space; None keeps to the command before.
            observe: False saves the image; the result is then None.

        Raises:
            UnderstudyError: an action of the wrong length, or with a number that is not finite.
        """
        self._controller.step(self.data, action)
        state = self.state
        if self._before is not None:
            state = replace(state, carried_m=carried(self._before, state))
        self._before = state
        self._pressed = state.pressed
        self._held_since_s = held_since(state)
        self._reached |= np.array(self.task.reached(self.goal, self.layout, state))
        if not self._ended:
            self._ended = _why_ended(self.data, state)
        return self.observe() if observe else None

    def observe(self) -> Observation:
        """Image of the fixed camera, and the robot's state in its action space as proprioception."""
        return Observation(
            image=self.render(self.image_size),
            camera=self.camera(self.image_size),
            time_s=self.time_s,
            proprioception=self.robot_state(),
        )

    def joints(self) -> Float[np.ndarray, " J"]:
        """Joint positions in the order of the body's `joint_names` [rad | m]."""
        return np.array([self.data.qpos[self.scene.qpos_address(name)] for name in self.body.joint_names])

    def robot_state(self) -> Float[np.ndarray, " A"]:
        """Where the robot is, written as the action that would keep it there."""
        joints, arm = self.joints(), len(self.body.arm_joints)
        if self.body.wrist_action == "none":
            return joints
        site = self.data.site("wrist")
        R, hand = site.xmat.reshape(3, 3), joints[arm:]
        quaternion = self.body.wrist_action == "quaternion"
        rotation = wrist_quaternion(R) if quaternion else wrist_rotation_vector(R)
        if self.body.action_space.names[-1] == OPENING:
            hand = np.clip(hand.sum(keepdims=True), 0.0, self.body.action_space.high[-1])
        return np.concatenate([site.xpos, rotation, hand])

    def success(self) -> bool:
        """Whether the task is fulfilled now."""
        return not self.lost() and self.task.reached(self.goal, self.layout, self.state)[-1]

    def lost(self) -> bool:
        """Whether an object left the table, or the physics gave up: the episode cannot be saved."""
        return bool(self._ended)

    def score(self) -> float:
        """Points of 0 to 100 for the stages reached so far; the last stage counts only while it holds."""
        reached = [*self._reached[:-1], self.success()]
        return float(sum(stage.points for stage, ok in zip(self.task.stages, reached, strict=True) if ok))

    def failure(self) -> str:
        """What went wrong, in a word; empty on success.

        `lost:NAME` means that an object left the table, `unstable` that the physics gave up; else see the task.
        """
        if self.success():
            return ""
        if self._ended:
            return self._ended
        return self.task.failure(self.goal, self.layout, self.state, tuple(bool(r) for r in self._reached))

    def camera(self, size: int) -> Camera:
        """The policy's camera for images of `size` pixels."""
        return tabletop_camera(size)

    def render(self, size: int) -> UInt8[np.ndarray, "S S 3"]:
        """What the policy's camera sees now, RGB."""
        if size not in self._renderers:
            self._renderers[size] = SceneRenderer(self.scene.model, size)
        light_buttons(self.scene, self._pressed)
        return self._renderers[size].render(self.data)

    def close(self) -> None:
        """Free the renderers."""
        for renderer in self._renderers.values():
            renderer.close()
        self._renderers.clear()


def _why_ended(data: mujoco.MjData, state: TableState) -> str:
    """A failure that no later action can mend, or empty."""
    if data.warning.number[_UNSTABLE].any():
        return "unstable"
    for name, thing in state.objects.items():
        x, y, z = thing.position.tolist()
        inside = _TABLE_X[0] < x < _TABLE_X[1] and _TABLE_Y[0] < y < _TABLE_Y[1] and -0.05 < z < 1.0
        if not inside:
            return f"lost:{name}"
    return ""
