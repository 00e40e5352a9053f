"""Embeddings of a prompt's frames to tokens for cross-attention: a linear map and codes of time."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.networks.transformer import position_codes

__all__ = ["PromptProjection"]

_CODES = 64


class PromptProjection(nn.Module):
    """token_n = W e_n + b + V code(t_n), with t_n from 0 to 100 along the prompt.

    Starts with W = 1, b = 0, V = 0: then each frame is what a pretrained UNet knows, an image embedding.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.frame = nn.Linear(width, width)
        self.time = nn.Linear(_CODES, width, bias=False)
        nn.init.eye_(self.frame.weight)
        nn.init.zeros_(self.frame.bias)
        nn.init.zeros_(self.time.weight)

    def forward(self, embeddings_BNE: Float[Tensor, "B N E"]) -> Float[Tensor, "B N E"]:
        """One token per frame; the frames are at even times."""
        times_N = torch.linspace(0, 100, embeddings_BNE.shape[1], device=embeddings_BNE.device)
        return self.frame(embeddings_BNE) + self.time(position_codes(times_N, _CODES))
