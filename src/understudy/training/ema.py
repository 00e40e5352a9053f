"""Exponential moving average of a model's weights: what a policy is exported with.

    average_t = d_t average_{t-1} + (1 - d_t) weights_t,    d_t = min(decay, (1 + t) / (10 + t))

The second term lets go of the first random weights within a few hundred steps, however slow the decay.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

__all__ = ["Ema"]


class Ema:
    """Averages of all trainable parameters, by name."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        self.averages: dict[str, Tensor] = {name: weight.detach().clone() for name, weight in self._weights.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after optimiser step `step` (from 0)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.averages.values()), list(self._weights.values()), 1.0 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the model have the averages as its weights for a while."""
        kept = {name: weight.detach().clone() for name, weight in self._weights.items()}
        self._give(self.averages)
        try:
            yield
        finally:
            self._give(kept)

    @torch.no_grad()
    def _give(self, values: dict[str, Tensor]) -> None:
        for name, weight in self._weights.items():
            weight.copy_(values[name])
