"""Stage 2: z to a path, path and images to a chunk of actions; a clustering token on the way."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from understudy.episodes.scene_things import MOST
from understudy.errors import UnderstudyError
from understudy.methods.video_prompt.familiarity import Familiarity
from understudy.methods.video_prompt.linear_plan import LinearPlan
from understudy.methods.video_prompt.plan_anchor import PlanAnchor
from understudy.methods.video_prompt.whereabouts import Whereabouts, WhereaboutsReader, way_point_shares
from understudy.methods.video_prompt.z_reader import MapReader, PhaseTokens, TokenReader
from understudy.networks.looking_actor import LookConfig, PathActor

__all__ = ["PARTS", "Clock", "ModelConfig", "PromptPolicyModel"]

PARTS = (3, 4, 12)
"""Numbers of an action of the XHand for the position of the wrist, its rotation, the fingers: each has its own head."""

_USUAL_STEPS = 50
"""Control steps of an episode, about."""


@dataclass(frozen=True)
class Clock:
    """What the action head is told in place of what is seen."""

    progress: Float[Tensor, " B"]
    """Share of the episode that is over, 0 to 1."""
    pace: Float[Tensor, " B"]
    """Share of the episode that a control step takes."""
    used: Bool[Tensor, " B"]
    """Whether it is told this, or what is seen."""


@dataclass(frozen=True)
class ModelConfig(LookConfig):
    """Sizes."""

    action_size: int = sum(PARTS)
    z_size: int = 4096
    """Length of the representation, Z."""
    z_tokens: int = 8
    """Runs of z, one for each of its times. Training takes this and the other sizes of z from the representation."""
    z_cells: int = 8
    """Places of each run along a side; 1: a run is one token without places; 0: z is a token for each phase already."""
    num_phases: int = 16
    """Way-points of the path."""
    plan_layers: int = 2
    ahead: int = 4
    """Way-points from the present one on that the action head is told; 0: it is told neither them nor where the body
    is, and has to find both in the images."""
    clocked: float = 0.0
    """Share of training windows in which the head goes by the clock: it is told how much of the episode is over and
    the true way-points from then on, and nothing of what is seen. 0: it never can; 1: it never looks, and training
    takes less time. Of training; whether a policy acts so is `by_clock`."""
    familiar_prompts: int = 0
    """Training prompts that `Familiarity` knows; 0 while training."""
    linear_skills: int = 0
    """Skills that `LinearPlan` has a map for; 0: the path is the network's alone. Training takes them from the data."""
    linear_components: int = 0
    """Components of z that it reads; from the data, too."""
    things: int = 0
    """At most so many things of the scene are looked at to put the plan where they stand, see `PlanAnchor`; 0: it stays
    as it was read off z."""
    plan_dropout: float = 0.1
    """Of z's numbers in training: z is made of few clips, and no one number of it may be leaned on."""


def _reader(config: ModelConfig) -> MapReader | PhaseTokens | TokenReader:
    width = config.diffusion.width
    if config.z_cells == 0:
        return PhaseTokens(config.z_size, config.num_phases, width)
    sizes = config.num_phases, width, config.diffusion.heads, config.plan_layers
    if config.z_cells == 1:
        return TokenReader(config.z_size, config.z_tokens, *sizes)
    return MapReader(config.z_size, config.z_tokens, config.z_cells, *sizes)


class PromptPolicyModel(PathActor):
    """Z and two images to a chunk of actions: RGB only."""

    def __init__(self, config: ModelConfig) -> None:
        """Make the network.

        Raises:
            UnderstudyError: a share of windows by the clock that is none, or one without way-points ahead; a number of
                things out of range.
        """
        super().__init__(config, config.num_phases, proprioception=False, parts=PARTS)
        self.config = config
        if not 0 <= config.clocked <= 1 or (config.clocked and not config.ahead):
            raise UnderstudyError(f"model.clocked {config.clocked}: a share, 0 to 1, and only with model.ahead above 0")
        width = config.diffusion.width
        self.reader = _reader(config)
        self.z_dropout = nn.Dropout(config.plan_dropout)
        self.path = nn.Linear(width, config.action_size)
        self.cluster = nn.Parameter(torch.randn(width) * 0.02)
        self.whereabouts = (
            WhereaboutsReader(config.num_looks + 1, width, config.action_size, config.ahead) if config.ahead else None
        )
        if config.clocked:  # in place of what is looked at, the whole image and the state
            self.unseen = nn.Parameter(torch.randn(config.num_looks + 2, width) * 0.02)
            self.clock_in = nn.Linear(2, width)
        self.familiarity = Familiarity(config.z_size, config.familiar_prompts) if config.familiar_prompts else None
        skills, components = config.linear_skills, config.linear_components
        self.linear = (
            LinearPlan(config.z_size, components, skills, config.num_phases, config.action_size) if skills else None
        )
        if not 0 <= config.things <= MOST:
            raise UnderstudyError(f"model.things {config.things}: from 0 to {MOST}")
        self.anchor = PlanAnchor(config.action_size, config.num_phases) if config.things else None
        if config.clocked == 1:
            self._never_look()

    def plan(self, z_BZ: Float[Tensor, "B Z"]) -> Float[Tensor, "B P A"]:
        """The path that the robot is to take (normalised): all that the action head learns of the prompt."""
        return self.plan_of(z_BZ, self.read(z_BZ))

    def read(self, z_BZ: Float[Tensor, "B Z"]) -> Float[Tensor, "B P A"]:
        """The network's share of the plan: what is trained to be the path."""
        return self.path(self.reader(self.z_dropout(z_BZ)))

    def plan_of(self, z_BZ: Float[Tensor, "B Z"], read_BPA: Float[Tensor, "B P A"]) -> Float[Tensor, "B P A"]:
        """The plan, given what the network read: the mean of that and the linear one, if there is one."""
        return read_BPA if self.linear is None else (read_BPA + self.linear(z_BZ).to(read_BPA.dtype)) / 2

    def context(
        self,
        path_BPA: Float[Tensor, "B P A"],
        images_B2CSS: Float[Tensor, "B 2 3 S S"],
        states_B2A: Float[Tensor, "B 2 A"] | None = None,
        clock: Clock | None = None,
    ) -> Float[Tensor, "B M D"]:
        """Condition tokens of the action head; the first is the clustering token's output h (section 3.3)."""
        if clock is None or not clock.used.all():
            return self.observe(path_BPA, images_B2CSS, clock)[0]
        return self.context_by_clock(path_BPA, clock)

    def context_by_clock(self, path_BPA: Float[Tensor, "B P A"], clock: Clock) -> Float[Tensor, "B M D"]:
        """Condition tokens of those that all go by the clock: nothing is looked at."""
        told = [self.cluster.expand(len(path_BPA), 1, -1), self.path_in(path_BPA) + self.phases]
        return self.head.encode(torch.cat([*told, self._told(path_BPA, clock)], dim=1))

    def observe(
        self, path_BPA: Float[Tensor, "B P A"], images_B2CSS: Float[Tensor, "B 2 3 S S"], clock: Clock | None = None
    ) -> tuple[Float[Tensor, "B M D"], Whereabouts | None]:
        """Condition tokens as `context` gives them, and where the body is seen to be."""
        phases, wanted = self.path_in(path_BPA) + self.phases, self.condition(path_BPA.flatten(1))
        seen = self.seen(wanted, images_B2CSS, None)
        tokens = [self.cluster.expand(len(path_BPA), 1, -1), phases, seen]
        where = None
        if self.whereabouts is not None:
            where = self.whereabouts(seen, path_BPA, phases)
            tokens.append(where.tokens)
            if clock is not None:
                told = self._told(path_BPA, clock)
                tokens[2:] = [torch.where(clock.used[:, None, None], told, torch.cat(tokens[2:], dim=1))]
        return self.head.encode(torch.cat(tokens, dim=1)), where

    def _never_look(self) -> None:
        """Train nothing that looks: it would learn nothing, and processes that train together wait for gradients."""
        assert self.whereabouts is not None
        reader = self.whereabouts
        looking = [self.images, self.image_in, self.look, self.readout, self.condition]
        for module in (*looking, reader.seen, reader.states, reader.query, reader.key, reader.states_in):
            module.requires_grad_(False)

    def _told(self, path_BPA: Float[Tensor, "B P A"], clock: Clock) -> Float[Tensor, "B N D"]:
        assert self.whereabouts is not None
        share = way_point_shares(clock.progress, path_BPA.shape[1])
        time = torch.stack([clock.progress, clock.pace * _USUAL_STEPS], dim=1).to(path_BPA.dtype)
        return torch.cat([self.unseen + self.clock_in(time)[:, None], self.whereabouts.from_now_on(share, path_BPA)], 1)
