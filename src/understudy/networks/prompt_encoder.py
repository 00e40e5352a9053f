"""A prompt video to a few tokens, in a network that is trained with what acts on them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.networks.image_encoder import ImageEncoder
from understudy.networks.spatial_readout import SpatialReadout
from understudy.networks.transformer import Block, position_codes

__all__ = ["PhaseReader", "PromptEncoder", "PromptEncoderConfig"]


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


class PhaseReader(nn.Module):
    """Maps of the frames of a video to one token per phase of the task: what is shown when, and where.

    Phases first attend to the frames as wholes, then look for places in them (`SpatialReadout`).
    """

    def __init__(self, phases: int, fine: int, coarse: int, width: int, heads: int, layers: int) -> None:
        """Sizes.

        Args:
            phases: tokens that come out, P.
            fine: channels of the maps in which places are found.
            coarse: numbers of a frame's map that is read as a whole.
            width: of a token, D.
            heads: of attention.
            layers: over phases and frames.
        """
        super().__init__()
        self.flatten = nn.Linear(coarse, width)
        self.queries = nn.Parameter(torch.randn(phases, width) * 0.02)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(layers)])
        self.readouts = nn.ModuleList([SpatialReadout(width, fine, heads=4) for _ in range(2)])
        self.between = Block(width, heads)
        self.norm = nn.LayerNorm(width)

    def read(
        self, fine_BTCGG: Float[Tensor, "B T C G G"], coarse_BTcgg: Float[Tensor, "B T c g g"]
    ) -> Float[Tensor, "B P D"]:
        """Tokens of the phases."""
        tokens = self.flatten(coarse_BTcgg.flatten(2))
        tokens = tokens + position_codes(torch.arange(tokens.shape[1], device=tokens.device), tokens.shape[-1])
        x = torch.cat([self.queries.expand(len(tokens), -1, -1), tokens], dim=1)
        for block in self.blocks:
            x = block(x)
        phases = self.readouts[0](x[:, : len(self.queries)], fine_BTCGG)
        return self.norm(self.readouts[1](self.between(phases), fine_BTCGG))


class PromptEncoder(PhaseReader):
    """A video, and what changes in it, to one token per phase of the task."""

    def __init__(self, config: PromptEncoderConfig) -> None:
        frames = ImageEncoder(config.image_size, stages=config.stages)
        fine = config.stages[-2][0]
        super().__init__(config.tokens, fine, frames.size, config.width, config.heads, config.layers)
        self.frames = frames

    def forward(self, prompt_BTCSS: Float[Tensor, "B T 3 S S"]) -> Float[Tensor, "B P D"]:
        """Tokens of the phases: first from whole frames, then from places in them."""
        maps = self.frames(prompt_BTCSS.flatten(0, 1), prompt_BTCSS[:, 0])
        fine, coarse = (features.unflatten(0, prompt_BTCSS.shape[:2]) for features in maps[-2:])
        return self.read(fine, coarse)
