"""Where a network computes that is too large for a CPU."""

import torch

__all__ = ["best_device"]


def best_device() -> torch.device:
    """The first CUDA device where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
