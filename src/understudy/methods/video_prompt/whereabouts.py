"""How far the acting body has come, read from images: a policy that is not told its robot's state has to see it."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import log_softmax

__all__ = ["Whereabouts", "WhereaboutsReader", "progress_loss", "state_loss", "way_point_shares"]


@dataclass(frozen=True)
class Whereabouts:
    """What `WhereaboutsReader` found."""

    states: Float[Tensor, "B 2 A"]
    """Of the body in the earlier and the present image, normalised as actions are."""
    phase: Float[Tensor, "B P"]
    """Logits: which way-point of the path is now."""
    tokens: Float[Tensor, "B N D"]
    """The same for the action head: the states, then the path from now on."""


class WhereaboutsReader(nn.Module):
    """What is seen and the path to the states of the body, its place on the path, and the way-points ahead."""

    def __init__(self, seen: int, width: int, action_size: int, ahead: int) -> None:
        """Sizes.

        Args:
            seen: tokens of what is seen, S.
            width: of a token, D.
            action_size: A.
            ahead: way-points that are told from now on.
        """
        super().__init__()
        self.ahead = ahead
        self.seen = nn.Sequential(nn.Linear(seen * width, 2 * width), nn.GELU())
        self.states = nn.Linear(2 * width, 2 * action_size)
        self.query = nn.Sequential(
            nn.Linear(2 * width + 2 * action_size, width), nn.GELU(), nn.Linear(width, width, bias=False)
        )
        self.key = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width, bias=False))
        self.states_in = nn.Linear(2 * action_size, width)
        self.ahead_in = nn.Linear(action_size, width)
        self.places = nn.Parameter(torch.randn(ahead, width) * 0.02)

    def forward(
        self, seen_BSD: Float[Tensor, "B S D"], path_BPA: Float[Tensor, "B P A"], phases_BPD: Float[Tensor, "B P D"]
    ) -> Whereabouts:
        """Read; `phases_BPD` are tokens of the way-points."""
        seen = self.seen(seen_BSD.flatten(1))
        states = self.states(seen)
        query, key = self.query(torch.cat([seen, states], dim=1)), self.key(phases_BPD)
        logits = (key @ query[:, :, None])[:, :, 0].float() * query.shape[1] ** -0.5
        tokens = [self.states_in(states)[:, None], self.from_now_on(logits.softmax(1), path_BPA)]
        return Whereabouts(states.unflatten(1, (2, -1)).float(), logits, torch.cat(tokens, dim=1))

    def from_now_on(self, share_BP: Float[Tensor, "B P"], path_BPA: Float[Tensor, "B P A"]) -> Float[Tensor, "B K D"]:
        """Tokens of the way-points ahead, the last one held at the end; `share_BP` says which is now, and sums to 1."""
        last = path_BPA[:, -1:].expand(-1, self.ahead - 1, -1)
        rows = torch.cat([path_BPA, last], dim=1).unfold(1, self.ahead, 1)  # B P A ahead
        ahead = torch.einsum("bp,bpak->bka", share_BP.to(path_BPA.dtype), rows)
        return self.ahead_in(ahead) + self.places


def way_point_shares(progress_B: Float[Tensor, " B"], count: int) -> Float[Tensor, "B P"]:
    """Of `count` way-points, the two that the present lies between, each with the share of its nearness.

    Args:
        progress_B: share of the episode that is over, 0 to 1.
        count: P.
    """
    place = progress_B * (count - 1)
    numbers = torch.arange(count, device=place.device)
    return (1 - (numbers - place[:, None]).abs()).clamp(min=0)


def state_loss(
    squares_B2A: Float[Tensor, "B 2 A"], known_B2: Bool[Tensor, "B 2"], parts: tuple[int, ...]
) -> Float[Tensor, ""]:
    """Mean of squared errors of the states that are known; every part of an action counts alike."""
    errors = squares_B2A.split(parts, dim=-1)
    each_B2 = torch.stack([error.mean(-1) for error in errors]).mean(0)
    return (each_B2 * known_B2).sum() / known_B2.sum().clamp(min=1)


def progress_loss(phase_BP: Float[Tensor, "B P"], progress_B: Float[Tensor, " B"]) -> Float[Tensor, ""]:
    """Cross-entropy to `way_point_shares`.

    Args:
        phase_BP: logits.
        progress_B: share of the episode that is over, 0 to 1.
    """
    target_BP = way_point_shares(progress_B, phase_BP.shape[1])
    return -(target_BP * log_softmax(phase_BP, dim=1)).sum(1).mean()
