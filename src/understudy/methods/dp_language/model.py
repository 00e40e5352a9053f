"""Diffusion policy that a label conditions: image and proprioception history in, a chunk of actions out."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from understudy.networks.looking_actor import LookConfig, LookingActor
from understudy.networks.text import Text

__all__ = ["LanguageDiffusion"]


class LanguageDiffusion(LookingActor):
    """Label, two images and two robot states to a chunk of actions."""

    known_labels: Tensor

    def __init__(self, config: LookConfig, text: Text, labels: Sequence[str]) -> None:
        """A new network.

        Args:
            config: sizes.
            text: how labels are read.
            labels: training labels: batches name them by their place in this list.
        """
        super().__init__(config)
        self.config = config
        self.text = text.make_encoder(config.diffusion.width)
        self.register_buffer("known_labels", text.features(list(labels)), persistent=False)

    def context(
        self,
        label_BD: Float[Tensor, "B D"],
        images_B2CSS: Float[Tensor, "B 2 3 S S"],
        states_B2A: Float[Tensor, "B 2 A"] | None,
    ) -> Float[Tensor, "B M D"]:
        """Condition tokens of the action head.

        Args:
            label_BD: vectors of `text`.
            images_B2CSS: the earlier image, then the present one, as `to_float` gives them.
            states_B2A: robot states at the same times, normalised as actions are.
        """
        return self.encode(label_BD, label_BD[:, None], images_B2CSS, states_B2A)
