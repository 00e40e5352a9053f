"""Reads places out of feature maps: attention whose values are where things are, besides what they are.

A soft argmax in the clothes of cross-attention: what a query finds moves with the thing in the picture, so that one
example of a place teaches about all places. A flattened map has to see every place by itself.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.networks.transformer import attend, position_codes

__all__ = ["SpatialReadout"]

_TIME_CODES = 16


class SpatialReadout(nn.Module):
    """Queries look over all cells of T maps of G x G features; each head answers with a mean cell and its place."""

    def __init__(self, width: int, channels: int, heads: int, head_size: int = 16) -> None:
        """Sizes.

        Args:
            width: of a query, D.
            channels: of the maps, C.
            heads: places that one query can find at once.
            head_size: of keys and of the features that are read.
        """
        super().__init__()
        self.heads, self.head_size = heads, head_size
        inner = heads * head_size
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, inner)
        self.key_value = nn.Linear(channels, 2 * inner)
        self.time_key = nn.Linear(_TIME_CODES, inner, bias=False)
        self.place_key = nn.Linear(2, inner, bias=False)
        self.out = nn.Linear(heads * (head_size + 3), width)

    def forward(
        self, queries_BQD: Float[Tensor, "B Q D"], maps_BTCGG: Float[Tensor, "B T C G G"]
    ) -> Float[Tensor, "B Q D"]:
        """What the queries found, added to them."""
        batch, length, _, grid, _ = maps_BTCGG.shape
        line = torch.linspace(-1, 1, grid, device=maps_BTCGG.device)
        v, u = torch.meshgrid(line, line, indexing="ij")
        place_N2 = torch.stack([u, v], dim=-1).flatten(0, 1).repeat(length, 1)
        times = torch.arange(length, device=maps_BTCGG.device)
        codes_NE = position_codes(times, _TIME_CODES).repeat_interleave(grid**2, 0)
        share_N1 = (times / max(length - 1, 1)).repeat_interleave(grid**2)[:, None]
        cells_BNC = maps_BTCGG.movedim(2, -1).flatten(1, 3)
        key, value = self.key_value(cells_BNC).chunk(2, dim=-1)
        key = self._split(key + self.time_key(codes_NE) + self.place_key(place_N2))
        where = torch.cat([place_N2, share_N1], dim=-1).to(value.dtype)
        value = torch.cat([self._split(value), where.expand(batch, self.heads, -1, -1)], dim=-1)
        found = attend(self._split(self.query(self.norm(queries_BQD))), key, value)
        return queries_BQD + self.out(found.transpose(1, 2).flatten(2))

    def _split(self, x_BNI: Float[Tensor, "B N I"]) -> Float[Tensor, "B H N E"]:
        return x_BNI.unflatten(-1, (self.heads, self.head_size)).transpose(1, 2)
