"""Diffusion as in EDM (Karras et al., 2022, "Elucidating the design space of diffusion-based generative models").

A denoiser D(x; sigma) is a network F between scalings; those of EDM keep its input and target at unit variance:

    D(x; sigma) = c_skip(sigma) x + c_out(sigma) F(c_in(sigma) x; c_noise(sigma))            (eq. 7)

Losses are those of F: mean |F - (x0 - c_skip x) / c_out|^2, which is eq. 8 with lambda = 1 / c_out^2.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["EDM", "Denoiser", "NoiseLevels", "Sampler", "karras_sigmas", "sample"]

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""F(scaled input, c_noise (B,)) -> tensor of the input's shape."""
Sampler = Literal["euler", "heun"]


class NoiseLevels(ABC):
    """Noise levels of training and of sampling, and the scalings at each: final classes are columns of EDM's Table 1.

    Whatever F is to give, what is noised is x = x0 + sigma n, and sampling follows the same ODE (`sample`).
    """

    sigma_max: float
    """The highest level, where sampling begins."""

    @abstractmethod
    def _draw(self, count: int, generator: torch.Generator) -> Float[Tensor, " B"]:
        """Levels as they are distributed in training, on the generator's device."""

    @abstractmethod
    def sampling_sigmas(self, steps: int) -> Float[Tensor, " K"]:
        """Levels of a sampler from `sigma_max` down, then 0: `steps` + 1 numbers."""

    @abstractmethod
    def scalings(self, sigma: Float[Tensor, " B"]) -> tuple[Float[Tensor, " B"], ...]:
        """c_skip, c_out, c_in and c_noise of Table 1 of the paper."""

    def training_sigmas(self, count: int, generator: torch.Generator, at_highest: float = 0.0) -> Float[Tensor, " B"]:
        """Noise levels of one batch.

        Args:
            count: levels.
            generator: where they come from.
            at_highest: share of them that is sigma_max instead, where sampling begins. EDM's distribution hardly ever
                goes there (one in 400 is above 10), and what the first step gets wrong, later ones keep. Noise
                prediction needs none: its levels lie evenly, and in the highest one there is hardly more to learn than
                to give back the input.
        """
        sigma = self._draw(count, generator)
        if not at_highest:
            return sigma
        highest = torch.rand(count, generator=generator, device=generator.device) < at_highest
        return torch.where(highest, self.sigma_max, sigma)

    def denoise(
        self, network: Denoiser, x: Float[Tensor, "B ..."], sigma: Float[Tensor, " B"]
    ) -> Float[Tensor, "B ..."]:
        """D(x; sigma): the estimate of the clean data."""
        skip, out, scale, noise = self.scalings(sigma)
        return _like(skip, x) * x + _like(out, x) * network(_like(scale, x) * x, noise)

    def loss(
        self, network: Denoiser, clean: Float[Tensor, "B ..."], generator: torch.Generator, at_highest: float = 0.0
    ) -> tuple[Float[Tensor, "B ..."], Float[Tensor, " B"]]:
        """Squared error of F at random noise levels, not yet averaged, and the levels.

        Args:
            network: F.
            clean: data; EDM expects a standard deviation of about `sigma_data`.
            generator: where noise and levels come from.
            at_highest: see `training_sigmas`.
        """
        sigma = self.training_sigmas(len(clean), generator, at_highest)
        noise = torch.randn(clean.shape, generator=generator, device=clean.device, dtype=clean.dtype)
        skip, out, scale, c_noise = self.scalings(sigma)
        noisy = clean + _like(sigma, clean) * noise
        target = (clean - _like(skip, clean) * noisy) / _like(out, clean)
        return (network(_like(scale, clean) * noisy, c_noise) - target) ** 2, sigma


@dataclass(frozen=True)
class EDM(NoiseLevels):
    """F is between clean data and noise, so that its input and target have unit variance at every level.

    Defaults are Table 4 of video_prompt.
    """

    sigma_data: float = 0.5
    sigma_min: float = 0.001
    sigma_max: float = 80.0
    log_logistic_scale: float = 0.5
    """Spread of the training noise: log sigma is logistic around log sigma_data, cut to [sigma_min, sigma_max]."""

    def _draw(self, count: int, generator: torch.Generator) -> Float[Tensor, " B"]:
        """Quantiles of the truncated log-logistic distribution at uniform places."""
        u = torch.rand(count, generator=generator, device=generator.device, dtype=torch.float64)
        loc, scale = math.log(self.sigma_data), self.log_logistic_scale
        low, high = (1 / (1 + math.exp(-(math.log(s) - loc) / scale)) for s in (self.sigma_min, self.sigma_max))
        return torch.exp(torch.logit(low + u * (high - low)) * scale + loc).float()

    def sampling_sigmas(self, steps: int) -> Float[Tensor, " K"]:
        """See `karras_sigmas`."""
        return karras_sigmas(self, steps)

    def scalings(self, sigma: Float[Tensor, " B"]) -> tuple[Float[Tensor, " B"], ...]:
        """c_skip, c_out, c_in and c_noise of the column "EDM"."""
        total = sigma**2 + self.sigma_data**2
        return (
            self.sigma_data**2 / total,
            sigma * self.sigma_data / total.sqrt(),
            1 / total.sqrt(),
            sigma.log() / 4,
        )


def karras_sigmas(edm: EDM, steps: int, rho: float = 7.0) -> Float[Tensor, " K"]:
    """Noise levels of a sampler from sigma_max to sigma_min, then 0 (eq. 5): `steps` + 1 numbers."""
    ramp = torch.linspace(0, 1, steps, dtype=torch.float64) if steps > 1 else torch.zeros(1, dtype=torch.float64)
    high, low = edm.sigma_max ** (1 / rho), edm.sigma_min ** (1 / rho)
    return torch.cat([(high + ramp * (low - high)) ** rho, torch.zeros(1, dtype=torch.float64)]).float()


def sample(
    levels: NoiseLevels, network: Denoiser, start: Float[Tensor, "B ..."], steps: int, sampler: Sampler = "euler"
) -> Float[Tensor, "B ..."]:
    """Follow the probability-flow ODE dx/dsigma = (x - D) / sigma from sigma_max to 0.

    Args:
        levels: and scalings.
        network: F.
        start: unit normal noise, or zeros for the most typical sample. It is scaled by sigma_max here.
        steps: noise levels.
        sampler: `euler` (the same as DDIM), or `heun` (algorithm 1 without churn), which asks the network twice a step.
    """
    sigmas = levels.sampling_sigmas(steps).to(start)
    x = start * sigmas[0]
    for now, after in pairwise(sigmas):
        slope = (x - levels.denoise(network, x, now.expand(len(x)))) / now
        moved = x + (after - now) * slope
        if sampler == "heun" and after > 0:
            slope_after = (moved - levels.denoise(network, moved, after.expand(len(x)))) / after
            moved = x + (after - now) * (slope + slope_after) / 2
        x = moved
    return x


def _like(values: Tensor, x: Tensor) -> Tensor:
    return values.view(-1, *[1] * (x.ndim - 1))
