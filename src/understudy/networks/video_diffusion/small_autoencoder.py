"""A small convolutional autoencoder of single frames: the latents that the small video model works in."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["FACTOR", "Autoencoder"]

FACTOR = 8
"""Pixels per cell of the latents, in each direction."""
_GROUPS = 8


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.GroupNorm(_GROUPS, channels),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.GroupNorm(_GROUPS, channels),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Autoencoder(nn.Module):
    """Frames (S x S x 3) to latents (S/8 x S/8 x L) of zero mean and unit variance in every channel, and back.

    Latents are brought to unit variance by batch statistics in training and by their running mean afterwards; training
    adds noise to them, so that what is near in latents looks alike.
    """

    def __init__(self, latent: int, widths: tuple[int, int, int] = (32, 64, 96), noise: float = 0.1) -> None:
        """Sizes.

        Args:
            latent: channels of the latents, L.
            widths: channels at 1/2, 1/4 and 1/8 of the size; multiples of 8.
            noise: standard deviation of the noise on latents in training.
        """
        super().__init__()
        first, second, third = widths
        self.noise = noise
        self.encoder = nn.Sequential(
            nn.Conv2d(3, first, 4, 2, 1),
            nn.SiLU(),
            nn.Conv2d(first, second, 4, 2, 1),
            _Residual(second),
            nn.Conv2d(second, third, 4, 2, 1),
            _Residual(third),
            nn.Conv2d(third, latent, 1),
        )
        self.scale = nn.BatchNorm2d(latent, affine=False, momentum=0.05)
        self.decoder = nn.Sequential(
            nn.Conv2d(latent, third, 3, padding=1),
            _Residual(third),
            nn.ConvTranspose2d(third, second, 4, 2, 1),
            _Residual(second),
            nn.ConvTranspose2d(second, first, 4, 2, 1),
            nn.SiLU(),
            nn.ConvTranspose2d(first, 3, 4, 2, 1),
        )

    def encode(self, frames_BCSS: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B L G G"]:
        """Latents of frames from -1 to 1."""
        return self.scale(self.encoder(frames_BCSS))

    def decode(self, latents_BLGG: Float[Tensor, "B L G G"]) -> Float[Tensor, "B 3 S S"]:
        """Frames; not clipped."""
        return self.decoder(latents_BLGG)

    def loss(self, frames_BCSS: Float[Tensor, "B 3 S S"], generator: torch.Generator) -> Float[Tensor, ""]:
        """Mean squared plus mean absolute error of what comes back."""
        latents = self.encode(frames_BCSS)
        noise = torch.randn(latents.shape, generator=generator, device=latents.device)
        error = self.decode(latents + self.noise * noise).float() - frames_BCSS
        return error.square().mean() + 0.1 * error.abs().mean()
