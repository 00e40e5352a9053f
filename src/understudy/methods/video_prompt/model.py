"""Stage 2: z to a path, path and images to a chunk of actions; a clustering token on the way."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.methods.video_prompt.familiarity import Familiarity
from understudy.networks.looking_actor import LookConfig, PathActor
from understudy.networks.transformer import Block, position_codes

__all__ = ["PARTS", "ModelConfig", "PromptPolicyModel"]

PARTS = (3, 4, 12)
"""Numbers of an action of the XHand for the position of the wrist, its rotation, the fingers: each has its own head."""


@dataclass(frozen=True)
class ModelConfig(LookConfig):
    """Sizes."""

    action_size: int = sum(PARTS)
    z_size: int = 4096
    """Length of the representation, Z."""
    z_tokens: int = 8
    """Runs of z that are a token each: the times of `RepresentationConfig`."""
    num_phases: int = 16
    """Way-points of the path."""
    plan_layers: int = 3
    familiar_prompts: int = 0
    """Training prompts that `Familiarity` knows; 0 while training."""
    plan_dropout: float = 0.1
    """Of z's numbers in training: z is made of few clips, and no one number of it may be leaned on."""


class PromptPolicyModel(PathActor):
    """Z and two images to a chunk of actions: RGB only."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, config.num_phases, proprioception=False, parts=PARTS)
        self.config = config
        width, heads = config.diffusion.width, config.diffusion.heads
        self.z_in = nn.Linear(config.z_size // config.z_tokens, width)
        self.z_dropout = nn.Dropout(config.plan_dropout)
        self.queries = nn.Parameter(torch.randn(config.num_phases, width) * 0.02)
        self.plan_blocks = nn.ModuleList([Block(width, heads) for _ in range(config.plan_layers)])
        self.plan_norm = nn.LayerNorm(width)
        self.path = nn.Linear(width, config.action_size)
        self.cluster = nn.Parameter(torch.randn(width) * 0.02)
        self.familiarity = Familiarity(config.z_size, config.familiar_prompts) if config.familiar_prompts else None

    def plan(self, z_BZ: Float[Tensor, "B Z"]) -> Float[Tensor, "B P A"]:
        """The path that the robot is to take (normalised): all that the action head learns of the prompt."""
        tokens = self.z_in(self.z_dropout(z_BZ).unflatten(1, (self.config.z_tokens, -1)))
        tokens = tokens + position_codes(torch.arange(tokens.shape[1], device=tokens.device), tokens.shape[-1])
        x = torch.cat([self.queries.expand(len(z_BZ), -1, -1), tokens], dim=1)
        for block in self.plan_blocks:
            x = block(x)
        return self.path(self.plan_norm(x[:, : len(self.queries)]))

    def context(
        self,
        path_BPA: Float[Tensor, "B P A"],
        images_B2CSS: Float[Tensor, "B 2 3 S S"],
        states_B2A: Float[Tensor, "B 2 A"] | None = None,
    ) -> Float[Tensor, "B M D"]:
        """Condition tokens of the action head; the first is the clustering token's output h (section 3.3)."""
        tokens = torch.cat([self.cluster.expand(len(path_BPA), 1, -1), self.path_in(path_BPA) + self.phases], dim=1)
        return self.encode(self.condition(path_BPA.flatten(1)), tokens, images_B2CSS, states_B2A)
