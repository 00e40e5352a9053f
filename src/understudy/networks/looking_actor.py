"""What turns what is wanted into a chunk of actions: a CNN that looks at the present image for it, a diffusion head.

The policies of this project differ in how they know what is wanted: from a label, from a path read out of a video, from
the features of a video model. They share this.
"""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.networks.action_diffusion import ActionDiffusion, DiffusionConfig
from understudy.networks.image_encoder import ImageEncoder
from understudy.networks.spatial_readout import SpatialReadout

__all__ = ["LookConfig", "LookingActor", "PathActor"]


@dataclass(frozen=True)
class LookConfig:
    """Sizes that all such policies have."""

    image_size: int = 96
    chunk: int = 8
    action_size: int = 7
    image_stages: tuple[tuple[int, int], ...] = ((32, 4), (64, 2), (64, 1), (64, 2))
    num_looks: int = 4
    """Places of the present image that are looked at, chosen by what is wanted, what is seen and the robot's state."""
    diffusion: DiffusionConfig = field(
        default_factory=lambda: DiffusionConfig(
            width=128,
            heads=4,
            encoder_layers=2,
            decoder_layers=3,
            attention_dropout=0.0,
            dropout=0.0,
            mlp_dropout=0.0,
        )
    )


class LookingActor(nn.Module):
    """Two images, perhaps two robot states, and what is wanted to the condition tokens of an action head."""

    def __init__(self, config: LookConfig, *, proprioception: bool = True, parts: tuple[int, ...] = ()) -> None:
        """Make the network.

        Args:
            config: sizes.
            proprioception: whether it is told the robot's state.
            parts: numbers of an action that have an output head of their own, see `ActionDiffusion`; all by default.
        """
        super().__init__()
        width = config.diffusion.width
        self.num_looks = config.num_looks
        self.images = ImageEncoder(config.image_size, condition=width, stages=config.image_stages)
        self.image_in = nn.Linear(self.images.size, width)
        self.state_in = nn.Linear(2 * config.action_size, width) if proprioception else None
        self.look = nn.Linear(width, config.num_looks * width)
        self.readout = SpatialReadout(width, config.image_stages[-2][0], heads=4)
        self.head = ActionDiffusion(config.diffusion, config.chunk, parts or (config.action_size,))

    def encode(
        self,
        wanted_BD: Float[Tensor, "B D"],
        tokens_BND: Float[Tensor, "B N D"],
        images_B2CSS: Float[Tensor, "B 2 3 S S"],
        states_B2A: Float[Tensor, "B 2 A"] | None,
    ) -> Float[Tensor, "B M D"]:
        """Condition tokens: those that are given, what is found where the network looks, the whole image, the state.

        Args:
            wanted_BD: what is wanted; it modulates the CNN and chooses where to look.
            tokens_BND: more about what is wanted.
            images_B2CSS: the earlier image, then the present one, as `to_float` gives them.
            states_B2A: robot states at the same times, normalised as actions are; None without proprioception.
        """
        return self.head.encode(torch.cat([tokens_BND, self.seen(wanted_BD, images_B2CSS, states_B2A)], dim=1))

    def seen(
        self,
        wanted_BD: Float[Tensor, "B D"],
        images_B2CSS: Float[Tensor, "B 2 3 S S"],
        states_B2A: Float[Tensor, "B 2 A"] | None,
    ) -> Float[Tensor, "B N D"]:
        """Tokens of what is found where the network looks, of the whole image, and of the state; see `encode`."""
        *_, fine, coarse = self.images(images_B2CSS[:, 1], images_B2CSS[:, 0], wanted_BD)
        known = [self.image_in(coarse.flatten(1))]
        if self.state_in is not None:
            assert states_B2A is not None
            known.append(self.state_in(states_B2A.flatten(1)))
        looks = self.look(wanted_BD + torch.stack(known).sum(0)).unflatten(1, (self.num_looks, -1))
        looks = self.readout(looks, fine[:, None])
        return torch.cat([looks, *(part[:, None] for part in known)], dim=1)


class PathActor(LookingActor):
    """What is wanted is a path: where the wrist is to be at P phases of the episode, and how open the hand."""

    def __init__(
        self, config: LookConfig, num_phases: int, *, proprioception: bool = True, parts: tuple[int, ...] = ()
    ) -> None:
        """Make the network.

        Args:
            config: sizes.
            num_phases: way-points of the path, P, evenly spaced in time.
            proprioception: see `LookingActor`.
            parts: see `LookingActor`.
        """
        super().__init__(config, proprioception=proprioception, parts=parts)
        width = config.diffusion.width
        self.path_in = nn.Linear(config.action_size, width)
        self.phases = nn.Parameter(torch.randn(num_phases, width) * 0.02)
        self.condition = nn.Sequential(nn.Linear(num_phases * config.action_size, width), nn.GELU())

    def context(
        self,
        path_BPA: Float[Tensor, "B P A"],
        images_B2CSS: Float[Tensor, "B 2 3 S S"],
        states_B2A: Float[Tensor, "B 2 A"] | None,
    ) -> Float[Tensor, "B M D"]:
        """Condition tokens of the action head; `path_BPA` is normalised, for the others see `encode`."""
        tokens = self.path_in(path_BPA) + self.phases
        return self.encode(self.condition(path_BPA.flatten(1)), tokens, images_B2CSS, states_B2A)
