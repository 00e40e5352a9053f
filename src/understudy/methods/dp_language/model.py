"""Diffusion policy that a label conditions: image and proprioception history in, a chunk of actions out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from understudy.methods.dp_language.text import Text
from understudy.networks.action_diffusion import ActionDiffusion, DiffusionConfig
from understudy.networks.image_encoder import ImageEncoder, image_pair

__all__ = ["LanguageDiffusion", "ModelConfig"]


@dataclass(frozen=True)
class ModelConfig:
    """Sizes."""

    image_size: int = 96
    chunk: int = 8
    action_size: int = 7
    image_stages: tuple[tuple[int, int], ...] = ((32, 4), (64, 2), (64, 1), (64, 2))
    image_tokens: int = 4
    """The feature map is read out as so many tokens."""
    diffusion: DiffusionConfig = field(
        default_factory=lambda: DiffusionConfig(
            width=192, heads=6, encoder_layers=2, decoder_layers=3, attention_dropout=0.0, dropout=0.0
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
        self.images = ImageEncoder(6, config.image_size, condition=width, stages=config.image_stages)
        self.image_in = nn.Linear(self.images.size, config.image_tokens * width)
        self.state_in = nn.Linear(2 * config.action_size, width)
        self.head = ActionDiffusion(config.diffusion, config.chunk, config.action_size)

    def context(
        self,
        label_BD: Float[Tensor, "B D"],
        images_B2SSC: UInt8[Tensor, "B 2 S S 3"],
        states_B2A: Float[Tensor, "B 2 A"],
    ) -> Float[Tensor, "B M D"]:
        """Condition tokens of the action head.

        Args:
            label_BD: vectors of `text`.
            images_B2SSC: the earlier image, then the present one.
            states_B2A: robot states at the same times, normalised as actions are.
        """
        pixels = image_pair(images_B2SSC)
        seen = self.image_in(self.images(pixels, label_BD).flatten(1)).unflatten(1, (self.config.image_tokens, -1))
        own = self.state_in(states_B2A.flatten(1))
        return self.head.encode(torch.cat([label_BD[:, None], seen, own[:, None]], dim=1))
