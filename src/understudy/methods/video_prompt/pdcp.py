"""The three losses of PDCP (video_prompt, appendix A.2) on the clustering token h of the policy's encoder.

All similarities are cosines. The paper gives neither temperature nor number of prototypes, nor how often they are
found anew: `PDCPConfig` says what is used here.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, normalize

__all__ = ["PDCP", "PDCPConfig", "k_means", "metric_loss", "nt_xent", "prototype_loss"]


@dataclass(frozen=True)
class PDCPConfig:
    """Weights of eq. 4 (Table 4: all 1) and what the paper leaves open."""

    contrastive: float = 1.0
    prototype: float = 1.0
    metric: float = 1.0
    temperature: float = 0.1
    prototypes: Literal["k_means", "labels"] = "k_means"
    """What a prototype is: the centre of a K-means cluster (section 3.3, A.2), or of the samples of a skill
    (section 2.3: "leveraging task category labels as supervised prototypes")."""
    num_prototypes: int | None = None
    """K of K-means; None: as many as there are skills. More of them cut skills into parts, at other places after every
    refresh, that eq. 6 pulls together and eq. 7 and 8 push apart."""
    bank: int = 2048
    """The last so many h are clustered."""
    refresh: int = 50
    """Steps between two clusterings; the first is after as many. Until then eq. 7 and 8 count nothing."""
    projection: int = 64
    """Width of g_c's output."""


def nt_xent(z_BE: Float[Tensor, "B E"], skill_B: Int[Tensor, " B"], temperature: float) -> Float[Tensor, ""]:
    """Eq. 6: samples of the same skill attract each other, all others repel. Mean over samples that have a partner."""
    unit = normalize(z_BE, dim=1)
    alone = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    logits = (unit @ unit.T / temperature).masked_fill(alone, -torch.inf)
    log_share = logits - logits.logsumexp(1, keepdim=True)
    positive = (skill_B[:, None] == skill_B) & ~alone
    count = positive.sum(1)
    per_sample = -log_share.masked_fill(~positive, 0).sum(1) / count.clamp(min=1)
    return per_sample.sum() / (count > 0).sum().clamp(min=1)


def prototype_loss(
    h_BD: Float[Tensor, "B D"], centres_KD: Float[Tensor, "K D"], cluster_B: Int[Tensor, " B"], temperature: float
) -> Float[Tensor, ""]:
    """Eq. 7: cross-entropy of the softmax over cosines to all prototypes."""
    return cross_entropy(normalize(h_BD, dim=1) @ normalize(centres_KD, dim=1).T / temperature, cluster_B)


def metric_loss(h_BD: Float[Tensor, "B D"], cluster_B: Int[Tensor, " B"], head: nn.Module) -> Float[Tensor, ""]:
    """Eq. 8: g_m tells from the distance of two samples whether they are of one cluster.

    Args:
        h_BD: clustering tokens.
        cluster_B: their clusters.
        head: g_m, distances (N, 1) to logits (N, 1).
    """
    first, second = torch.triu_indices(len(h_BD), len(h_BD), 1, device=h_BD.device)
    distance = (h_BD[first] - h_BD[second]).square().sum(1).add(1e-12).sqrt()
    same = (cluster_B[first] == cluster_B[second]).to(h_BD)
    logits = head(distance[:, None])[:, 0].to(h_BD)
    each = binary_cross_entropy_with_logits(logits, same, reduction="none")
    return (each * same).sum() / same.sum().clamp(min=1) + (each * (1 - same)).sum() / (1 - same).sum().clamp(min=1)


def k_means(
    points_ND: Float[Tensor, "N D"],
    count: int,
    generator: torch.Generator,
    known_KD: Float[Tensor, "K D"] | None = None,
    attempts: int = 4,
) -> Float[Tensor, "K D"]:
    """The best of some runs of Lloyd's algorithm; a cluster that loses all its points keeps its centre.

    Args:
        points_ND: what is clustered.
        count: clusters, K.
        generator: of seeds.
        known_KD: centres of an earlier time, from which one run begins.
        attempts: runs that begin from k-means++ seeds.
    """
    found = [] if known_KD is None else [_lloyd(points_ND, known_KD)]
    found += [_lloyd(points_ND, _spread(points_ND, count, generator)) for _ in range(attempts)]
    inertia = [torch.cdist(points_ND, centres).square().amin(1).sum().item() for centres in found]
    return found[inertia.index(min(inertia))]


def _spread(points_ND: Tensor, count: int, generator: torch.Generator) -> Float[Tensor, "K D"]:
    """Seeds of k-means++."""
    centres = points_ND[_draw(points_ND.new_ones(len(points_ND)), generator)][None]
    for _ in range(count - 1):
        nearest = torch.cdist(points_ND, centres).square().amin(1)
        centres = torch.cat([centres, points_ND[_draw(nearest, generator)][None]])
    return centres


def _lloyd(points_ND: Tensor, centres_KD: Tensor, iterations: int = 20) -> Float[Tensor, "K D"]:
    for _ in range(iterations):
        member = nn.functional.one_hot(nearest_centre(points_ND, centres_KD), len(centres_KD)).to(points_ND)
        size = member.sum(0)[:, None]
        centres_KD = torch.where(size > 0, member.T @ points_ND / size.clamp(min=1), centres_KD)
    return centres_KD


def nearest_centre(points_ND: Float[Tensor, "N D"], centres_KD: Float[Tensor, "K D"]) -> Int[Tensor, " N"]:
    """Cluster of every point."""
    return torch.cdist(points_ND, centres_KD).argmin(1)


def _draw(weight_N: Float[Tensor, " N"], generator: torch.Generator) -> Int[Tensor, ""]:
    """One index, with probability in proportion to weight; the first of equals where all weights are zero."""
    place = torch.rand((), generator=generator, device=generator.device).to(weight_N) * weight_N.sum()
    return torch.searchsorted(weight_N.cumsum(0), place).clamp(max=len(weight_N) - 1)


class PDCP(nn.Module):
    """Projection heads, prototypes, and the memory that these are found in. Used in training alone.

    Memory and prototypes are buffers, so that a checkpoint holds them and a run that resumes goes on as it was.
    """

    filled: Int[Tensor, ""]
    bank: Float[Tensor, "M D"]
    bank_skill: Int[Tensor, " M"]
    centres: Float[Tensor, "K D"]
    alive: Bool[Tensor, " K"]
    steps: Int[Tensor, ""]

    def __init__(self, width: int, num_skills: int, config: PDCPConfig) -> None:
        """Make heads and an empty memory.

        Args:
            width: of h, D.
            num_skills: how many skills there are: the number of prototypes, unless `config` says another.
            config: weights and schedule.
        """
        super().__init__()
        self.config = config
        wanted = config.num_prototypes if config.prototypes == "k_means" else None
        count = num_skills if wanted is None else wanted
        self.project = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, config.projection))
        self.same = nn.Sequential(nn.Linear(1, 16), nn.GELU(), nn.Linear(16, 1))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))
        self.register_buffer("bank", torch.zeros(config.bank, width))
        self.register_buffer("bank_skill", torch.zeros(config.bank, dtype=torch.int64))
        self.register_buffer("centres", torch.zeros(count, width))
        self.register_buffer("alive", torch.zeros(count, dtype=torch.bool))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def forward(
        self, h_BD: Float[Tensor, "B D"], skill_B: Int[Tensor, " B"], generator: torch.Generator
    ) -> dict[str, Float[Tensor, ""]]:
        """The three losses, not yet weighted; remembers h, and finds the prototypes anew when it is time.

        Args:
            h_BD: clustering tokens.
            skill_B: which skill each sample shows.
            generator: of the seeds of K-means.
        """
        config, h_BD = self.config, h_BD.float()
        zero = h_BD.sum() * 0
        losses = {"contrastive": nt_xent(self.project(h_BD).float(), skill_B, config.temperature)}
        if self.alive.any():
            cluster_B = self._cluster(h_BD.detach(), skill_B)
            known = self.alive[cluster_B]  # a skill that the memory did not hold has no prototype yet
            rank = self.alive.cumsum(0) - 1
            centres = self.centres[self.alive]
            h, cluster = h_BD[known], rank[cluster_B[known]]
            losses["prototype"] = prototype_loss(h, centres, cluster, config.temperature) if known.any() else zero
            losses["metric"] = metric_loss(h, cluster, self.same)
        else:
            losses |= {"prototype": zero, "metric": zero}
        self._remember(h_BD.detach(), skill_B)
        if self.steps % config.refresh == 0:
            self._refresh(generator)
        return losses

    def weighted(self, losses: dict[str, Float[Tensor, ""]]) -> Float[Tensor, ""]:
        """The terms beside the action loss in eq. 4."""
        weights = {"contrastive": self.config.contrastive, "prototype": self.config.prototype}
        weights["metric"] = self.config.metric
        return torch.stack([weight * losses[name] for name, weight in weights.items()]).sum()

    def _cluster(self, h_BD: Tensor, skill_B: Tensor) -> Int[Tensor, " B"]:
        return skill_B if self.config.prototypes == "labels" else nearest_centre(h_BD, self.centres)

    @torch.no_grad()
    def _remember(self, h_BD: Tensor, skill_B: Tensor) -> None:
        size = len(self.bank)
        h_BD, skill_B = h_BD[-size:], skill_B[-size:]
        rows = (self.filled + torch.arange(len(h_BD), device=h_BD.device)) % size
        self.bank[rows], self.bank_skill[rows] = h_BD, skill_B
        self.filled += len(h_BD)
        self.steps += 1

    @torch.no_grad()
    def _refresh(self, generator: torch.Generator) -> None:
        held = min(int(self.filled), len(self.bank))
        points, skills = self.bank[:held], self.bank_skill[:held]
        if self.config.prototypes == "k_means":
            if held >= len(self.centres):
                known = self.centres if self.alive.all() else None
                self.centres.copy_(k_means(points, len(self.centres), generator, known))
                self.alive.fill_(value=True)
            return
        member = nn.functional.one_hot(skills, len(self.centres)).to(points)
        size = member.sum(0)
        self.centres.copy_(member.T @ points / size.clamp(min=1)[:, None])
        self.alive.copy_(size > 0)
