"""A diffusion policy's head: chunks of actions, denoised by a transformer that looks at condition tokens.

The layout of MDT (Reuss et al., 2024), as video_prompt uses it (Table 4): an encoder mixes the condition tokens once
per observation; a decoder of action tokens, modulated by the noise level, attends to them once per noise level.
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.errors import UnderstudyError
from understudy.networks.ddpm import DDPM
from understudy.networks.edm import EDM, NoiseLevels, Sampler, sample
from understudy.networks.transformer import Block, ConditionedBlock, position_codes

__all__ = ["ActionDiffusion", "DiffusionConfig"]


@dataclass(frozen=True)
class DiffusionConfig:
    """Sizes; the defaults are Table 4 of video_prompt."""

    width: int = 512
    heads: int = 8
    encoder_layers: int = 4
    decoder_layers: int = 6
    attention_dropout: float = 0.3
    dropout: float = 0.1
    """Of the outputs of attention."""
    mlp_dropout: float = 0.05
    edm: EDM = field(default_factory=EDM)
    """Of the prediction `edm` alone."""
    prediction: Literal["edm", "noise"] = "edm"
    """What the network learns to give. Video_prompt says both: its Table 4 has EDM's constants, its eq. 1 and 3 have
    the noise, see `DDPM`."""


class ActionDiffusion(nn.Module):
    """p(actions (K, A) | condition tokens (M, D)), actions normalised to a standard deviation of about 0.5."""

    def __init__(self, config: DiffusionConfig, chunk: int, parts: tuple[int, ...]) -> None:
        """Make the network.

        Args:
            config: sizes.
            chunk: actions in a chunk, K.
            parts: how many numbers of an action each output head gives, in order; together A. One part has a linear
                head, several have one more layer each (video_prompt, section 3.2: fingers, rotation, position).

        Raises:
            UnderstudyError: levels of EDM that are not its defaults, where the noise is predicted.
        """
        super().__init__()
        if config.prediction == "noise" and config.edm != EDM():
            raise UnderstudyError(
                f"diffusion.edm {config.edm}: with prediction 'noise' the levels are DDPM's, set none"
            )
        self.levels: NoiseLevels = DDPM() if config.prediction == "noise" else config.edm
        action_size = sum(parts)
        self.config, self.chunk, self.action_size = config, chunk, action_size
        width = config.width
        rates = config.attention_dropout, config.dropout, config.mlp_dropout
        self.encoder = nn.ModuleList([Block(width, config.heads, *rates) for _ in range(config.encoder_layers)])
        self.encoder_norm = nn.LayerNorm(width)
        self.action_in = nn.Linear(action_size, width)
        self.places = nn.Parameter(torch.randn(chunk, width) * 0.02)
        self.noise_level = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.decoder = nn.ModuleList(
            [ConditionedBlock(width, config.heads, *rates) for _ in range(config.decoder_layers)]
        )
        self.norm = nn.LayerNorm(width)
        self.action_out = _linear_to_zero(width, action_size) if len(parts) == 1 else _Heads(width, parts)

    def encode(self, tokens_BMD: Float[Tensor, "B M D"]) -> Float[Tensor, "B M D"]:
        """Mix the condition tokens; once per observation."""
        for block in self.encoder:
            tokens_BMD = block(tokens_BMD)
        return self.encoder_norm(tokens_BMD)

    def loss(
        self,
        context_BMD: Float[Tensor, "B M D"],
        actions_BKA: Float[Tensor, "B K A"],
        generator: torch.Generator,
        at_highest: float = 0.0,
    ) -> Float[Tensor, "B K A"]:
        """Squared error of every component, not yet averaged: of what `DiffusionConfig.prediction` says.

        Args:
            context_BMD: as `encode` gives it.
            actions_BKA: clean, normalised.
            generator: of noise and its levels.
            at_highest: see `NoiseLevels.training_sigmas`.
        """
        errors, _ = self.levels.loss(lambda x, c: self._network(x, c, context_BMD), actions_BKA, generator, at_highest)
        return errors

    def sample(
        self, context_BMD: Float[Tensor, "B M D"], start_BKA: Float[Tensor, "B K A"], steps: int, sampler: Sampler
    ) -> Float[Tensor, "B K A"]:
        """Actions from unit normal noise, or from zeros."""
        return sample(self.levels, lambda x, c: self._network(x, c, context_BMD), start_BKA, steps, sampler)

    def _network(
        self, x_BKA: Float[Tensor, "B K A"], noise_B: Float[Tensor, " B"], context_BMD: Float[Tensor, "B M D"]
    ) -> Float[Tensor, "B K A"]:
        # c_noise lies in about [-2, 1.1]: stretched so that the codes tell neighbouring levels apart.
        level_BD = self.noise_level(position_codes(noise_B * 250, self.config.width))
        h_BKD = self.action_in(x_BKA) + self.places
        for block in self.decoder:
            h_BKD = block(h_BKD, level_BD, context_BMD)
        return self.action_out(self.norm(h_BKD)).float()


class _Heads(nn.Module):
    """One small network for each part of an action."""

    def __init__(self, width: int, parts: tuple[int, ...]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(
            [nn.Sequential(nn.Linear(width, width), nn.GELU(), _linear_to_zero(width, size)) for size in parts]
        )

    def forward(self, x_BKD: Tensor) -> Tensor:
        return torch.cat([part(x_BKD) for part in self.parts], dim=-1)


def _linear_to_zero(inputs: int, outputs: int) -> nn.Linear:
    """A layer that gives zeros until it has learned."""
    layer = nn.Linear(inputs, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
