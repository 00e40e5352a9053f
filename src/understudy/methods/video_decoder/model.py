"""A policy conditioned on a video and trained end to end: prompt video -> plan -> actions, in one network.

This is the baseline that Human2Robot calls "action decoder with human": what video pretraining has to beat. The prompt
encoder is read out by queries, one per phase of the robot's episode, and each becomes a way-point of the robot's coming
path (with a loss from the robot's own actions). The path is all that the action head learns of the prompt.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.networks.image_encoder import ImageEncoder
from understudy.networks.looking_actor import LookConfig, PathActor
from understudy.networks.spatial_readout import SpatialReadout
from understudy.networks.transformer import Block, position_codes

__all__ = ["ModelConfig", "PromptEncoder", "VideoDecoder"]


@dataclass(frozen=True)
class ModelConfig(LookConfig):
    """Sizes."""

    prompt_frames: int = 10
    """Frames of the prompt, evenly spaced in time from first to last."""
    num_phases: int = 16
    """Way-points of the plan, evenly spaced in time over the robot's episode."""
    prompt_layers: int = 2
    prompt_stages: tuple[tuple[int, int], ...] = ((24, 4), (48, 2), (64, 2))


class PromptEncoder(nn.Module):
    """A video, and what changes in it, to one token per phase of the task."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, heads = config.diffusion.width, config.diffusion.heads
        self.frames = ImageEncoder(config.image_size, stages=config.prompt_stages)
        self.flatten = nn.Linear(self.frames.size, width)
        self.queries = nn.Parameter(torch.randn(config.num_phases, width) * 0.02)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(config.prompt_layers)])
        self.readouts = nn.ModuleList([SpatialReadout(width, config.prompt_stages[-2][0], heads=4) for _ in range(2)])
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


class VideoDecoder(PathActor):
    """Prompt, two images and two robot states to a chunk of actions."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, config.num_phases)
        self.config = config
        self.prompt = PromptEncoder(config)
        self.path = nn.Linear(config.diffusion.width, config.action_size)

    def plan(self, prompt_BTCSS: Float[Tensor, "B T 3 S S"]) -> Float[Tensor, "B P A"]:
        """The path that the robot is to take (normalised): all that the action head learns of the prompt."""
        return self.path(self.prompt(prompt_BTCSS))
