"""Frames to CLIP image embeddings, resized as SVD does."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, pad
from transformers import CLIPVisionModelWithProjection

__all__ = ["CLIP_MEAN", "CLIP_STD", "ClipFrames", "resize_for_clip"]

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""Of the colours, 0 to 1, as published with CLIP."""


class ClipFrames(nn.Module):
    """A frozen CLIP vision tower with its projection."""

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        clip: CLIPVisionModelWithProjection,
        mean: Sequence[float] = CLIP_MEAN,
        std: Sequence[float] = CLIP_STD,
    ) -> None:
        super().__init__()
        self.clip = clip.eval().requires_grad_(False)
        self.size: int = clip.config.image_size
        self.width: int = clip.config.projection_dim
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)

    @torch.no_grad()
    def forward(self, images_BCSS: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B E"]:
        """Embeddings of images in -1 to 1 of any size, not normalised to unit length."""
        colours = (resize_for_clip(images_BCSS, self.size) + 1) / 2
        pixels = (colours - self.mean) / self.std
        return self.clip(pixels.to(self.clip.dtype)).image_embeds.float()


def resize_for_clip(images_BCHW: Float[Tensor, "B C H W"], size: int) -> Float[Tensor, "B C size size"]:
    """Bicubic with corners aligned, after a Gaussian blur of (shrinking factor - 1) / 2 pixels where it shrinks.

    SVD's weights have seen images resized in this way. The blur's kernel spans 4 sigma, at least 3 pixels, and is odd.
    """
    for axis in (2, 3):
        sigma = (images_BCHW.shape[axis] / size - 1) / 2
        if sigma > 0:
            images_BCHW = _blurred(images_BCHW, sigma, axis)
    return interpolate(images_BCHW, size=(size, size), mode="bicubic", align_corners=True)


def _blurred(x: Tensor, sigma: float, axis: int) -> Tensor:
    half = int(max(4 * sigma, 3)) // 2
    places = torch.arange(-half, half + 1, device=x.device, dtype=x.dtype)
    weights = torch.softmax(-(places**2) / (2 * sigma**2), dim=0)
    channels, vertical = x.shape[1], axis == 2
    kernel = weights.view(1, 1, -1, 1) if vertical else weights.view(1, 1, 1, -1)
    padded = pad(x, (0, 0, half, half) if vertical else (half, half, 0, 0), mode="reflect")
    return conv2d(padded, kernel.expand(channels, -1, -1, -1), groups=channels)
