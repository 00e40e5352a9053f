"""Stage 2: z to a path, path and images to a chunk of actions; a clustering token on the way."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.methods.video_prompt.familiarity import Familiarity
from understudy.methods.video_prompt.whereabouts import Whereabouts, WhereaboutsReader
from understudy.methods.video_prompt.z_reader import MapReader, TokenReader
from understudy.networks.looking_actor import LookConfig, PathActor

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
    """Runs of z, one for each of its times. Training takes this and the other sizes of z from the representation."""
    z_cells: int = 8
    """Places of each run along a side; 1: a run is one token without places."""
    num_phases: int = 16
    """Way-points of the path."""
    plan_layers: int = 2
    ahead: int = 4
    """Way-points from the present one on that the action head is told; 0: it is told neither them nor where the body
    is, and has to find both in the images."""
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
        tokens, sizes = config.z_tokens, (config.num_phases, width, heads, config.plan_layers)
        self.reader = (
            TokenReader(config.z_size, tokens, *sizes)
            if config.z_cells == 1
            else MapReader(config.z_size, tokens, config.z_cells, *sizes)
        )
        self.z_dropout = nn.Dropout(config.plan_dropout)
        self.path = nn.Linear(width, config.action_size)
        self.cluster = nn.Parameter(torch.randn(width) * 0.02)
        self.whereabouts = (
            WhereaboutsReader(config.num_looks + 1, width, config.action_size, config.ahead) if config.ahead else None
        )
        self.familiarity = Familiarity(config.z_size, config.familiar_prompts) if config.familiar_prompts else None

    def plan(self, z_BZ: Float[Tensor, "B Z"]) -> Float[Tensor, "B P A"]:
        """The path that the robot is to take (normalised): all that the action head learns of the prompt."""
        return self.path(self.reader(self.z_dropout(z_BZ)))

    def context(
        self,
        path_BPA: Float[Tensor, "B P A"],
        images_B2CSS: Float[Tensor, "B 2 3 S S"],
        states_B2A: Float[Tensor, "B 2 A"] | None = None,
    ) -> Float[Tensor, "B M D"]:
        """Condition tokens of the action head; the first is the clustering token's output h (section 3.3)."""
        return self.observe(path_BPA, images_B2CSS)[0]

    def observe(
        self, path_BPA: Float[Tensor, "B P A"], images_B2CSS: Float[Tensor, "B 2 3 S S"]
    ) -> tuple[Float[Tensor, "B M D"], Whereabouts | None]:
        """Condition tokens as `context` gives them, and where the body is seen to be."""
        phases, wanted = self.path_in(path_BPA) + self.phases, self.condition(path_BPA.flatten(1))
        seen = self.seen(wanted, images_B2CSS, None)
        tokens = [self.cluster.expand(len(path_BPA), 1, -1), phases, seen]
        where = None
        if self.whereabouts is not None:
            where = self.whereabouts(seen, path_BPA, phases)
            tokens.append(where.tokens)
        return self.head.encode(torch.cat(tokens, dim=1)), where
