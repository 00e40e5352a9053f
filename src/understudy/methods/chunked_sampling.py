"""How chunks of actions are drawn from a diffusion policy and carried out; shared by all of them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from understudy.errors import UnderstudyError
from understudy.networks.edm import Sampler

__all__ = ["SamplingConfig", "initial_noise"]


@dataclass(frozen=True)
class SamplingConfig:
    """Few steps are enough: what is sampled is nearly determined by the condition."""

    steps: int = 5
    sampler: Sampler = "euler"
    start: Literal["zero", "noise"] = "zero"
    """`zero` begins at the mean of the noise: an unsure policy then takes the middle way rather than a random one."""
    execute: int = 4
    """Actions of a chunk that are carried out."""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any], where: str) -> "SamplingConfig":
        """Read what `to_json` gave; `where` names the file in errors."""
        try:
            config = SamplingConfig(**content)
        except TypeError as error:
            raise UnderstudyError(f"{where}: sampling: {error}") from error
        if config.start not in ("zero", "noise") or config.sampler not in ("euler", "heun") or config.steps < 1:
            raise UnderstudyError(f"{where}: sampling needs steps >= 1, euler or heun, zero or noise: {dict(content)}")
        return config


def initial_noise(
    config: SamplingConfig, shape: tuple[int, int, int], generator: torch.Generator
) -> Float[Tensor, "B K A"]:
    """Where the sampler starts, in units of its largest noise level."""
    return torch.zeros(shape) if config.start == "zero" else torch.randn(shape, generator=generator)
