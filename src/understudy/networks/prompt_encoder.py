"""A prompt video to a few tokens, in a network that is trained with what acts on them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.networks.image_encoder import ImageEncoder
from understudy.networks.spatial_readout import SpatialReadout
from understudy.networks.transformer import Block, position_codes

__all__ = ["PromptEncoder", "PromptEncoderConfig"]


@dataclass(frozen=True)
class PromptEncoderConfig:
    """Sizes."""

    image_size: int = 96
    """Side of the prompt's frames [px]."""
    tokens: int = 16
    """That come out, P: one per phase of the task."""
    layers: int = 2
    stages: tuple[tuple[int, int], ...] = ((24, 4), (48, 2), (64, 2))
    """Of the CNN that sees every frame: channels and stride."""
    width: int = 128
    """Of a token, D."""
    heads: int = 4


class PromptEncoder(nn.Module):
    """A video, and what changes in it, to one token per phase of the task."""

    def __init__(self, config: PromptEncoderConfig) -> None:
        super().__init__()
        width, heads = config.width, config.heads
        self.frames = ImageEncoder(config.image_size, stages=config.stages)
        self.flatten = nn.Linear(self.frames.size, width)
        self.queries = nn.Parameter(torch.randn(config.tokens, width) * 0.02)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(config.layers)])
        self.readouts = nn.ModuleList([SpatialReadout(width, config.stages[-2][0], heads=4) for _ in range(2)])
        self.between = Block(width, heads)
        self.norm = nn.LayerNorm(width)

    def forward(self, prompt_BTCSS: Float[Tensor, "B T 3 S S"]) -> Float[Tensor, "B P D"]:
        """Tokens of the phases: first from whole frames, then from places in them."""
        count, length = prompt_BTCSS.shape[:2]
        maps = self.frames(prompt_BTCSS.flatten(0, 1), prompt_BTCSS[:, 0])
        fine, coarse = (features.unflatten(0, (count, length)) for features in maps[-2:])
        tokens = self.flatten(coarse.flatten(2))
        tokens = tokens + position_codes(torch.arange(length, device=tokens.device), tokens.shape[-1])
        x = torch.cat([self.queries.expand(count, -1, -1), tokens], dim=1)
        for block in self.blocks:
            x = block(x)
        phases = self.readouts[0](x[:, : len(self.queries)], fine)
        return self.norm(self.readouts[1](self.between(phases), fine))
