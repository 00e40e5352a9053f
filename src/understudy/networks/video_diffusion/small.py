"""The small video model, for a laptop's CPU: own autoencoder and UNet behind the same interface as SVD.

It differs from SVD where that is what makes an hour of two cores enough: latents of single frames, two levels; what is
estimated is how a video differs from its first frame, so that new weights hold that still; and the prompt enters as
places in its frames (4 x 4 of each, from the same latents), not as one vector a frame.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.errors import UnknownName
from understudy.networks.edm import EDM
from understudy.networks.transformer import position_codes
from understudy.networks.video_diffusion.small_autoencoder import FACTOR, Autoencoder
from understudy.networks.video_diffusion.small_unet import UP_BLOCKS, SmallUNet, UNetConfig
from understudy.networks.video_diffusion.video_model import Denoised, VideoModel, is_blank

__all__ = ["SmallConfig", "SmallVideoModel"]


@dataclass(frozen=True)
class SmallConfig:
    """Sizes."""

    image_size: int = 64
    """Of all frames [px]; a multiple of 16."""
    unet: UNetConfig = field(default_factory=UNetConfig)
    autoencoder_widths: tuple[int, int, int] = (32, 64, 96)
    prompt_width: int = 128
    """Of the prompt's tokens, D."""


class SmallVideoModel(VideoModel):
    """Latents of 1/8 of the size; M = N (S/16)^2 tokens for a prompt of N frames."""

    levels = EDM(sigma_data=1.0, sigma_min=0.002, sigma_max=80.0)

    def __init__(self, config: SmallConfig) -> None:
        super().__init__()
        self.config, self.image_size = config, config.image_size
        width, grid = config.prompt_width, config.image_size // FACTOR
        self.autoencoder = Autoencoder(config.unet.latent, config.autoencoder_widths)
        self.autoencoder.requires_grad_(False)
        self.prompt = nn.Sequential(
            nn.Conv2d(2 * config.unet.latent, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, width, 3, 2, 1)
        )
        self.prompt_places = nn.Parameter(torch.randn(width, grid // 2, grid // 2) * 0.02)
        self.prompt_norm = nn.LayerNorm(width)
        self.unet = SmallUNet(config.unet, grid, width)

    @property
    def tap_channels(self) -> Mapping[str, int]:
        """See `VideoModel`."""
        return dict(zip(UP_BLOCKS, reversed(self.config.unet.widths), strict=True))

    @torch.no_grad()
    def encode(self, frames_BTCSS: Float[Tensor, "B T 3 S S"]) -> Float[Tensor, "B T L G G"]:
        """See `VideoModel`; the autoencoder must be in evaluation mode."""
        return self.autoencoder.encode(frames_BTCSS.flatten(0, 1)).unflatten(0, frames_BTCSS.shape[:2])

    @torch.no_grad()
    def decode(self, latents_BTLGG: Float[Tensor, "B T L G G"]) -> Float[Tensor, "B T 3 S S"]:
        """See `VideoModel`."""
        frames = self.autoencoder.decode(latents_BTLGG.flatten(0, 1)).clamp(-1, 1)
        return frames.unflatten(0, latents_BTLGG.shape[:2])

    def prompt_tokens(
        self, prompt_BNCSS: Float[Tensor, "B N 3 S S"], first_BCSS: Float[Tensor, "B 3 S S"]
    ) -> Float[Tensor, "B M D"]:
        """From the latents of the prompt's frames and their change since its first frame; `first` is not used."""
        tokens = self.tokens_of_latents(self.encode(prompt_BNCSS))
        return tokens * ~is_blank(prompt_BNCSS)[:, None, None]

    def tokens_of_latents(self, latents_BNLGG: Float[Tensor, "B N L G G"]) -> Float[Tensor, "B M D"]:
        """As `prompt_tokens`, of a prompt that is encoded already."""
        batch, length = latents_BNLGG.shape[:2]
        seen = torch.cat([latents_BNLGG, latents_BNLGG - latents_BNLGG[:, :1]], dim=2)
        x = (self.prompt(seen.flatten(0, 1)) + self.prompt_places).flatten(2).transpose(1, 2)
        codes = position_codes(torch.arange(length, device=x.device), x.shape[-1])
        return self.prompt_norm(x.unflatten(0, (batch, length)) + codes[:, None]).flatten(1, 2)

    def denoise(
        self,
        noisy_BTLGG: Float[Tensor, "B T L G G"],
        sigma_B: Float[Tensor, " B"],
        first_BLGG: Float[Tensor, "B L G G"],
        tokens_BMD: Float[Tensor, "B M D"],
        taps: tuple[str, ...] = (),
    ) -> Denoised:
        """See `VideoModel`."""
        for tap in taps:
            if tap not in UP_BLOCKS:
                raise UnknownName("up-block", tap, UP_BLOCKS)
        maps: dict[str, Tensor] = {}

        def network(x: Tensor, c_noise: Tensor) -> Tensor:
            out, features = self.unet(x, c_noise, first_BLGG, tokens_BMD)
            maps.update(features)
            return out

        first_B1LGG = first_BLGG[:, None]
        change = self.levels.denoise(network, noisy_BTLGG - first_B1LGG, sigma_B)
        return Denoised(first_B1LGG + change, {tap: maps[tap] for tap in taps})
