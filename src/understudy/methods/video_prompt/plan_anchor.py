"""A planned path moved to where the things of the scene stand.

A path read off z is off by centimetres; what is seen is off by less. Z says which thing is meant and what is done with
it, and roughly where it stands: closely enough to tell it from its neighbours. The things of the scene are found
without names and without training (`episodes/scene_things.py`), in a person's scene and in a robot's alike. What paths
are like around things is learned from those of all episodes, moved by made-up errors of the size that z makes. The
paper plans no path and has nothing of the kind.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from understudy.episodes.normalisation import Normalisation
from understudy.networks.transformer import Block

__all__ = ["PlanAnchor", "anchor_loss"]

_WIDTH, _HEADS, _ROUNDS = 96, 4, 2
"""Of the tokens of way-points, of what looks at things, and how often it looks."""
_SEEN = 64
"""Features of a thing from a way-point."""
_UNIT_M, _SIZE_M = 0.1, 0.05
"""Distances, and sizes of things, are told in these."""
_ERROR_M = 0.06
"""Largest standard deviation of the errors in training."""
_KNOTS = 5
"""Points of the path between which an error changes evenly."""
_ALONE, _TOGETHER = 0.7, 0.7
"""Shares of an error that each of them has alone, and that all have in common."""
_UP = 0.35
"""Errors of the height, as a share of the others."""
_RISE = 4
"""Way-points in which errors rise from the beginning of the path, which is known."""
_TURN, _AWAY_M = 0.15, 0.03
"""Standard deviations of the turn [rad] and the way by which a path is moved together with all things in training."""
_PLACE_ERROR_M = 0.003
"""Standard deviation of the error of a thing's place in training, beside what finding it made."""


class PlanAnchor(nn.Module):
    """A path and the things of the scene to the path with other positions.

    It sees of a way-point its height, the steps to its neighbours, what else an action says (rotation, fingers), and
    how far from it each thing lies. Where on the table all of that is, it does not see.
    """

    offset: Float[Tensor, " A"]
    scale: Float[Tensor, " A"]

    def __init__(self, action_size: int, num_phases: int) -> None:
        """Not of any normalisation yet, see `fit`.

        Args:
            action_size: numbers of a way-point, A, of which the first three are its position.
            num_phases: way-points of the path, P.
        """
        super().__init__()
        # As exact as policy.json has them: not among the weights, which are kept in half precision.
        self.register_buffer("offset", torch.zeros(action_size), persistent=False)
        self.register_buffer("scale", torch.ones(action_size), persistent=False)
        self.turned: slice | None = None
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
        """Take over what actions are normalised by; after loading weights, too."""
        self.offset.copy_(torch.from_numpy(normalisation.offset))
        self.scale.copy_(torch.from_numpy(normalisation.scale))
        names = normalisation.names
        self.turned = slice(names.index("qw"), names.index("qw") + 4) if "qw" in names else None

    def forward(self, path_BPA: Float[Tensor, "B P A"], things_BK4: Float[Tensor, "B K 4"]) -> Float[Tensor, "B P A"]:
        """The path, moved to where the things stand.

        Args:
            path_BPA: normalised.
            things_BK4: x, y, radius and height, world [m] (`NUMBERS`); rows of NaN are none.
        """
        with torch.autocast(path_BPA.device.type, enabled=False):  # millimetres are lost in half precision
            path = path_BPA.float()
            moved = self.corrected(self.metres(path), path[..., 3:], things_BK4.float())
            position = (moved - self.offset[:3]) / self.scale[:3]
            return torch.cat([position, path[..., 3:]], dim=-1).to(path_BPA.dtype)

    def metres(self, path_BPA: Float[Tensor, "B P A"]) -> Float[Tensor, "B P 3"]:
        """Positions, world [m], of a normalised path."""
        return path_BPA[..., :3] * self.scale[:3] + self.offset[:3]

    def turn(self, path_BPA: Float[Tensor, "B P A"], angle_B: Float[Tensor, " B"]) -> Float[Tensor, "B P A"]:
        """A normalised path whose rotations are turned about the world's z [rad]; positions stay."""
        if self.turned is None:
            return path_BPA
        offset, scale = self.offset[self.turned], self.scale[self.turned]
        w, x, y, z = (path_BPA[..., self.turned] * scale + offset).unbind(-1)
        cosine, sine = (angle_B / 2).cos()[:, None], (angle_B / 2).sin()[:, None]
        turned = torch.stack(
            [cosine * w - sine * z, cosine * x - sine * y, cosine * y + sine * x, cosine * z + sine * w], dim=-1
        )
        before, after = path_BPA[..., : self.turned.start], path_BPA[..., self.turned.stop :]
        return torch.cat([before, (turned - offset) / scale, after], dim=-1)

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
    """Mean squared error of the positions, in units of 10 cm, of paths that errors were added to.

    Path and things are turned and moved together by chance, so that one layout stands for others.
    """
    with torch.autocast(path_BPA.device.type, enabled=False):
        path, things = path_BPA.float(), things_BK4.float()

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator, device=path.device)

        batch, points = path.shape[:2]
        angle = _TURN * normal(batch)
        p, rest = anchor.metres(path), anchor.turn(path, angle)[..., 3:]
        cosine, sine, middle = angle.cos(), angle.sin(), p[..., :2].mean(1, keepdim=True)
        turn = torch.stack([torch.stack([cosine, sine], -1), torch.stack([-sine, cosine], -1)], dim=1)
        way = middle + _AWAY_M * normal(batch, 1, 2)
        p = torch.cat([(p[..., :2] - middle) @ turn + way, p[..., 2:]], dim=-1)
        xy = (things[..., :2] - middle) @ turn + way + _PLACE_ERROR_M * normal(*things.shape[:2], 2)
        size = _ERROR_M * torch.rand(batch, 1, 1, generator=generator, device=path.device)
        wrong = p + size * _errors(normal(batch, _KNOTS, 3), normal(batch, 1, 3), points)
        found = anchor.corrected(wrong, rest, torch.cat([xy, things[..., 2:]], dim=-1))
        return ((found - p) / _UNIT_M).square().mean()


def _errors(
    knots_BN3: Float[Tensor, "B N 3"], common_B13: Float[Tensor, "B 1 3"], points: int
) -> Float[Tensor, "B P 3"]:
    """Of a path, about 1 in size: none at its beginning, changing slowly along it."""
    along = nn.functional.interpolate(knots_BN3.transpose(1, 2), points, mode="linear", align_corners=True)
    rise = (torch.arange(points, device=knots_BN3.device) / _RISE).clamp(max=1)[:, None]
    return (_ALONE * along.transpose(1, 2) + _TOGETHER * common_B13) * rise * knots_BN3.new_tensor([1.0, 1.0, _UP])
