"""A planned path put where the things of the scene stand: what is read off z errs by centimetres, what is seen less.

Z says which thing is meant and what is done with it, and so much of where it stands that nothing else is near. The
things of the scene are found without names and without training (`episodes/scene_things.py`), in a person's scene and
in a robot's alike. What a path is like around things is learned from the true paths of all episodes, moved by errors
such as z makes. The paper plans no path and has nothing of the kind.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from understudy.episodes.normalisation import Normalisation
from understudy.networks.transformer import Block

__all__ = ["PlanAnchor", "anchor_loss"]

_WIDTH, _HEADS, _ROUNDS, _SEEN = 96, 4, 2, 64
_UNIT_M, _SIZE_M = 0.1, 0.05
"""Distances and sizes of things are told in these."""
_ERROR_M, _TURN, _AWAY_M = 0.06, 0.15, 0.03
"""Of training: largest standard deviation of the errors [m], those of the turn [rad] and the way [m] by which a path
moves together with all things."""
_KNOTS, _ALONE, _TOGETHER = 5, 0.7, 0.7
"""Errors change along the path between so many points; shares of what each of them has alone, and of what all have."""
_UP = 0.35
"""Errors of the height, as a share of the others."""
_RISE = 4
"""From the beginning of the path, which is known, they rise in so many of its steps."""
_PLACE_ERROR_M = 0.003
"""Of things, as they are found."""


class PlanAnchor(nn.Module):
    """A path and the things of the scene to the path with other positions.

    It sees of a way-point its height, the steps to its neighbours, what else an action says (rotation, fingers), and
    where things stand from it. Where on the table all of that is, it does not see.
    """

    offset: Float[Tensor, "3"]
    scale: Float[Tensor, "3"]

    def __init__(self, action_size: int, num_phases: int) -> None:
        """Not of any normalisation yet: `fit` or loaded weights make it.

        Args:
            action_size: numbers of a way-point, A, of which the first three are its position.
            num_phases: way-points of the path, P.
        """
        super().__init__()
        self.register_buffer("offset", torch.zeros(3))
        self.register_buffer("scale", torch.ones(3))
        self.point_in = nn.Linear(action_size + 4, _WIDTH)
        self.phases = nn.Parameter(torch.randn(num_phases, _WIDTH) * 0.02)
        self.blocks = nn.ModuleList([Block(_WIDTH, _HEADS) for _ in range(_ROUNDS + 1)])
        self.seen = nn.ModuleList(
            [nn.Sequential(nn.Linear(6, _SEEN), nn.GELU(), nn.Linear(_SEEN, _SEEN), nn.GELU()) for _ in range(_ROUNDS)]
        )
        self.queries = nn.ModuleList([nn.Linear(_WIDTH, _HEADS * _SEEN) for _ in range(_ROUNDS)])
        self.found = nn.ModuleList([nn.Linear(_HEADS * (_SEEN + 3), _WIDTH) for _ in range(_ROUNDS)])
        self.out = nn.Linear(_WIDTH, 3)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def fit(self, normalisation: Normalisation) -> None:
        """Take over what positions are normalised by."""
        self.offset.copy_(torch.from_numpy(normalisation.offset[:3]))
        self.scale.copy_(torch.from_numpy(normalisation.scale[:3]))

    def forward(self, path_BPA: Float[Tensor, "B P A"], things_BK4: Float[Tensor, "B K 4"]) -> Float[Tensor, "B P A"]:
        """The path where its things are.

        Args:
            path_BPA: normalised.
            things_BK4: x, y, radius and height, world [m] (`NUMBERS`); rows of NaN are none.
        """
        with torch.autocast(path_BPA.device.type, enabled=False):  # millimetres are lost in half precision
            path = path_BPA.float()
            moved = self.corrected(path[..., :3] * self.scale + self.offset, path[..., 3:], things_BK4.float())
            return torch.cat([(moved - self.offset) / self.scale, path[..., 3:]], dim=-1).to(path_BPA.dtype)

    def corrected(
        self, p_BP3: Float[Tensor, "B P 3"], rest_BPE: Float[Tensor, "B P E"], things_BK4: Float[Tensor, "B K 4"]
    ) -> Float[Tensor, "B P 3"]:
        """Positions, world [m]; `rest_BPE` is what else the actions say, normalised."""
        exist_BK = things_BK4.isfinite().all(-1)
        p, things = p_BP3 / _UNIT_M, things_BK4.nan_to_num() / _UNIT_M
        steps = nn.functional.pad(p[:, 1:] - p[:, :-1], (0, 0, 1, 1))
        x = self.point_in(torch.cat([steps[:, :-1], steps[:, 1:], p[..., 2:], rest_BPE], dim=-1)) + self.phases
        away = things[:, None, :, :2] - p[:, :, None, :2]
        sizes = (things[:, None, :, 2:] * (_UNIT_M / _SIZE_M)).expand(-1, p.shape[1], -1, -1)
        height = p[:, :, None, 2:].expand(*away.shape[:3], 1)
        relative = torch.cat([away, away.norm(dim=-1, keepdim=True), height, sizes], dim=-1)
        for block, seen, query, found in zip(self.blocks[:-1], self.seen, self.queries, self.found, strict=True):
            x = block(x)
            x = x + found(_look(query(x), seen(relative), away, exist_BK))
        return p_BP3 + self.out(self.blocks[-1](x)) * _UNIT_M


def _look(
    query_BPF: Float[Tensor, "B P F"],
    seen_BPKE: Float[Tensor, "B P K E"],
    away_BPK2: Float[Tensor, "B P K 2"],
    exist_BK: Bool[Tensor, "B K"],
) -> Float[Tensor, "B P G"]:
    """What each way-point's heads find among the things, or that it is none: features, where from it, and how sure."""
    batch, points, _, size = seen_BPKE.shape
    query = query_BPF.unflatten(-1, (-1, size)).flatten(0, 1)[:, :, None]
    nothing = seen_BPKE.new_zeros(batch, points, 1, size)
    key = torch.cat([nothing, seen_BPKE], dim=2)
    sure = torch.cat([seen_BPKE.new_zeros(1), seen_BPKE.new_ones(exist_BK.shape[1])]).expand(batch, points, -1)
    value = torch.cat([key, nn.functional.pad(away_BPK2, (0, 0, 1, 0)), sure[..., None]], dim=-1)
    hidden = nn.functional.pad(~exist_BK, (1, 0))[:, None].expand(-1, points, -1)
    key, value, hidden = (part.flatten(0, 1)[:, None] for part in (key, value, hidden))
    weights = (query @ key.transpose(-1, -2) * size**-0.5).masked_fill(hidden[:, :, None], -1e4).softmax(-1)
    return (weights @ value).flatten(1).unflatten(0, (batch, points))


def anchor_loss(
    anchor: PlanAnchor,
    path_BPA: Float[Tensor, "B P A"],
    things_BK4: Float[Tensor, "B K 4"],
    generator: torch.Generator,
) -> Float[Tensor, ""]:
    """Mean squared error of the positions, in units of 10 cm, of true paths that errors were added to.

    Path and things are turned and moved together by chance, so that one layout stands for others.
    """
    p, rest = path_BPA[..., :3] * anchor.scale + anchor.offset, path_BPA[..., 3:]

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, device=p.device)

    batch, points = p.shape[:2]
    angle, middle = _TURN * normal(batch), p[..., :2].mean(1, keepdim=True)
    cosine, sine = angle.cos(), angle.sin()
    turn = torch.stack([torch.stack([cosine, sine], -1), torch.stack([-sine, cosine], -1)], dim=1)
    way = middle + _AWAY_M * normal(batch, 1, 2)
    p = torch.cat([(p[..., :2] - middle) @ turn + way, p[..., 2:]], dim=-1)
    xy = (things_BK4[..., :2] - middle) @ turn + way + _PLACE_ERROR_M * normal(*things_BK4.shape[:2], 2)
    things = torch.cat([xy, things_BK4[..., 2:]], dim=-1)
    size = _ERROR_M * torch.rand(batch, 1, 1, generator=generator, device=p.device)
    error = p + size * _errors(normal(batch, _KNOTS, 3), normal(batch, 1, 3), points)
    with torch.autocast(p.device.type, enabled=False):
        found = anchor.corrected(error, rest, things)
    return ((found - p) / _UNIT_M).square().mean()


def _errors(
    knots_BN3: Float[Tensor, "B N 3"], common_B13: Float[Tensor, "B 1 3"], points: int
) -> Float[Tensor, "B P 3"]:
    """Of a path, about 1 in size: none at its beginning, changing slowly along it."""
    along = nn.functional.interpolate(knots_BN3.transpose(1, 2), points, mode="linear", align_corners=True)
    rise = (torch.arange(points, device=knots_BN3.device) / _RISE).clamp(max=1)[:, None]
    return (_ALONE * along.transpose(1, 2) + _TOGETHER * common_B13) * rise * knots_BN3.new_tensor([1.0, 1.0, _UP])
