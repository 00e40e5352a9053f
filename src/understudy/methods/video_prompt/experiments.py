"""Training runs of video_prompt, by name: both stages."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.episodes.acted import ActedConfig, ActedWindows
from understudy.episodes.normalisation import Normalisation
from understudy.errors import UnderstudyError
from understudy.methods.diffusion_policy import SamplingConfig
from understudy.methods.experiment import Batch, Experiment, TrainingData
from understudy.methods.policy_folder import write_policy_folder
from understudy.methods.video_prompt.data import LabelledWindows, PromptedWindows, RepresentedWindows
from understudy.methods.video_prompt.linear_plan import COMPONENTS
from understudy.methods.video_prompt.loss import LossConfig, loss, position_reach
from understudy.methods.video_prompt.model import ModelConfig, PromptPolicyModel
from understudy.methods.video_prompt.network_folder import read_representation
from understudy.methods.video_prompt.pdcp import PDCP, PDCPConfig
from understudy.methods.video_prompt.policy_network import PolicyConfig, PolicyNetwork, make_network, network_to_json
from understudy.methods.video_prompt.stage1_experiments import STAGE1_EXPERIMENTS
from understudy.methods.video_prompt.starting import (
    check_representation,
    go_on_from,
    known_prompts,
    normalisation_of,
    weights_fingerprint,
)
from understudy.networks.action_diffusion import DiffusionConfig
from understudy.networks.text import ClipText, Text, WordText, vocabulary_of

__all__ = ["EXPERIMENTS", "LabelExperiment", "VideoPromptExperiment"]


class TrainedPolicy(nn.Module):
    """The policy, and what only training needs."""

    reach: Float[Tensor, "3"]
    """See `position_reach`."""

    def __init__(self, policy: PolicyNetwork, pdcp: PDCP | None, normalisation: Normalisation) -> None:
        super().__init__()
        self.policy, self.pdcp = policy, pdcp
        self.register_buffer("reach", position_reach(normalisation), persistent=False)


@dataclass(frozen=True)
class Stage2Experiment(Experiment):
    """A policy on episodes of people and robots; final classes say what becomes of the prompt."""

    derived: ClassVar[Mapping[str, str]] = {
        "acted.robot": "robot",
        "acted.people": "people",
        "acted.image_size": "model.image_size",
        "acted.num_times": "num_times",
        "acted.history": "sampling.execute",
        "acted.chunk": "model.chunk",
        "acted.num_phases": "model.num_phases",
        "acted.things": "model.things",
        "model.action_size": "the robot",
        **dict.fromkeys(("model.z_size", "model.z_tokens", "model.z_cells"), "what makes z"),
        **dict.fromkeys(("model.linear_skills", "model.linear_components"), "the data, see linear_plan"),
    }
    robot: str = "xarm7_xhand"
    people: bool = True
    """Learn from people's episodes, too."""
    num_times: int = 8
    """Windows of one episode in a sample."""
    model: PolicyConfig = field(default_factory=ModelConfig)
    losses: LossConfig = field(default_factory=LossConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    acted: ActedConfig = field(default_factory=lambda: ActedConfig(normalisation="symmetric"))
    """Sizes of windows are those of the model, whatever it says."""

    by_clock: bool = False
    """The policy goes along its path by the clock, not by what it sees on the way; it needs `model.clocked` above 0,
    which is of training."""

    has_places: ClassVar[bool] = False
    """Its policies plan from what says places, and can put the plan where things stand."""

    def open_windows(self) -> ActedWindows:
        """Windows of the sizes of the model.

        Raises:
            UnderstudyError: see `ActedWindows`; a chunk too short, a clock that the network is not trained with, or
                things that no policy looks for.
        """
        self._check_clock()
        self.losses.check(self.name)
        things = self.model.things if isinstance(self.model, ModelConfig) else 0
        if things and not self.has_places:
            raise UnderstudyError(f"{self.name}: model.things {things}: its policies look for none, set 0")
        self.sampling.check_chunk(self.model.chunk, self.name)
        config = replace(
            self.acted,
            robot=self.robot,
            people=self.people,
            image_size=self.model.image_size,
            num_times=self.num_times,
            history=self.sampling.execute,
            chunk=self.model.chunk,
            num_phases=self.model.num_phases,
            things=self.model.things,
        )
        return ActedWindows(self.data, config, self.kept_normalisation())

    def kept_normalisation(self) -> Normalisation | None:
        """Of actions, where it is not to be fitted to the data."""
        return None

    def _check_clock(self) -> None:
        clocked = self.model.clocked if isinstance(self.model, ModelConfig) else 0.0
        if self.by_clock and not clocked:
            raise UnderstudyError(f"{self.name}: by_clock: needs a network with a clock, set model.clocked above 0")
        if clocked == 1 and not self.by_clock:
            raise UnderstudyError(
                f"{self.name}: model.clocked {clocked}: never learns to see, set by_clock=True or less of it"
            )

    def make_model(self, data: TrainingData) -> nn.Module:
        """New networks for the prompts and skills of the data."""
        assert isinstance(data, PromptedWindows)
        policy = make_network(self.network_sizes(data))
        if isinstance(policy, PromptPolicyModel) and policy.anchor is not None:
            policy.anchor.fit(data.normalisation)
        return TrainedPolicy(policy, self.make_pdcp(len(data.skills)), data.normalisation)

    def network_sizes(self, data: PromptedWindows) -> PolicyConfig:
        """Of the networks: those that the data tell filled in."""
        times, cells, channels = data.z_shape
        sizes: PolicyConfig = replace(self.model, z_size=times * cells**2 * channels)
        return replace(sizes, z_tokens=times, z_cells=cells) if isinstance(sizes, ModelConfig) else sizes

    def make_pdcp(self, num_skills: int) -> PDCP | None:
        """New heads of the contrastive losses, if the row has them."""
        wanted = self.losses.pdcp
        return None if wanted is None else PDCP(self.model.diffusion.width, num_skills, wanted)

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """See `loss.py`."""
        assert isinstance(model, TrainedPolicy)
        assert isinstance(model.policy, PromptPolicyModel)
        return loss(model.policy, model.pdcp, batch, generator, self.losses, model.reach)

    def fitted(self, data: TrainingData) -> dict[str, Any]:
        """Normalisation, control step and clock."""
        assert isinstance(data, PromptedWindows | ActedWindows)
        said = {"normalisation": data.normalisation.to_json(), "dt_s": 0.1}
        return said | ({"by_clock": True} if self.by_clock else {})

    def write(self, network: nn.Module, sizes: Mapping[str, Any], data: TrainingData, folder: Path) -> None:
        """A policy folder; `sizes` say how the network is built."""
        content = {
            "method": "video_prompt",
            "robot": self.robot,
            "experiment": self.name,
            **sizes,
            "sampling": asdict(self.sampling),
            **self.fitted(data),
        }
        write_policy_folder(folder, content, network)


@dataclass(frozen=True)
class VideoPromptExperiment(Stage2Experiment):
    """The prompt is a video: z of a representation."""

    has_places: ClassVar[bool] = True
    representation: Path = Path("runs/video_prompt_stage1_tiny/policy")
    """What stage 1 exported."""
    start: Path | None = None
    """A policy to go on from, of the same sizes and on the same representation: its weights in place of new ones, its
    normalisation in place of one that is fitted to the data, its familiar prompts beside those of the data. Heads of
    PDCP begin anew."""
    variants: int = 4
    """Draws of z for every episode."""
    scene_arithmetic: float = 0.0
    """Share of samples whose z is moved to the other body's scene, see `RepresentedWindows`; for skills and things that
    people alone show."""
    painted_robot: float = 0.0
    """Share of people's samples whose z is of their scene with the robot painted in the person's place; likewise."""

    linear_plan: bool = False
    """Half of the plan is what a ridge regression reads off z (`LinearPlan`), the other half what the network does."""

    any_scene: ClassVar[bool] = False
    """Learn from scenes of any time in an episode."""

    def make_data(self) -> RepresentedWindows:
        """Windows with z.

        Raises:
            UnderstudyError: see `RepresentedWindows`; a policy to go on from that this run cannot.
        """
        representation = read_representation(self.representation)
        if self.start is not None:
            self._check_start(self.start, representation.fingerprint())
        return RepresentedWindows(
            self.open_windows(),
            representation,
            self.variants,
            self.losses.jitter,
            any_scene=self.any_scene,
            scene_arithmetic=self.scene_arithmetic,
            painted_robot=self.painted_robot,
        )

    def _check_start(self, start: Path, fingerprint: str) -> None:
        """Before z is made: what would be ignored, or is of something else."""
        if self.linear_plan:
            raise UnderstudyError(f"{self.name}: linear_plan: is fitted to new weights, cannot go on from {start}")
        kept = normalisation_of(start, self.robot).kind
        if kept != self.acted.normalisation:
            raise UnderstudyError(
                f"{self.name}: acted.normalisation={self.acted.normalisation}: {start} has {kept!r}, which is kept"
            )
        check_representation(start, self.robot, fingerprint)

    def kept_normalisation(self) -> Normalisation | None:
        """Of the policy that this run goes on from."""
        return None if self.start is None else normalisation_of(self.start, self.robot)

    def network_sizes(self, data: PromptedWindows) -> PolicyConfig:
        """And of the linear plan."""
        sizes = super().network_sizes(data)
        if not self.linear_plan:
            return sizes
        if not isinstance(sizes, ModelConfig):
            raise UnderstudyError(f"{self.name}: linear_plan: its network plans no path")
        components = min(COMPONENTS, len(data) - 1, sizes.z_size)
        return replace(sizes, linear_skills=len(data.skills), linear_components=components)

    def make_model(self, data: TrainingData) -> nn.Module:
        """New networks, and the linear plan fitted; or those of `start`."""
        trained = super().make_model(data)
        assert isinstance(trained, TrainedPolicy)
        if self.start is not None:
            go_on_from(self.start, self.robot, trained.policy.config, trained.policy)
        elif isinstance(trained.policy, PromptPolicyModel) and trained.policy.linear is not None:
            assert isinstance(data, RepresentedWindows)
            trained.policy.linear.fit(*data.read_off())
        return trained

    def fitted(self, data: TrainingData) -> dict[str, Any]:
        """And the representation."""
        assert isinstance(data, RepresentedWindows)
        said = {"representation": {"folder": str(self.representation), "fingerprint": data.fingerprint}}
        if self.start is not None:
            said["start"] = {"folder": str(self.start), "fingerprint": weights_fingerprint(self.start, self.robot)}
        return super().fitted(data) | said

    def export(self, model: nn.Module, data: TrainingData, folder: Path) -> None:
        """A policy folder; it knows the prompts of training, those of `start` among them, and names the representation,
        which it does not hold.
        """
        assert isinstance(model, TrainedPolicy)
        assert isinstance(data, RepresentedWindows)
        prompts = data.prompts()
        known = None if self.start is None else known_prompts(self.start, self.robot)
        if known is not None:
            prompts = prompts[known.lacks(prompts)]
        count = len(prompts) + (0 if known is None else len(known.points))
        policy = make_network(replace(model.policy.config, familiar_prompts=count))
        policy.load_state_dict(model.policy.state_dict(), strict=False)
        assert policy.familiarity is not None
        if known is None:
            policy.familiarity.fit(prompts)
        else:
            policy.familiarity.fit_beside(known, prompts)
        self.write(policy, network_to_json(policy), data, folder)


@dataclass(frozen=True)
class LabelExperiment(Stage2Experiment):
    """The prompt is a label, of which a fixed vector stands where z stood; all else is the same."""

    clip: Path | None = None
    """Folder of CLIP's text tower in its published layout, which the paper has and the policy needs to act, too; None:
    which words of the training labels a label has."""

    def make_data(self) -> LabelledWindows:
        """Windows with vectors of their labels."""
        windows = self.open_windows()
        return LabelledWindows(windows, self._text(windows))

    def fitted(self, data: TrainingData) -> dict[str, Any]:
        """And how labels are read."""
        assert isinstance(data, LabelledWindows)
        return super().fitted(data) | {"text": self._text(data.windows).to_json()}

    def export(self, model: nn.Module, data: TrainingData, folder: Path) -> None:
        """A policy folder."""
        assert isinstance(model, TrainedPolicy)
        self.write(model.policy, network_to_json(model.policy), data, folder)

    def _text(self, windows: ActedWindows) -> Text:
        return ClipText(self.clip) if self.clip else WordText(vocabulary_of(windows.labels))


def xhand_tiny() -> VideoPromptExperiment:
    """The full row on the XHand, for two CPU cores."""
    return VideoPromptExperiment(
        "video_prompt_xhand_tiny",
        "tiny",
        (Path("data/tabletop"),),
        batch_size=64,
        num_steps=4000,
        learning_rate=1e-3,
        ema_decay=0.998,
        precision="bf16",
        num_times=2,
        losses=LossConfig(pdcp=PDCPConfig(contrastive=0.1, prototype=0.1, metric=0.1)),
        acted=ActedConfig(normalisation="symmetric", shift=2),
    )


def xhand_without_pdcp() -> VideoPromptExperiment:
    """Without the prototypical contrastive losses."""
    tiny = xhand_tiny()
    return replace(tiny, name="video_prompt_xhand_tiny_without_pdcp", losses=replace(tiny.losses, pdcp=None))


def xhand_robot_only() -> VideoPromptExperiment:
    """Without people's episodes and without PDCP."""
    return replace(xhand_without_pdcp(), name="video_prompt_xhand_tiny_robot_only", people=False)


def _in_words(experiment: VideoPromptExperiment, name: str) -> LabelExperiment:
    """The same run with labels for videos; hues stay, for labels name them."""
    assert isinstance(experiment.model, ModelConfig)
    shared = {entry.name: getattr(experiment, entry.name) for entry in fields(Stage2Experiment)}
    losses = replace(experiment.losses, jitter=replace(experiment.losses.jitter, hue=0.0))
    return LabelExperiment(**shared | {"name": name, "model": experiment.model, "losses": losses})


def xhand_language() -> LabelExperiment:
    """The paper's row Language + R. + H.: the same policy and data, told in words, without PDCP."""
    return _in_words(xhand_without_pdcp(), "video_prompt_xhand_tiny_language")


def xhand_language_debug() -> LabelExperiment:
    """Seconds: for tests."""
    return _in_words(xhand_debug(), "video_prompt_xhand_debug_language")


def xhand_debug() -> VideoPromptExperiment:
    """Seconds: for tests."""
    stages = ((8, 4), (8, 2), (8, 2))
    smallest = DiffusionConfig(32, 2, 1, 1, attention_dropout=0.0, dropout=0.0, mlp_dropout=0.0)
    return replace(
        xhand_tiny(),
        name="video_prompt_xhand_debug",
        size="debug",
        batch_size=2,
        num_steps=2,
        warmup_steps=1,
        precision="no",
        num_times=2,
        representation=Path("runs/video_prompt_stage1_debug/policy"),
        model=ModelConfig(
            image_size=32,
            chunk=4,
            image_stages=stages,
            num_phases=4,
            plan_layers=1,
            diffusion=smallest,
        ),
    )


_STAGE2: Mapping[str, Callable[[], Experiment]] = {
    "video_prompt_xhand_debug": xhand_debug,
    "video_prompt_xhand_tiny": xhand_tiny,
    "video_prompt_xhand_tiny_without_pdcp": xhand_without_pdcp,
    "video_prompt_xhand_tiny_robot_only": xhand_robot_only,
    "video_prompt_xhand_tiny_language": xhand_language,
    "video_prompt_xhand_debug_language": xhand_language_debug,
}
EXPERIMENTS: Mapping[str, Callable[[], Experiment]] = {**STAGE1_EXPERIMENTS, **_STAGE2}
"""Name -> experiment."""
