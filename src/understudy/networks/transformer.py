"""Transformer blocks: pre-norm, GELU; conditioned ones shift, scale and gate every branch by a vector."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

__all__ = ["Attention", "Block", "ConditionedBlock", "attend", "position_codes"]


def position_codes(places: Shaped[Tensor, " N"], width: int, longest: float = 1000.0) -> Float[Tensor, "N D"]:
    """Sines and cosines of `places` at `width / 2` frequencies between 1 and 1 / `longest`."""
    half = width // 2
    rates = longest ** (-torch.arange(half, device=places.device) / max(half - 1, 1))
    angles = places[:, None].float() * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def attend(
    q: Float[Tensor, "B H N E"], k: Float[Tensor, "B H M E"], v: Float[Tensor, "B H M F"], dropout: float = 0.0
) -> Float[Tensor, "B H N F"]:
    """softmax(q k^T / sqrt(E)) v.

    On the CPU it is written out: for the few tokens of a policy, PyTorch's fused kernel takes 4 times as long
    backwards in bfloat16.
    """
    if q.device.type != "cpu":
        return scaled_dot_product_attention(q, k, v, dropout_p=dropout)
    weights = torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, dim=-1)
    return nn.functional.dropout(weights, dropout) @ v


class Attention(nn.Module):
    """Multi-head attention of x over a context (itself by default)."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(
        self, x_BND: Float[Tensor, "B N D"], context_BMD: Float[Tensor, "B M D"] | None = None
    ) -> Float[Tensor, "B N D"]:
        """Attend; no mask."""
        context = x_BND if context_BMD is None else context_BMD
        q = self._split(self.query(x_BND))
        k, v = (self._split(part) for part in self.key_value(context).chunk(2, dim=-1))
        mixed = attend(q, k, v, self.dropout if self.training else 0.0)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def _split(self, x_BND: Float[Tensor, "B N D"]) -> Float[Tensor, "B H N E"]:
        return x_BND.unflatten(2, (self.heads, -1)).transpose(1, 2)


def _mlp(width: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, 4 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(4 * width, width, bias=False)
    )


class Block(nn.Module):
    """Self-attention, then an MLP, each added to what comes in."""

    def __init__(
        self,
        width: int,
        heads: int,
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
        mlp_dropout: float = 0.0,
    ) -> None:
        """New weights.

        Args:
            width: of a token, D.
            heads: divides it.
            attention_dropout: of the weights of attention.
            dropout: of the outputs of attention.
            mlp_dropout: between the layers of the MLP.
        """
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(2)])
        self.attention = Attention(width, heads, attention_dropout)
        self.mlp = _mlp(width, mlp_dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x_BND: Float[Tensor, "B N D"]) -> Float[Tensor, "B N D"]:
        """Mix tokens."""
        x_BND = x_BND + self.dropout(self.attention(self.norms[0](x_BND)))
        return x_BND + self.mlp(self.norms[1](x_BND))


class ConditionedBlock(nn.Module):
    """Self-attention, cross-attention and MLP, each shifted, scaled and gated by a vector (adaLN-zero of DiT).

    At initialisation every gate is zero: the block is the identity.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
        mlp_dropout: float = 0.0,
    ) -> None:
        """New weights.

        Args:
            width: of a token, D.
            heads: divides it.
            attention_dropout: of the weights of attention.
            dropout: of the outputs of attention.
            mlp_dropout: between the layers of the MLP.
        """
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(width, elementwise_affine=False) for _ in range(3)])
        self.attention = Attention(width, heads, attention_dropout)
        self.cross_attention = Attention(width, heads, attention_dropout)
        self.mlp = _mlp(width, mlp_dropout)
        self.dropout = nn.Dropout(dropout)
        self.modulation = nn.Linear(width, 9 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(
        self, x_BND: Float[Tensor, "B N D"], vector_BD: Float[Tensor, "B D"], context_BMD: Float[Tensor, "B M D"]
    ) -> Float[Tensor, "B N D"]:
        """Mix tokens with each other and with the context."""
        parts = self.modulation(nn.functional.silu(vector_BD))[:, None].chunk(9, dim=-1)
        x_BND = x_BND + parts[2] * self.dropout(self.attention(self._modulated(0, x_BND, parts)))
        x_BND = x_BND + parts[5] * self.dropout(self.cross_attention(self._modulated(1, x_BND, parts), context_BMD))
        return x_BND + parts[8] * self.mlp(self._modulated(2, x_BND, parts))

    def _modulated(self, branch: int, x_BND: Tensor, parts: tuple[Tensor, ...]) -> Tensor:
        shift, scale = parts[3 * branch], parts[3 * branch + 1]
        return self.norms[branch](x_BND) * (1 + scale) + shift
