"""A small space-time UNet in the layout of SVD's: residual blocks in space, attention over time and over a prompt.

Two levels: cells of the latents (G x G) and half as many in each direction. What makes it quick beside its widths is
that attention over space and over the prompt happens at the coarse level alone. What makes it learn quickly is that the
prompt, whose tokens are places in its frames, is also added where and when it lies: attention then need only find what
people and robots do at other times and places.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.networks.transformer import Attention, position_codes

__all__ = ["UP_BLOCKS", "SmallUNet", "UNetConfig"]

UP_BLOCKS = ("up_0", "up_1")
"""Blocks of the way up, from the coarse level to the fine one: what `taps` can name."""
_GROUPS = 8


@dataclass(frozen=True)
class UNetConfig:
    """Sizes."""

    latent: int = 24
    """Channels of the latents."""
    widths: tuple[int, int] = (128, 192)
    """Channels of the fine and the coarse level; multiples of 8 and of `heads`."""
    heads: int = 4
    blocks: int = 1
    """Space-time blocks per level on the way up and on the way down."""


class _SpaceTime(nn.Module):
    """Residual block in space, modulated by the noise level, then attention over time within a cell."""

    def __init__(self, inputs: int, width: int, emb: int, heads: int) -> None:
        super().__init__()
        self.norm_in, self.norm_out = nn.GroupNorm(_GROUPS, inputs), nn.GroupNorm(_GROUPS, width)
        self.conv_in = nn.Conv2d(inputs, width, 3, padding=1)
        self.conv_out = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv_out.weight)
        self.modulation = nn.Linear(emb, 2 * width)
        self.skip = nn.Conv2d(inputs, width, 1) if inputs != width else nn.Identity()
        self.norm = nn.LayerNorm(width)
        self.over_time = Attention(width, heads)

    def forward(self, x_BTCgg: Tensor, emb_BTE: Tensor) -> Tensor:
        batch, length, _, grid, _ = x_BTCgg.shape
        x = x_BTCgg.flatten(0, 1)
        scale, shift = self.modulation(emb_BTE.flatten(0, 1))[:, :, None, None].chunk(2, dim=1)
        h = self.conv_in(nn.functional.silu(self.norm_in(x)))
        h = self.conv_out(nn.functional.silu(self.norm_out(h) * (1 + scale) + shift))
        x = (self.skip(x) + h).unflatten(0, (batch, length)).flatten(3).permute(0, 3, 1, 2).flatten(0, 1)  # (B N) T C
        codes = position_codes(torch.arange(length, device=x.device), x.shape[-1])
        x = x + self.over_time(self.norm(x) + codes)
        return x.reshape(batch, grid, grid, length, -1).permute(0, 3, 4, 1, 2)


class _Attending(nn.Module):
    """A `_SpaceTime` block, then attention over space and over the prompt."""

    def __init__(self, inputs: int, width: int, emb: int, heads: int) -> None:
        super().__init__()
        self.block = _SpaceTime(inputs, width, emb, heads)
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(2)])
        self.over_space = Attention(width, heads)
        self.over_prompt = Attention(width, heads)

    def forward(self, x_BTCgg: Tensor, emb_BTE: Tensor, prompt_BMC: Tensor) -> Tensor:
        x = self.block(x_BTCgg, emb_BTE)
        batch, length, _, grid, _ = x.shape
        x = x.flatten(3).movedim(2, 3).flatten(0, 1)  # (B T) N C
        x = (x + self.over_space(self.norms[0](x))).reshape(batch, length * grid**2, -1)
        codes = position_codes(torch.arange(length, device=x.device), x.shape[-1]).repeat_interleave(grid**2, 0)
        x = x + self.over_prompt(self.norms[1](x) + codes, prompt_BMC)
        return x.reshape(batch, length, grid, grid, -1).movedim(-1, 2)


class SmallUNet(nn.Module):
    """F(c_in x; c_noise) of EDM for videos, given the first frame's latents and tokens of a prompt."""

    def __init__(self, config: UNetConfig, grid: int, prompt_width: int) -> None:
        """Make the network.

        Args:
            config: sizes.
            grid: cells of the latents along a side, G; even.
            prompt_width: of a token of the prompt.
        """
        super().__init__()
        fine, coarse = config.widths
        emb = 2 * fine
        self.noise = nn.Sequential(nn.Linear(fine, emb), nn.SiLU(), nn.Linear(emb, emb))
        self.places = nn.Parameter(torch.randn(fine, grid, grid) * 0.02)
        self.conv_in = nn.Conv2d(2 * config.latent, fine, 3, padding=1)
        self.prompt_there = nn.Linear(prompt_width, fine, bias=False)
        self.prompt_in = nn.Linear(prompt_width, coarse)
        count, heads = config.blocks, config.heads
        self.down_fine = nn.ModuleList([_SpaceTime(fine, fine, emb, heads) for _ in range(count)])
        self.lower = nn.Conv2d(fine, coarse, 3, 2, 1)
        self.down_coarse = nn.ModuleList([_Attending(coarse, coarse, emb, heads) for _ in range(count)])
        self.up_coarse = nn.ModuleList([_Attending(2 * coarse, coarse, emb, heads) for _ in range(count)])
        self.raise_ = nn.Conv2d(coarse, fine, 3, padding=1)
        self.up_fine = nn.ModuleList([_SpaceTime(2 * fine, fine, emb, heads) for _ in range(count)])
        self.norm_out = nn.GroupNorm(_GROUPS, fine)
        self.conv_out = nn.Conv2d(fine, config.latent, 3, padding=1)
        for parameter in self.conv_out.parameters():
            nn.init.zeros_(parameter)

    def forward(
        self,
        x_BTLGG: Float[Tensor, "B T L G G"],
        c_noise_B: Float[Tensor, " B"],
        first_BLGG: Float[Tensor, "B L G G"],
        tokens_BMD: Float[Tensor, "B M D"],
    ) -> tuple[Float[Tensor, "B T L G G"], Mapping[str, Float[Tensor, "B T C g g"]]]:
        """F, and the maps after each of `UP_BLOCKS`.

        Tokens are those of (G/2)^2 places in frames at even times, the frames in order, their number M (2/G)^2.
        """
        length = x_BTLGG.shape[1]
        x = torch.cat([x_BTLGG, first_BLGG[:, None].expand(-1, length, -1, -1, -1)], dim=2)
        x = _each(self.conv_in, x) + self.places + self._where_it_lies(tokens_BMD, length)
        codes = position_codes(torch.arange(length, device=x.device), x.shape[2])
        noise = position_codes(1000 * c_noise_B, x.shape[2], longest=10_000.0)
        emb = self.noise(noise[:, None] + codes)
        prompt = self.prompt_in(tokens_BMD)
        kept = []
        for block in self.down_fine:
            x = block(x, emb)
            kept.append(x)
        x = _each(self.lower, x)
        for block in self.down_coarse:
            x = block(x, emb, prompt)
            kept.append(x)
        for block in self.up_coarse:
            x = block(torch.cat([x, kept.pop()], dim=2), emb, prompt)
        maps = {UP_BLOCKS[0]: x}
        x = nn.functional.interpolate(x.flatten(0, 1), scale_factor=2.0, mode="nearest")
        x = self.raise_(x).unflatten(0, (-1, length))
        for block in self.up_fine:
            x = block(torch.cat([x, kept.pop()], dim=2), emb)
        maps[UP_BLOCKS[1]] = x
        out = nn.functional.silu(self.norm_out(x.flatten(0, 1)))
        return self.conv_out(out).unflatten(0, (-1, length)), maps

    def _where_it_lies(self, tokens_BMD: Float[Tensor, "B M D"], length: int) -> Float[Tensor, "B T C G G"]:
        """The prompt at its own places, its frames spread over T."""
        grid = self.places.shape[-1]
        x = self.prompt_there(tokens_BMD).unflatten(1, (-1, grid // 2, grid // 2)).movedim(-1, 1)  # B C N g g
        return nn.functional.interpolate(x, (length, grid, grid), mode="trilinear").movedim(1, 2)


def _each(layer: nn.Module, x_BTCgg: Tensor) -> Tensor:
    """A layer of images, on every frame."""
    return layer(x_BTCgg.flatten(0, 1)).unflatten(0, x_BTCgg.shape[:2])
