"""Many environments at once, each stepped by a thread of its own choice: MuJoCo steps and renders outside the GIL.

Environment i belongs to thread i mod num_threads for good: an OpenGL context can be used by one thread only, and what
an environment computes does not depend on the others. So the numbers are those of the same environments one by one.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from os import cpu_count
from typing import Any, TypeVar

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array, iterate
from jaxtyping import Bool, Float

from understudy.errors import UnderstudyError
from understudy.simulation.environments import TabletopEnvironment

__all__ = ["ThreadedEnvironments", "make_threaded"]

_Result = TypeVar("_Result")
_Step = tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]


class ThreadedEnvironments(VectorEnv[Any, Any, Any]):
    """Environments of equal spaces behind Gymnasium's interface of vectors of environments.

    Autoreset is `NEXT_STEP`, as in `gymnasium.vector.SyncVectorEnv`: the step after an episode's last one ignores its
    action and starts the next episode, with reward 0.
    """

    def __init__(self, make: Sequence[Callable[[], gymnasium.Env[Any, Any]]], num_threads: int | None = None) -> None:
        """Make all environments, each in its own thread.

        Args:
            make: one function for each environment.
            num_threads: None means one for each core.
        """
        super().__init__()
        if not make:
            raise UnderstudyError("a vector of 0 environments: at least 1 is needed")
        count = min(len(make), num_threads or cpu_count() or 1)
        self._threads = [ThreadPoolExecutor(1, thread_name_prefix="environment") for _ in range(count)]
        self.num_envs = len(make)
        self.envs = self._everywhere(lambda i: make[i]())
        first = self.envs[0]
        self.metadata = {**first.metadata, "autoreset_mode": AutoresetMode.NEXT_STEP}
        self.render_mode = first.render_mode
        self.single_observation_space, self.single_action_space = first.observation_space, first.action_space
        self.observation_space = batch_space(first.observation_space, self.num_envs)
        self.action_space = batch_space(first.action_space, self.num_envs)
        self._ended = np.zeros(self.num_envs, dtype=bool)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode in every environment.

        Args:
            seed: environment i is reset with `seed + i`, or with `seed[i]`.
            options: for every environment; a list under `layout_seed` gives each its own.
        """
        if seed is None or isinstance(seed, int):
            seed = [None if seed is None else seed + i for i in range(self.num_envs)]
        seeds = self._one_each("seed", seed)
        each = [dict(options or {}) for _ in range(self.num_envs)]
        layouts = (options or {}).get("layout_seed")
        if isinstance(layouts, Sequence):
            for own, layout_seed in zip(each, self._one_each("layout_seed", layouts), strict=True):
                own["layout_seed"] = layout_seed
        results = self._everywhere(lambda i: self.envs[i].reset(seed=seeds[i], options=each[i]))
        self._ended[:] = False
        return self._batch([observation for observation, _ in results]), self._infos([info for _, info in results])

    def step(
        self, actions: np.ndarray
    ) -> tuple[Any, Float[np.ndarray, " N"], Bool[np.ndarray, " N"], Bool[np.ndarray, " N"], dict[str, Any]]:
        """One control step in every environment."""
        own = list(iterate(self.action_space, actions))

        def one(i: int) -> _Step:
            if self._ended[i]:
                observation, info = self.envs[i].reset()
                return observation, 0.0, False, False, info
            observation, reward, terminated, truncated, info = self.envs[i].step(own[i])
            return observation, float(reward), terminated, truncated, info

        observations, rewards, terminated, truncated, infos = zip(*self._everywhere(one), strict=True)
        self._ended = np.array(terminated) | np.array(truncated)
        batch = self._batch(list(observations))
        return batch, np.array(rewards), np.array(terminated), np.array(truncated), self._infos(list(infos))

    def render(self) -> tuple[Any, ...]:
        """What each environment's `render` returns."""
        return tuple(self._everywhere(lambda i: self.envs[i].render()))

    def close_extras(self, **kwargs: object) -> None:
        """Close every environment in its thread, then end the threads."""
        self._everywhere(lambda i: self.envs[i].close())
        for thread in self._threads:
            thread.shutdown()

    def _everywhere(self, work: Callable[[int], _Result]) -> list[_Result]:
        """`work(i)` for every environment, each on its thread; waits for all, then raises the first error."""
        futures: list[Future[_Result]] = [
            self._threads[i % len(self._threads)].submit(work, i) for i in range(self.num_envs)
        ]
        errors = [future.exception() for future in futures]
        for error in errors:
            if error is not None:
                raise error
        return [future.result() for future in futures]

    def _one_each(self, what: str, values: Sequence[_Result]) -> Sequence[_Result]:
        if len(values) != self.num_envs:
            raise UnderstudyError(f"{what}: {len(values)} values for {self.num_envs} environments")
        return values

    def _batch(self, observations: list[Any]) -> Any:  # noqa: ANN401
        empty = create_empty_array(self.single_observation_space, n=self.num_envs, fn=np.zeros)
        return concatenate(self.single_observation_space, observations, empty)  # type: ignore[arg-type]

    def _infos(self, infos: list[dict[str, Any]]) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for i, info in enumerate(infos):
            merged = self._add_info(merged, info, i)
        return merged


def make_threaded(num_envs: int = 1, num_threads: int | None = None, **kwargs: Any) -> ThreadedEnvironments:  # noqa: ANN401
    """What `gymnasium.make_vec` calls: `num_envs` tabletops; `kwargs` as for `TabletopEnvironment`."""
    return ThreadedEnvironments([lambda: TabletopEnvironment(**kwargs)] * num_envs, num_threads)
