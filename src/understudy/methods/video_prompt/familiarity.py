"""How familiar a prompt is: how near its z lies to those of training, beside how near those lie to each other."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from understudy.errors import UnderstudyError

__all__ = ["UNFAMILIAR", "Familiarity"]

UNFAMILIAR = 0.02
"""A prompt of a smaller score is called unfamiliar: it is farther off than 98 of 100 training prompts are."""
_NEIGHBOURS = 5
_SAME = 0.05
"""Nearer than this share of the median distance, two prompts are the same."""


class Familiarity(nn.Module):
    """A score from 0 to 1: the share of training prompts that lie farther from their neighbours than this one does.

    Distances are to the fifth nearest training prompt, in the principal components of their z. Under prompts like those
    of training the score is uniform: a tenth of them score below 0.1.
    """

    mean: Float[Tensor, " Z"]
    basis: Float[Tensor, "Z c"]
    points: Float[Tensor, "N c"]
    distances: Float[Tensor, " N"]

    def __init__(self, z_size: int, count: int, components: int = 64) -> None:
        """Not fitted yet: `fit` or loaded weights make it.

        Args:
            z_size: length of z.
            count: training prompts, N.
            components: that distances are measured in.

        Raises:
            UnderstudyError: too few prompts.
        """
        super().__init__()
        if count <= _NEIGHBOURS:
            raise UnderstudyError(f"familiarity: {count} training prompts: needs more than {_NEIGHBOURS}")
        components = min(components, count - 1, z_size)
        self.register_buffer("mean", torch.zeros(z_size))
        self.register_buffer("basis", torch.zeros(z_size, components))
        self.register_buffer("points", torch.zeros(count, components))
        self.register_buffer("distances", torch.zeros(count))

    @torch.no_grad()
    def fit(self, z_NZ: Float[Tensor, "N Z"]) -> None:
        """Remember training prompts."""
        mean = z_NZ.mean(0)
        _, _, directions = torch.linalg.svd((z_NZ - mean).double(), full_matrices=False)
        self.mean.copy_(mean)
        self.basis.copy_(directions[: self.basis.shape[1]].T)
        self._remember((z_NZ - mean) @ self.basis)

    @torch.no_grad()
    def lacks(self, z_NZ: Float[Tensor, "N Z"]) -> Bool[Tensor, " N"]:
        """Which prompts are not among those that it remembers (in half precision)."""
        nearest = torch.cdist((z_NZ - self.mean) @ self.basis, self.points).min(dim=1).values
        return nearest > _SAME * self.distances.median()

    @torch.no_grad()
    def fit_beside(self, known: "Familiarity", z_NZ: Float[Tensor, "N Z"]) -> None:
        """Remember further training prompts, which `known` lacks, beside those that it has, in its components."""
        self.mean.copy_(known.mean)
        self.basis.zero_()  # of few prompts it has fewer components
        self.basis[:, : known.basis.shape[1]] = known.basis
        points = torch.cat([known.points, (z_NZ - known.mean) @ known.basis])
        self._remember(torch.nn.functional.pad(points, (0, self.basis.shape[1] - points.shape[1])))

    def _remember(self, points_Nc: Float[Tensor, "N c"]) -> None:
        self.points.copy_(points_Nc)
        to_others = torch.cdist(points_Nc, points_Nc).kthvalue(_NEIGHBOURS + 1, dim=1).values  # the nearest is itself
        self.distances.copy_(to_others.sort().values)

    @torch.no_grad()
    def forward(self, z_BZ: Float[Tensor, "B Z"]) -> Float[Tensor, " B"]:
        """Scores of prompts that are not among the training prompts."""
        distance_B = torch.cdist((z_BZ - self.mean) @ self.basis, self.points).kthvalue(_NEIGHBOURS, dim=1).values
        return 1 - torch.searchsorted(self.distances, distance_B) / len(self.distances)
