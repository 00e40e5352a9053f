"""A policy conditioned on a video and trained end to end: prompt video -> plan -> actions, in one network.

This is the baseline that Human2Robot calls "action decoder with human": what video pretraining has to beat. The prompt
encoder is read out by queries, one per phase of the robot's episode, and each becomes a way-point of the robot's coming
path (with a loss from the robot's own actions). The path is all that the action head learns of the prompt.
"""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.networks.action_diffusion import ActionDiffusion, DiffusionConfig
from understudy.networks.image_encoder import ImageEncoder
from understudy.networks.spatial_readout import SpatialReadout
from understudy.networks.transformer import Block, position_codes

__all__ = ["ModelConfig", "PromptEncoder", "VideoDecoder"]


@dataclass(frozen=True)
class ModelConfig:
    """Sizes."""

    image_size: int = 96
    prompt_frames: int = 10
    """Frames of the prompt, evenly spaced in time from first to last."""
    num_phases: int = 16
    """Way-points of the plan, evenly spaced in time over the robot's episode."""
    chunk: int = 8
    action_size: int = 7
    num_looks: int = 4
    """Places of the present image that are looked at, chosen by plan and state."""
    prompt_layers: int = 2
    prompt_stages: tuple[tuple[int, int], ...] = ((24, 4), (48, 2), (64, 2))
    image_stages: tuple[tuple[int, int], ...] = ((32, 4), (64, 2), (64, 1), (64, 2))
    diffusion: DiffusionConfig = field(
        default_factory=lambda: DiffusionConfig(
            width=128, heads=4, encoder_layers=2, decoder_layers=3, attention_dropout=0.0, dropout=0.0
        )
    )


class PromptEncoder(nn.Module):
    """A video, and what changes in it, to one token per phase of the task."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, heads = config.diffusion.width, config.diffusion.heads
        self.frames = ImageEncoder(config.image_size, stages=config.prompt_stages)
        self.flatten = nn.Linear(self.frames.size, width)
        self.queries = nn.Parameter(torch.randn(config.num_phases, width) * 0.02)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(config.prompt_layers)])
        self.readouts = nn.ModuleList([_readout(config, config.prompt_stages) for _ in range(2)])
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


class VideoDecoder(nn.Module):
    """Prompt, two images and two robot states to a chunk of actions."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width = config.diffusion.width
        self.prompt = PromptEncoder(config)
        self.path = nn.Linear(width, config.action_size)
        self.path_in = nn.Linear(config.action_size, width)
        self.phases = nn.Parameter(torch.randn(config.num_phases, width) * 0.02)
        self.condition = nn.Sequential(nn.Linear(config.num_phases * config.action_size, width), nn.GELU())
        self.images = ImageEncoder(config.image_size, condition=width, stages=config.image_stages)
        self.image_in = nn.Linear(self.images.size, width)
        self.state_in = nn.Linear(2 * config.action_size, width)
        self.look = nn.Linear(width, config.num_looks * width)
        self.readout = _readout(config, config.image_stages)
        self.head = ActionDiffusion(config.diffusion, config.chunk, config.action_size)

    def plan(self, prompt_BTCSS: Float[Tensor, "B T 3 S S"]) -> Float[Tensor, "B P A"]:
        """The path that the robot is to take (normalised): all that the action head learns of the prompt."""
        return self.path(self.prompt(prompt_BTCSS))

    def context(
        self,
        path_BPA: Float[Tensor, "B P A"],
        images_B2CSS: Float[Tensor, "B 2 3 S S"],
        states_B2A: Float[Tensor, "B 2 A"],
    ) -> Float[Tensor, "B M D"]:
        """Condition tokens of the action head.

        Args:
            path_BPA: as `plan` gives it.
            images_B2CSS: the earlier image, then the present one, as `to_float` gives them.
            states_B2A: robot states at the same times, normalised as actions are.
        """
        wanted = self.condition(path_BPA.flatten(1))
        own = self.state_in(states_B2A.flatten(1))
        *_, fine, coarse = self.images(images_B2CSS[:, 1], images_B2CSS[:, 0], wanted)
        seen = self.image_in(coarse.flatten(1))
        looks = self.look(wanted + own + seen).unflatten(1, (self.config.num_looks, -1))
        looks = self.readout(looks, fine[:, None])
        parts = (self.path_in(path_BPA) + self.phases, looks, seen[:, None], own[:, None])
        return self.head.encode(torch.cat(parts, dim=1))


def _readout(config: ModelConfig, stages: tuple[tuple[int, int], ...]) -> SpatialReadout:
    """Over the map before the last one, which has twice its resolution."""
    return SpatialReadout(config.diffusion.width, stages[-2][0], heads=4)
