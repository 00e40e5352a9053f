"""What every policy with an action diffusion head does alike: look, sample a chunk, carry out a part of it."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from understudy.embodiments import get_embodiment
from understudy.episodes.normalisation import Normalisation
from understudy.errors import UnderstudyError
from understudy.methods.config_json import config_from_json
from understudy.methods.observation_pair import ObservationPair
from understudy.methods.policy import Policy
from understudy.methods.policy_folder import PolicyFolder
from understudy.networks.action_diffusion import ActionDiffusion
from understudy.networks.edm import Sampler
from understudy.networks.image_encoder import to_float
from understudy.records import ActionChunk, Observation

__all__ = ["DiffusionPolicy", "Execution", "SamplingConfig", "planned_actions"]


@dataclass(frozen=True)
class SamplingConfig:
    """How chunks are drawn. Few steps are enough: what is sampled is nearly determined by the condition."""

    steps: int = 5
    sampler: Sampler = "euler"
    start: Literal["zero", "noise"] = "zero"
    """`zero` begins at the mean of the noise: an unsure policy then takes the middle way rather than a random one."""
    execute: int = 4
    """Actions of a chunk that are carried out before the policy looks again."""

    @staticmethod
    def from_json(content: Mapping[str, Any], where: str) -> "SamplingConfig":
        """Read and check; `where` names file and field in errors."""
        config = config_from_json(SamplingConfig, content, where)
        known = config.start in ("zero", "noise") and config.sampler in ("euler", "heun")
        if not known or config.steps < 1 or config.execute < 1:
            raise UnderstudyError(f"{where}: needs steps, execute >= 1, euler or heun, zero or noise: {dict(content)}")
        return config

    def check_chunk(self, chunk: int, where: str) -> None:
        """Make sure that a chunk of that many actions holds all that are carried out; `where` leads the error."""
        if self.execute > chunk:
            raise UnderstudyError(f"{where}: execute {self.execute} of a chunk of {chunk} actions: at most {chunk}")


@dataclass(frozen=True)
class Execution:
    """What turns a network's output into motion of a robot."""

    normalisation: Normalisation
    """Of actions and states."""
    dt_s: float
    """Control step that the policy was trained at [s]."""
    sampling: SamplingConfig

    @staticmethod
    def of_folder(folder: PolicyFolder, chunk: int) -> "Execution":
        """As a policy folder says; raises `UnderstudyError` where a field is missing or does not fit.

        Args:
            folder: the policy's.
            chunk: actions that its network gives at a time.
        """
        where = str(folder.path / "policy.json")
        sampling = SamplingConfig.from_json(folder.require("sampling"), f"{where}: sampling")
        sampling.check_chunk(chunk, f"{where}: sampling")
        normalisation = Normalisation.from_json(folder.require("normalisation"), f"{where}: normalisation")
        _check_names(normalisation.names, folder.robot, f"{where}: normalisation")
        dt_s = folder.require("dt_s")
        if isinstance(dt_s, bool) or not isinstance(dt_s, int | float) or not 0 < dt_s < math.inf:
            raise UnderstudyError(f"{where}: dt_s {dt_s!r}: must be a number of seconds above 0")
        return Execution(normalisation, float(dt_s), sampling)


def _check_names(names: tuple[str, ...], robot: str, where: str) -> None:
    """A policy whose numbers mean something else than the robot's would move it wildly."""
    wanted = get_embodiment(robot).action_space.names
    if len(names) != len(wanted):
        raise UnderstudyError(f"{where}: {len(names)} names; an action of {robot} has {len(wanted)} numbers")
    for place, (name, right) in enumerate(zip(names, wanted, strict=True)):
        if name != right:
            raise UnderstudyError(f"{where}: number {place} is {name!r}; in an action of {robot} it is {right!r}")


def planned_actions(path_1PA: Float[Tensor, "1 P A"] | None, execution: Execution) -> Float[np.ndarray, "P A"] | None:
    """A normalised path as actions of the robot; None if there is none yet."""
    return None if path_1PA is None else execution.normalisation.invert(path_1PA[0].float().cpu().numpy())


class DiffusionPolicy(Policy):
    """Final classes say what their prompt is and make the condition of the head from it and from what is seen."""

    def __init__(
        self,
        head: ActionDiffusion,
        image_size: int,
        execution: Execution,
        seed: int,
        *,
        proprioception: bool = True,
    ) -> None:
        """Make a policy.

        Args:
            head: in evaluation mode.
            image_size: of the images that the condition is made from [px].
            execution: normalisation, control step and sampling.
            seed: of the noise, which is the same in every episode.
            proprioception: whether it looks at the robot's state, not at images alone.

        Raises:
            UnderstudyError: network and normalisation have different numbers of dimensions.
        """
        names = execution.normalisation.names
        if head.action_size != len(names):
            raise UnderstudyError(f"a network of {head.action_size} numbers an action, a normalisation of {len(names)}")
        self._head, self._execution = head, execution
        self._seed, self._generator = seed, torch.Generator()
        self.image_size = self._image_size = image_size
        self.execute = execution.sampling.execute
        self._proprioception = proprioception
        self._seen = ObservationPair()

    @abstractmethod
    def _context(
        self, images_B2CSS: Float[Tensor, "1 2 3 S S"], states_B2A: Float[Tensor, "1 2 A"] | None
    ) -> Float[Tensor, "1 M D"]:
        """Condition tokens, encoded by the head; what depends on the prompt alone is made at the first call."""

    @torch.inference_mode()
    def act(self, observation: Observation) -> ActionChunk:
        """The next chunk.

        Raises:
            UnderstudyError: an observation without the state of the policy's robot, where the policy needs it.
        """
        normalisation, sampling = self._execution.normalisation, self._execution.sampling
        images, states = self._seen.add(observation, normalisation if self._proprioception else None, self._image_size)
        device = next(self._head.parameters()).device
        told = None if states is None else torch.from_numpy(states)[None].to(device)
        context = self._context(to_float(torch.from_numpy(images)[None]).to(device), told)
        shape = (1, self._head.chunk, self._head.action_size)
        start = torch.zeros(shape) if sampling.start == "zero" else torch.randn(shape, generator=self._generator)
        actions = self._head.sample(context, start.to(device), sampling.steps, sampling.sampler)
        return ActionChunk(normalisation.invert(actions[0].cpu().numpy()), self._execution.dt_s)

    def _begin(self) -> None:
        """Forget the episode before: which ones a process has run does not matter."""
        self._seen = ObservationPair()
        self._generator.manual_seed(self._seed)
