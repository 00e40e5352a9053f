"""What the language policy minimises: the diffusion loss of its action chunks."""

import torch
from jaxtyping import Float
from torch import Tensor

from understudy.methods.dp_language.model import LanguageDiffusion
from understudy.methods.experiment import Batch
from understudy.networks.image_encoder import ColourJitter, random_colours, to_float

__all__ = ["loss"]


def loss(
    model: LanguageDiffusion, batch: Batch, generator: torch.Generator, jitter: float, blank_probability: float
) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
    """Mean over samples and windows.

    Args:
        model: in training mode.
        batch: as `episodes.paired.PairedWindows` gives it, without the prompt.
        generator: of colours and diffusion noise.
        jitter: gains of `ColourJitter`.
        blank_probability: share of labels that are left out: zeros, as for an empty label.
    """
    times = batch["actions"].shape[1]
    blank = torch.rand(len(batch["label"]), generator=generator, device=generator.device) < blank_probability
    label = (model.text(model.known_labels[batch["label"]]) * ~blank[:, None]).repeat_interleave(times, 0)
    images = to_float(batch["images"], random_colours(len(batch["images"]), ColourJitter(jitter), generator))
    context = model.context(label, images.flatten(0, 1), batch["states"].flatten(0, 1))
    total = model.head.loss(context, batch["actions"].flatten(0, 1), generator).mean()
    return total, {"action": total.detach()}
