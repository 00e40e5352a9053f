"""Stage 2 as the paper has it: one token joins z and what is seen, and nothing else is told to the action head.

    h_0 = [s_t, z] W_e + b_e,    s_t = ResNet-34(o_t) in R^1000, z in R^4096        (section 3.2)

There is one such token for each of the two observations, beside the clustering token.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.methods.video_prompt.familiarity import Familiarity
from understudy.methods.video_prompt.model import PARTS
from understudy.networks.action_diffusion import ActionDiffusion, DiffusionConfig
from understudy.networks.resnet import ResNetFeatures, ResNetSizes

__all__ = ["JointConfig", "JointPromptModel"]


@dataclass(frozen=True)
class JointConfig:
    """Sizes; the defaults are the paper's (section 3.2 and Table 4)."""

    num_phases: ClassVar[int] = 1
    """No path is planned: that of the data has one row, which nothing reads."""
    things: ClassVar[int] = 0
    """Nor put where things stand."""

    image_size: int = 160
    chunk: int = 8
    action_size: int = sum(PARTS)
    z_size: int = 4096
    """Length of the representation, Z."""
    images: ResNetSizes = field(default_factory=ResNetSizes)
    diffusion: DiffusionConfig = field(default_factory=DiffusionConfig)
    familiar_prompts: int = 0
    """Training prompts that `Familiarity` knows; 0 while training."""


class JointPromptModel(nn.Module):
    """Z and two images to a chunk of actions: RGB only."""

    def __init__(self, config: JointConfig) -> None:
        super().__init__()
        self.config = config
        width = config.diffusion.width
        self.images = ResNetFeatures(config.images)
        self.join = nn.Linear(config.images.features + config.z_size, width)
        self.times = nn.Parameter(torch.randn(2, width) * 0.02)
        self.cluster = nn.Parameter(torch.randn(width) * 0.02)
        self.head = ActionDiffusion(config.diffusion, config.chunk, PARTS)
        self.familiarity = Familiarity(config.z_size, config.familiar_prompts) if config.familiar_prompts else None

    def plan(self, z_BZ: Float[Tensor, "B Z"]) -> Float[Tensor, "B Z"]:
        """What the action head learns of the prompt: z itself."""
        return z_BZ

    def context(
        self,
        z_BZ: Float[Tensor, "B Z"],
        images_B2CSS: Float[Tensor, "B 2 3 S S"],
        states_B2A: None = None,
    ) -> Float[Tensor, "B 3 D"]:
        """Condition tokens of the action head; the first is the clustering token's output h (section 3.3)."""
        seen_B2F = self.images(images_B2CSS.flatten(0, 1)).unflatten(0, (-1, 2))
        joined = self.join(torch.cat([seen_B2F, z_BZ[:, None].expand(-1, 2, -1)], dim=-1)) + self.times
        return self.head.encode(torch.cat([self.cluster.expand(len(z_BZ), 1, -1), joined], dim=1))
