"""What stage 2 minimises: eq. 2 and 4 of the paper, and the error of the planned path."""

import math
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from understudy.episodes.normalisation import Normalisation
from understudy.errors import UnderstudyError
from understudy.methods.experiment import Batch
from understudy.methods.video_prompt.model import PARTS, Clock, PromptPolicyModel
from understudy.methods.video_prompt.pdcp import PDCP, PDCPConfig
from understudy.methods.video_prompt.plan_anchor import anchor_loss
from understudy.methods.video_prompt.whereabouts import Whereabouts, progress_loss, state_loss
from understudy.networks.action_diffusion import ActionDiffusion
from understudy.networks.image_encoder import ColourJitter, random_colours, to_float

__all__ = ["LossConfig", "acting_loss", "action_loss", "loss", "position_reach"]

_ANCHORED_IN = 4
"""One in so many samples teaches the anchor, whose loss would cost a third of a step if all did."""
_CLOCK_ERROR = 0.02
"""Normal error of the clock in training, as a share of the episode."""


@dataclass(frozen=True)
class LossConfig:
    """Weights and augmentation."""

    position: float = 3 / 19
    rotation: float = 4 / 19
    finger: float = 12 / 19
    """Lambda of eq. 2 (Table 4), of the mean over the numbers of each part."""
    path_weight: float = 2.0
    """Of the planned path's mean squared error."""
    path_shift: float = 0.05
    """The head is trained on paths whose positions are shifted by a normal error of this size, in units of the
    normalised range: what is exact, it must see for itself. Windows by the clock have the true path, unshifted."""
    path_shift_m: float = 0.0
    """The same in metres, alike along every axis; above 0, `path_shift` counts nothing. The normalised range is widest
    along y, so that there a share of it is the largest error, and the head has least reason to believe the path."""
    position_unit_m: float = 0.0
    """Errors of positions, of actions, path and states, count as lengths in this unit [m], alike along every axis; 0:
    as shares of the normalised range, by which a centimetre counts least where the range is widest."""
    at_highest: float = 0.5
    """Share of the action head's samples at the highest noise, see `NoiseLevels.training_sigmas`; the paper has none.
    Where the noise is predicted, it is best 0."""
    state_weight: float = 3.0
    """Of the mean squared error of where the body is seen to be."""
    progress_weight: float = 0.1
    """Of the cross-entropy of how far along the path it is seen to be."""
    pdcp: PDCPConfig | None = field(default_factory=PDCPConfig)
    """None: the row without PDCP."""
    jitter: ColourJitter = field(default_factory=lambda: ColourJitter(0.3, 0.6))
    """Of the images, and of prompts and scenes together."""

    def check(self, where: str) -> None:
        """Raises `UnderstudyError` for lengths that are none; `where` leads the line."""
        for name in ("path_shift_m", "position_unit_m"):
            if not 0 <= getattr(self, name) < math.inf:
                raise UnderstudyError(f"{where}: losses.{name} {getattr(self, name)}: a length [m], 0 or more")


def position_reach(normalisation: Normalisation) -> Float[Tensor, "3"]:
    """What a normalised position of 1 is along each axis [m]."""
    return torch.from_numpy(normalisation.scale[: PARTS[0]]).float()


def action_loss(
    error_BKA: Float[Tensor, "B K A"],
    exists_BK: Bool[Tensor, "B K"],
    config: LossConfig,
    reach_3: Float[Tensor, "3"] | None = None,
) -> Float[Tensor, ""]:
    """Eq. 2: squared errors of position, rotation and fingers, weighted, over the actions that exist.

    `reach_3` is `position_reach`, which `position_unit_m` asks for.
    """
    parts = _in_unit(error_BKA, config, reach_3).split(PARTS, dim=-1)
    weights = (config.position, config.rotation, config.finger)
    per_action = torch.stack([weight * part.mean(-1) for weight, part in zip(weights, parts, strict=True)]).sum(0)
    return (per_action * exists_BK).sum() / exists_BK.sum().clamp(min=1)


def acting_loss(
    head: ActionDiffusion,
    pdcp: PDCP | None,
    context_BMD: Float[Tensor, "B M D"],
    batch: Batch,
    generator: torch.Generator,
    config: LossConfig,
    reach_3: Float[Tensor, "3"] | None = None,
) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
    """Eq. 4: of the actions, and of the clustering tokens, which come first in the context of every window."""
    times = batch["actions"].shape[1]
    errors = head.loss(context_BMD, batch["actions"].flatten(0, 1), generator, config.at_highest)
    total = action_loss(errors, batch["exists"].flatten(0, 1).bool(), config, reach_3)
    parts = {"action": total.detach()}
    if pdcp is not None:
        terms = pdcp(context_BMD[:, 0], batch["skill"].repeat_interleave(times), generator)
        total = total + pdcp.weighted(terms)
        parts |= {name: value.detach() for name, value in terms.items()}
    return total, parts


def loss(
    model: PromptPolicyModel,
    pdcp: PDCP | None,
    batch: Batch,
    generator: torch.Generator,
    config: LossConfig,
    reach_3: Float[Tensor, "3"] | None = None,
) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
    """Mean over samples and windows.

    Args:
        model: in training mode.
        pdcp: heads and prototypes of eq. 6 to 8; None leaves these losses out.
        batch: as `episodes.acted.ActedWindows` gives it, with `z`.
        generator: of colours and noise.
        config: weights.
        reach_3: `position_reach`, for weights and shifts in metres.
    """
    times = batch["actions"].shape[1]
    path = model.read(batch["z"])
    path_loss = _in_unit((path.float() - batch["path"]) ** 2, config, reach_3).mean()
    shown = model.plan_of(batch["z"], path)
    anchored = None
    if model.anchor is not None:
        few = slice(-(-len(path) // _ANCHORED_IN))
        anchored = anchor_loss(model.anchor, batch["path"][few], batch["things"][few], generator)
        if model.config.clocked < 1:  # else nobody goes along the plan in training
            with torch.no_grad():
                correction = model.anchor(shown, batch["things"]) - shown
            shown = shown + correction  # whose gradient the path keeps
    shown = shown.repeat_interleave(times, 0)
    shift = torch.randn(len(shown), 1, PARTS[0], generator=generator, device=generator.device)
    shift = shift * (config.path_shift_m / _known(reach_3) if config.path_shift_m else config.path_shift)
    shown = shown + torch.nn.functional.pad(shift, (0, shown.shape[-1] - PARTS[0]))
    clock = None
    if model.config.clocked:
        clock = _clock(batch, model.config.clocked, generator)
        # What sees nothing has to follow its path exactly, and to stay at its end.
        shown = torch.where(clock.used[:, None, None], batch["path"].repeat_interleave(times, 0), shown)
        held = clock.used.unflatten(0, batch["exists"].shape[:2])[..., None] & batch["held"].bool()
        batch = {**batch, "exists": batch["exists"].bool() | held}
    context, where = _observed(model, shown, batch["images"], clock, config.jitter, generator)
    total, parts = acting_loss(model.head, pdcp, context, batch, generator, config, reach_3)
    total = total + config.path_weight * path_loss
    parts["path"] = path_loss.detach()
    if anchored is not None:
        total = total + anchored
        parts["anchor"] = anchored.detach()
    if where is not None:
        states, known = batch["states"].flatten(0, 1), batch["known"].flatten(0, 1)
        errors = _in_unit((where.states - states).square(), config, reach_3)
        state = state_loss(errors, known, PARTS)
        progress = progress_loss(where.phase, batch["progress"].flatten())
        total = total + config.state_weight * state + config.progress_weight * progress
        parts |= {"state": state.detach(), "progress": progress.detach()}
    return total, parts


def _in_unit(
    squares: Float[Tensor, "*B A"], config: LossConfig, reach_3: Float[Tensor, "3"] | None
) -> Float[Tensor, "*B A"]:
    """Squared errors of normalised actions, those of positions in the unit that is asked for."""
    if not config.position_unit_m:
        return squares
    weights = (_known(reach_3) / config.position_unit_m).square()
    return squares * torch.nn.functional.pad(weights, (0, squares.shape[-1] - PARTS[0]), value=1.0)


def _known(reach_3: Float[Tensor, "3"] | None) -> Float[Tensor, "3"]:
    assert reach_3 is not None, "lengths need what a normalised position is in metres"
    return reach_3


def _observed(
    model: PromptPolicyModel,
    shown_BPA: Float[Tensor, "B P A"],
    images: UInt8[Tensor, "N T 2 S S 3"],
    clock: Clock | None,
    jitter: ColourJitter,
    generator: torch.Generator,
) -> tuple[Float[Tensor, "B M D"], Whereabouts | None]:
    """What `PromptPolicyModel.observe` gives of images in other colours; where all go by the clock, none are seen."""
    if clock is not None and model.config.clocked == 1:
        return model.context_by_clock(shown_BPA, clock), None
    seen = to_float(images, random_colours(len(images), jitter, generator))
    return model.observe(shown_BPA, seen.flatten(0, 1), clock)


def _clock(batch: Batch, share: float, generator: torch.Generator) -> Clock:
    """A clock that is a little wrong, used in a share of all windows."""
    progress = batch["progress"].flatten()
    wrong = torch.randn(progress.shape, generator=generator, device=generator.device) * _CLOCK_ERROR
    used = torch.rand(progress.shape, generator=generator, device=generator.device) < share
    pace = 1 / batch["steps"].repeat_interleave(batch["progress"].shape[1])
    return Clock((progress + wrong).clamp(0, 1), pace, used)
