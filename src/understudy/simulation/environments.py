"""The tabletop as Gymnasium environments, registered when this module is imported.

    import gymnasium
    import understudy.simulation.environments

    env = gymnasium.make("understudy/PickPlace-xarm7_gripper-v0", render_mode="rgb_array")
    env = gymnasium.make("understudy.simulation.environments:understudy/Push-xarm7_xhand-v0")  # imports it, too
    envs = gymnasium.make_vec("understudy/Push-xarm7_gripper-v0", num_envs=8)  # stepped on threads

Seeds: `reset(seed=k)` sets the generator that draws the seeds of layouts, this and every later one, from the range of
`split`; `reset(options={"layout_seed": n})` asks for one layout. Both are exact: the same seed and actions give the
same numbers, bit for bit.

Reward: (score now - score before) / 100, so an episode's rewards add up to its final score, 1 for success. An episode
terminates on success or when an object is lost, and is truncated at the task's time limit.
"""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from jaxtyping import Float, UInt8

from understudy.embodiments import get_embodiment
from understudy.errors import UnknownName
from understudy.simulation.seeds import SEEDS
from understudy.simulation.tabletop import Tabletop
from understudy.simulation.tasks import TASKS, get_task

__all__ = ["TabletopEnvironment", "environment_id"]

_BOUND = 10.0
"""Numbers of an observation lie in -10 to 10 [m | rad]; physics that gives up is cut to that."""
_OPTIONS = ("layout_seed",)
_TRUTH_SIZE = 14


class TabletopEnvironment(gymnasium.Env[dict[str, np.ndarray], np.ndarray]):
    """One task by one robot in a new layout each episode; ten steps a second of simulated time.

    Observation, a dictionary:
        image: what the fixed camera sees, (S, S, 3) RGB; left out when `image_size` is None.
        proprioception: where the robot is, written as the action that keeps it there, (A,).
        truth: only with `truth=True`: position (3) and rotation matrix (9) of the target, x and y of its goal, (14,).

    Action: absolute targets in the robot's base frame, (A,), each scaled from its range in `Embodiment.action_space` to
    -1 to 1: `absolute` and `scaled` turn one into the other.
    Info: `label`, `layout_seed`, `success`, `score`, and `failure`: a word, empty on success.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(
        self,
        task: str,
        robot: str,
        *,
        image_size: int | None = 96,
        truth: bool = False,
        split: str = "train",
        axis: str | None = None,
        render_mode: str | None = None,
        render_size: int = 256,
    ) -> None:
        """Say what is done by whom; nothing is built before `reset`.

        Args:
            task: a name of `tasks.TASKS`.
            robot: one of the task's `embodiments`, a robot.
            image_size: width and height of the images in observations [px]; None for none, which is 10 times as fast.
            truth: whether observations tell what a camera does not.
            split: the range that layouts are drawn from: a name of `seeds.SEEDS`.
            axis: a name of `axes.AXES`; on most, training seeds are refused.
            render_mode: None or `rgb_array`.
            render_size: width and height of what `render` returns [px].
        """
        robots = [name for name in get_task(task).embodiments if name != "human_hand"]
        if robot not in robots:
            raise UnknownName(f"robot that does {task}", robot, robots)
        if split not in SEEDS:
            raise UnknownName("range of seeds", split, SEEDS)
        self.render_mode, self._render_size = render_mode, render_size
        self._task, self._robot, self._axis = task, robot, axis
        self._image_size, self._truth = image_size, truth
        self._seeds = next(seeds for name, seeds in SEEDS.items() if name == split)
        self._table: Tabletop | None = None
        self._steps, self._score = 0, 0.0
        self._actions = get_embodiment(robot).action_space
        self.action_space = spaces.Box(-1.0, 1.0, (self._actions.size,), np.float64)
        parts: dict[str, spaces.Space[Any]] = {"proprioception": _numbers(self._actions.size)}
        if image_size is not None:
            parts["image"] = spaces.Box(0, 255, (image_size, image_size, 3), np.uint8)
        if truth:
            parts["truth"] = _numbers(_TRUTH_SIZE)
        self.observation_space = spaces.Dict(parts)  # type: ignore[assignment]

    @property
    def tabletop(self) -> Tabletop:
        """The tabletop of the present episode."""
        if self._table is None:
            raise gymnasium.error.ResetNeeded("call reset() first")
        return self._table

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Start an episode in a new layout.

        Args:
            seed: of the generator of layout seeds, any number from 0; None goes on with the generator.
            options: `layout_seed`: the seed of this layout, from any range of `seeds.py`; the generator is left alone.
        """
        super().reset(seed=seed)
        unknown = [name for name in options or {} if name not in _OPTIONS]
        if unknown:
            raise UnknownName("option of reset", unknown[0], _OPTIONS)
        layout_seed = (options or {}).get("layout_seed")
        if layout_seed is None:
            layout_seed = int(self.np_random.integers(self._seeds.start, self._seeds.stop))
        self._free()
        self._table = Tabletop(self._task, int(layout_seed), self._robot, self._image_size or 16, axis=self._axis)
        self._table.reset(observe=False)
        self._steps, self._score = 0, 0.0
        return self._observation(), self._info()

    def step(self, action: np.ndarray) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """One control step of 0.1 s under a scaled action; what is beyond -1 or 1 is cut."""
        table = self.tabletop
        table.step(self.absolute(action), observe=False)
        self._steps += 1
        score, before = table.score(), self._score
        self._score = score
        terminated = table.success() or table.lost()
        truncated = not terminated and self._steps >= table.max_steps
        return self._observation(), (score - before) / 100.0, terminated, truncated, self._info()

    def absolute(self, action: Float[np.ndarray, " A"]) -> Float[np.ndarray, " A"]:
        """The robot's action [m | rad] that a scaled one means."""
        low, high = self._actions.low, self._actions.high
        return low + (np.asarray(action, dtype=float) + 1) / 2 * (high - low)

    def scaled(self, action: Float[np.ndarray, " A"]) -> Float[np.ndarray, " A"]:
        """The inverse of `absolute`, for actions of experts and policies."""
        low, high = self._actions.low, self._actions.high
        return 2 * (np.asarray(action, dtype=float) - low) / (high - low) - 1

    def render(self) -> UInt8[np.ndarray, "S S 3"] | None:
        """What the fixed camera sees now, RGB; None without a render mode."""
        return self.tabletop.render(self._render_size) if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Free the renderers."""
        self._free()

    def _free(self) -> None:
        if self._table is not None:
            self._table.close()
            self._table = None

    def _observation(self) -> dict[str, np.ndarray]:
        table = self.tabletop
        observation = {"proprioception": _bounded(table.robot_state())}
        if self._image_size is not None:
            observation["image"] = table.render(self._image_size)
        if self._truth:
            body = table.data.body(table.goal.target)
            observation["truth"] = _bounded(np.concatenate([body.xpos, body.xmat.ravel(), table.goal.place_xy]))
        return observation

    def _info(self) -> dict[str, Any]:
        table = self.tabletop
        return {
            "label": table.label,
            "layout_seed": table.layout.seed,
            "success": table.success(),
            "score": self._score,
            "failure": table.failure(),
        }


def _numbers(size: int) -> spaces.Box:
    return spaces.Box(-_BOUND, _BOUND, (size,), np.float64)


def _bounded(values: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    return np.clip(np.nan_to_num(values), -_BOUND, _BOUND)


def environment_id(task: str, robot: str) -> str:
    """What Gymnasium calls it: `understudy/PickPlace-xarm7_gripper-v0`."""
    return f"understudy/{''.join(word.capitalize() for word in task.split('_'))}-{robot}-v0"


def _register() -> None:
    for name, task in TASKS.items():
        for robot in task.embodiments:
            if robot != "human_hand":
                gymnasium.register(
                    environment_id(name, robot),
                    entry_point="understudy.simulation.environments:TabletopEnvironment",
                    vector_entry_point="understudy.simulation.threaded_environments:make_threaded",
                    kwargs={"task": name, "robot": robot},
                )


_register()
