"""LoRA (Hu et al., 2021): a linear map learns a change of low rank, W + (alpha / r) B A; W is frozen.

peft does the same; this is all of it that is used here. Once merged, the weights have their published names again.
"""

import math

from jaxtyping import Float
from torch import Tensor, nn

from understudy.errors import UnderstudyError

__all__ = ["ATTENTION", "LoraLinear", "add_lora", "merge_lora"]

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
"""How diffusers names the projections of an attention layer."""


class LoraLinear(nn.Module):
    """y = W x + b + (alpha / r) B A x. A is random and B zero: at first nothing is changed."""

    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.down = nn.Linear(base.in_features, rank, bias=False).to(base.weight)
        self.up = nn.Linear(rank, base.out_features, bias=False).to(base.weight)
        self.scale = alpha / rank
        nn.init.kaiming_uniform_(self.down.weight, a=math.sqrt(5))
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Float[Tensor, "*B I"]) -> Float[Tensor, "*B O"]:
        """As the linear layer it stands for."""
        return self.base(x) + self.scale * self.up(self.down(x))

    def merged(self) -> nn.Linear:
        """The linear layer with the change in its weights."""
        self.base.weight.data += self.scale * (self.up.weight @ self.down.weight).data
        return self.base


def add_lora(module: nn.Module, rank: int, alpha: float, names: tuple[str, ...] = ATTENTION) -> int:
    """Freeze a module and put a `LoraLinear` in place of each linear layer whose path ends in one of `names`.

    Returns:
        How many layers were replaced.

    Raises:
        UnderstudyError: a rank below 1, LoRA is there already, or no layer has such a name.
    """
    if rank < 1:
        raise UnderstudyError(f"LoRA of rank {rank}: it must be at least 1")
    if any(isinstance(part, LoraLinear) for part in module.modules()):
        raise UnderstudyError("LoRA is there already: merge it before another is added")
    endings = tuple(f".{name}" for name in names)
    found = [
        (path, part)
        for path, part in module.named_modules()
        if isinstance(part, nn.Linear) and f".{path}".endswith(endings)
    ]
    if not found:
        raise UnderstudyError(f"no linear layer of {type(module).__name__} is called {', '.join(names)}")
    module.requires_grad_(False)
    for path, part in found:
        module.set_submodule(path, LoraLinear(part, rank, alpha))
    return len(found)


def merge_lora(module: nn.Module) -> int:
    """Fold every `LoraLinear` into its layer and take it out; weights have their first names again, and stay frozen.

    Returns:
        How many layers were merged.
    """
    found = [(path, part) for path, part in module.named_modules() if isinstance(part, LoraLinear)]
    for path, part in found:
        module.set_submodule(path, part.merged())
    return len(found)
