"""A path read off z by ridge regression, one map for each skill: what few episodes teach, they teach a line first.

A network reads places off z as well as its training lets it; a linear map of z's principal components needs neither
steps nor many episodes, and errs otherwise, so that the mean of both is nearer to the truth than the network alone
(`push`, 250 people and 120 robot's episodes: `docs/log.md`). The paper plans no path and has neither.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import one_hot

__all__ = ["COMPONENTS", "LinearPlan"]

COMPONENTS = 256
"""Principal components of z at most."""
_RIDGE = 1.0
"""Penalty on the squared weights, in units of the mean squared length of a sample."""


class LinearPlan(nn.Module):
    """Z (Z,) to a path (P, A): by the map of the skill whose samples z looks most like, which is linear, too."""

    mean: Float[Tensor, " Z"]
    basis: Float[Tensor, "Z C"]
    likeness: Float[Tensor, "C K"]
    likeness_bias: Float[Tensor, " K"]
    maps: Float[Tensor, "K C PA"]
    centres: Float[Tensor, "K C"]
    paths: Float[Tensor, "K PA"]

    def __init__(self, z_size: int, components: int, skills: int, phases: int, action_size: int) -> None:
        """Not fitted yet: `fit` or loaded weights make it.

        Args:
            z_size: length of z.
            components: principal components that are read, C.
            skills: maps, K.
            phases: way-points of the path, P.
            action_size: numbers of a way-point, A.
        """
        super().__init__()
        self.shape = phases, action_size
        size = phases * action_size
        self.register_buffer("mean", torch.zeros(z_size))
        self.register_buffer("basis", torch.zeros(z_size, components))
        self.register_buffer("likeness", torch.zeros(components, skills))
        self.register_buffer("likeness_bias", torch.zeros(skills))
        self.register_buffer("maps", torch.zeros(skills, components, size))
        self.register_buffer("centres", torch.zeros(skills, components))
        self.register_buffer("paths", torch.zeros(skills, size))

    @torch.no_grad()
    def fit(self, z_NZ: Float[Tensor, "N Z"], path_NPA: Float[Tensor, "N P A"], skill_N: Int64[Tensor, " N"]) -> None:
        """Fit the maps to training samples; every skill has some, and there are more than C."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # of the random projection that components are found by
            _, _, basis = torch.pca_lowrank(z_NZ, self.basis.shape[1])
        self.mean.copy_(z_NZ.mean(0))
        self.basis.copy_(basis)
        x_NC, y_NF = ((z_NZ - self.mean) @ self.basis).double(), path_NPA.flatten(1).double()
        skills = one_hot(skill_N, self.likeness.shape[1]).double()
        centre, weight, bias = _ridge(x_NC, skills)
        self.likeness.copy_(weight)
        self.likeness_bias.copy_(bias - centre @ weight)
        for skill in range(len(self.maps)):
            own = skill_N == skill
            self.centres[skill], self.maps[skill], self.paths[skill] = _ridge(x_NC[own], y_NF[own])

    @torch.no_grad()
    def forward(self, z_BZ: Float[Tensor, "B Z"]) -> Float[Tensor, "B P A"]:
        """Paths, normalised as those that it was fitted to."""
        with torch.autocast(z_BZ.device.type, enabled=False):  # as exact in training as in acting
            x_BC = (z_BZ.float() - self.mean) @ self.basis
            skill_B = (x_BC @ self.likeness + self.likeness_bias).argmax(1)
            away_BC = x_BC - self.centres[skill_B]
            path_BF = torch.einsum("bc,bcf->bf", away_BC, self.maps[skill_B]) + self.paths[skill_B]
        return path_BF.unflatten(1, self.shape)


def _ridge(x_NC: Float[Tensor, "N C"], y_NF: Float[Tensor, "N F"]) -> tuple[Tensor, Tensor, Tensor]:
    """Centre (C,), weights (C, F) and mean (F,): y is (x - centre) weights + mean, about."""
    centre, mean = x_NC.mean(0), y_NF.mean(0)
    away_NC = x_NC - centre
    penalty = (_RIDGE * away_NC.square().sum(1).mean()).clamp(min=1e-9)  # one sample alone is not away
    gram = away_NC.T @ away_NC + penalty * torch.eye(x_NC.shape[1], dtype=x_NC.dtype)
    return centre, torch.linalg.solve(gram, away_NC.T @ (y_NF - mean)), mean
