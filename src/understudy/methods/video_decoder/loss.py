"""What the video decoder minimises: the diffusion loss of its action chunks, and the error of the path it plans."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from understudy.methods.experiment import Batch
from understudy.methods.video_decoder.model import VideoDecoder
from understudy.networks.image_encoder import ColourJitter, random_colours, to_float

__all__ = ["LossConfig", "loss"]

_POSITION = 3
"""An action begins with the wrist's position."""


@dataclass(frozen=True)
class LossConfig:
    """Weights and augmentation."""

    path_weight: float = 2.0
    """Of the planned path's mean squared error, beside the diffusion loss."""
    path_shift: float = 0.05
    """The head is trained on paths whose positions are shifted by a normal error of this size, in the normalised range
    (1 to 1.5 cm): as large as the error of a new prompt's path. What is exact, it must see for itself."""
    blank_probability: float = 0.05
    """Share of prompts that are blackened: the policy then does anything that the scene allows."""
    jitter: float = 0.15
    """Of colours: gains of `ColourJitter`. Places never move."""


def loss(
    model: VideoDecoder, batch: Batch, generator: torch.Generator, config: LossConfig
) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
    """Mean over samples and windows.

    Args:
        model: in training mode.
        batch: as `episodes.paired.PairedWindows` gives it.
        generator: of colours, blanks and diffusion noise.
        config: weights.
    """
    times = batch["actions"].shape[1]
    blank = torch.rand(len(batch["prompt"]), generator=generator, device=generator.device) < config.blank_probability
    prompt, images = (
        to_float(batch[name], random_colours(len(blank), ColourJitter(config.jitter), generator))
        for name in ("prompt", "images")
    )
    prompt[blank] = -1
    path = model.plan(prompt)
    path_error = ((path.float() - batch["path"]) ** 2).flatten(1).mean(1)
    path_loss = (path_error * ~blank).sum() / (~blank).sum().clamp(min=1)
    shown = path.repeat_interleave(times, 0)
    shift = torch.randn(len(shown), 1, _POSITION, generator=generator, device=generator.device) * config.path_shift
    shown = shown + torch.nn.functional.pad(shift, (0, shown.shape[-1] - _POSITION))
    context = model.context(shown, images.flatten(0, 1), batch["states"].flatten(0, 1))
    action_loss = model.head.loss(context, batch["actions"].flatten(0, 1), generator).mean()
    total = action_loss + config.path_weight * path_loss
    return total, {"action": action_loss.detach(), "path": path_loss.detach()}
