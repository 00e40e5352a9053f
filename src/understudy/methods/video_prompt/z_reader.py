"""What the planned path is made of: z, read as maps over places, as a run of tokens, or as what it is."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.errors import UnderstudyError
from understudy.networks.prompt_encoder import PhaseReader
from understudy.networks.transformer import Block, position_codes

__all__ = ["MapReader", "PhaseTokens", "TokenReader"]

_FEATURES = 64


class MapReader(nn.Module):
    """Z of T times, G x G places and C channels to one token per phase; places are found by attention."""

    def __init__(self, z_size: int, times: int, cells: int, phases: int, width: int, heads: int, layers: int) -> None:
        """Sizes.

        Args:
            z_size: length of z; a multiple of `times * cells**2`.
            times: T.
            cells: places along a side, G.
            phases: tokens that come out, P.
            width: of a token, D.
            heads: of attention.
            layers: over phases and times.
        """
        super().__init__()
        self.times, self.cells = times, cells
        channels = z_size // (times * cells**2)
        self.places = nn.Sequential(nn.Conv2d(channels, _FEATURES, 3, padding=1), nn.GroupNorm(8, _FEATURES), nn.ReLU())
        self.phases = PhaseReader(phases, _FEATURES, z_size // times, width, heads, layers)

    def forward(self, z_BZ: Float[Tensor, "B Z"]) -> Float[Tensor, "B P D"]:
        """Tokens of the phases."""
        maps = z_BZ.unflatten(1, (self.times, self.cells, self.cells, -1)).movedim(-1, 2)
        fine = self.places(maps.flatten(0, 1)).unflatten(0, maps.shape[:2])
        return self.phases.read(fine, maps)


class TokenReader(nn.Module):
    """Z without places, in runs that are a token each, to one token per phase."""

    def __init__(self, z_size: int, tokens: int, phases: int, width: int, heads: int, layers: int) -> None:
        """Sizes.

        Args:
            z_size: length of z; a multiple of `tokens`.
            tokens: runs of z.
            phases: tokens that come out, P.
            width: of a token, D.
            heads: of attention.
            layers: over phases and runs.
        """
        super().__init__()
        self.tokens = tokens
        self.z_in = nn.Linear(z_size // tokens, width)
        self.queries = nn.Parameter(torch.randn(phases, width) * 0.02)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)

    def forward(self, z_BZ: Float[Tensor, "B Z"]) -> Float[Tensor, "B P D"]:
        """Tokens of the phases."""
        tokens = self.z_in(z_BZ.unflatten(1, (self.tokens, -1)))
        tokens = tokens + position_codes(torch.arange(self.tokens, device=tokens.device), tokens.shape[-1])
        x = torch.cat([self.queries.expand(len(z_BZ), -1, -1), tokens], dim=1)
        for block in self.blocks:
            x = block(x)
        return self.norm(x[:, : len(self.queries)])


class PhaseTokens(nn.Module):
    """Z that is one token per phase already: more layers in between kept an encoder from learning any place."""

    def __init__(self, z_size: int, phases: int, width: int) -> None:
        """Sizes.

        Args:
            z_size: length of z.
            phases: tokens, P.
            width: of a token, D.

        Raises:
            UnderstudyError: z is not as long as all of them.
        """
        super().__init__()
        if z_size != phases * width:
            raise UnderstudyError(f"model.z_size {z_size}: {phases} phases of {width} numbers have {phases * width}")
        self.phases = phases

    def forward(self, z_BZ: Float[Tensor, "B Z"]) -> Float[Tensor, "B P D"]:
        """Tokens of the phases."""
        return z_BZ.unflatten(1, (self.phases, -1))
