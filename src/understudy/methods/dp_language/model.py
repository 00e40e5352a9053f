"""Diffusion policy that a label conditions: image and proprioception history in, a chunk of actions out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.methods.dp_language.text import Text
from understudy.networks.action_diffusion import ActionDiffusion, DiffusionConfig
from understudy.networks.image_encoder import ImageEncoder
from understudy.networks.spatial_readout import SpatialReadout

__all__ = ["LanguageDiffusion", "ModelConfig"]


@dataclass(frozen=True)
class ModelConfig:
    """Sizes."""

    image_size: int = 96
    chunk: int = 8
    action_size: int = 7
    image_stages: tuple[tuple[int, int], ...] = ((32, 4), (64, 2), (64, 1), (64, 2))
    num_looks: int = 4
    """Places of the present image that are looked at, chosen by label and state."""
    diffusion: DiffusionConfig = field(
        default_factory=lambda: DiffusionConfig(
            width=128, heads=4, encoder_layers=2, decoder_layers=3, attention_dropout=0.0, dropout=0.0
        )
    )


class LanguageDiffusion(nn.Module):
    """Label, two images and two robot states to a chunk of actions."""

    known_labels: Tensor

    def __init__(self, config: ModelConfig, text: Text, labels: Sequence[str]) -> None:
        """A new network.

        Args:
            config: sizes.
            text: how labels are read.
            labels: training labels: batches name them by their place in this list.
        """
        super().__init__()
        self.config = config
        width = config.diffusion.width
        self.text = text.make_encoder(width)
        self.register_buffer("known_labels", text.features(list(labels)), persistent=False)
        self.images = ImageEncoder(config.image_size, condition=width, stages=config.image_stages)
        self.image_in = nn.Linear(self.images.size, width)
        self.look = nn.Linear(width, config.num_looks * width)
        self.readout = SpatialReadout(width, config.image_stages[-2][0], heads=4)
        self.state_in = nn.Linear(2 * config.action_size, width)
        self.head = ActionDiffusion(config.diffusion, config.chunk, config.action_size)

    def context(
        self,
        label_BD: Float[Tensor, "B D"],
        images_B2CSS: Float[Tensor, "B 2 3 S S"],
        states_B2A: Float[Tensor, "B 2 A"],
    ) -> Float[Tensor, "B M D"]:
        """Condition tokens of the action head.

        Args:
            label_BD: vectors of `text`.
            images_B2CSS: the earlier image, then the present one, as `to_float` gives them.
            states_B2A: robot states at the same times, normalised as actions are.
        """
        *_, fine, coarse = self.images(images_B2CSS[:, 1], images_B2CSS[:, 0], label_BD)
        seen = self.image_in(coarse.flatten(1))
        own = self.state_in(states_B2A.flatten(1))
        looks = self.look(label_BD + own + seen).unflatten(1, (self.config.num_looks, -1))
        looks = self.readout(looks, fine[:, None])
        return self.head.encode(torch.cat([label_BD[:, None], looks, seen[:, None], own[:, None]], dim=1))
