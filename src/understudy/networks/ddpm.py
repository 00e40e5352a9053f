"""Noise prediction as in DDPM (Ho et al., 2020): eq. 1 and 3 of video_prompt, where its Table 4 has EDM.

    a^i = sqrt(abar_i) a^0 + sqrt(1 - abar_i) eps,    L = |eps - F(a^i, i)|^2

(the paper calls abar alpha). This is EDM's diffusion with other scalings, the column "VP" of Table 1 of its paper: with
sigma = sqrt(1 - abar) / sqrt(abar), a^i is x = a^0 + sigma eps over sqrt(sigma^2 + 1), the clean data are
D = x - sigma F, and the target that `NoiseLevels.loss` has for F is eps. An Euler step of `sample` is one of DDIM.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from understudy.networks.edm import NoiseLevels

__all__ = ["DDPM"]


class DDPM(NoiseLevels):
    """F is the noise. Video_prompt gives neither schedule nor number of levels: these are DDPM's own.

    There are T = 1000 levels, beta_i evenly from 1e-4 to 0.02, abar_i the product of 1 - beta_j up to i; in sigma, 0.01
    to 157. Training draws all alike (E_i of eq. 3).
    """

    sigmas: Float[Tensor, " T"]
    """All levels, from the lowest on."""

    def __init__(self) -> None:
        abar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0)
        self.sigmas = ((1 - abar) / abar).sqrt().float()
        self.sigma_max = float(self.sigmas[-1])

    def _draw(self, count: int, generator: torch.Generator) -> Float[Tensor, " B"]:
        """Any level is as likely as any other."""
        device = generator.device
        return self.sigmas.to(device)[torch.randint(len(self.sigmas), (count,), generator=generator, device=device)]

    def sampling_sigmas(self, steps: int) -> Float[Tensor, " K"]:
        """Every T / steps-th level from the highest on, then 0.

        An error of F is as large as the step to the next level, and is felt in the measure of that level. Of five,
        these are a factor of 3 to 6 apart, while `karras_sigmas` between the same ends has one of 50. More steps than
        there are levels do no harm and no good.
        """
        total = len(self.sigmas)
        places = [-(-total * (steps - step) // steps) - 1 for step in range(steps)]
        return torch.cat([self.sigmas[places], torch.zeros(1)])

    def scalings(self, sigma: Float[Tensor, " B"]) -> tuple[Float[Tensor, " B"], ...]:
        """c_skip, c_out, c_in and c_noise of the column "VP"; but F is told ln sigma / 4, as by EDM, in place of i."""
        return torch.ones_like(sigma), -sigma, 1 / (sigma**2 + 1).sqrt(), sigma.log() / 4
