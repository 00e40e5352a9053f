"""Training runs of video_prompt, by name: both stages."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from understudy.episodes.acted import ActedConfig, ActedWindows
from understudy.methods.diffusion_policy import SamplingConfig
from understudy.methods.experiment import Batch, Experiment, TrainingData
from understudy.methods.policy_folder import write_policy_folder
from understudy.methods.video_prompt.data import RepresentedWindows
from understudy.methods.video_prompt.loss import LossConfig, loss
from understudy.methods.video_prompt.model import ModelConfig, PromptPolicyModel
from understudy.methods.video_prompt.network_folder import read_representation
from understudy.methods.video_prompt.pdcp import PDCP
from understudy.methods.video_prompt.stage1_experiments import STAGE1_EXPERIMENTS
from understudy.networks.action_diffusion import DiffusionConfig

__all__ = ["EXPERIMENTS", "VideoPromptExperiment"]


class _Trained(nn.Module):
    """The policy, and what only training needs."""

    def __init__(self, policy: PromptPolicyModel, pdcp: PDCP | None) -> None:
        super().__init__()
        self.policy, self.pdcp = policy, pdcp


@dataclass(frozen=True)
class VideoPromptExperiment(Experiment):
    """Stage 2 on episodes of people and robots."""

    robot: str = "xarm7_xhand"
    people: bool = True
    """Learn from people's episodes, too."""
    representation: Path = Path("runs/video_prompt_stage1_tiny/policy")
    """What stage 1 exported."""
    variants: int = 2
    """Draws of z for every episode."""
    num_times: int = 8
    """Windows of one episode in a sample."""
    model: ModelConfig = field(default_factory=ModelConfig)
    losses: LossConfig = field(default_factory=LossConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    acted: ActedConfig = field(default_factory=lambda: ActedConfig(normalisation="symmetric"))
    """Sizes of windows are those of the model, whatever it says."""

    def make_data(self) -> RepresentedWindows:
        """Windows of the sizes of the model, with z."""
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
        )
        return RepresentedWindows(
            ActedWindows(self.data, config), read_representation(self.representation), self.variants
        )

    def make_model(self, data: TrainingData) -> _Trained:
        """New networks for the skills of the data."""
        assert isinstance(data, RepresentedWindows)
        policy = PromptPolicyModel(self.model)
        wanted = self.losses.pdcp
        pdcp = None if wanted is None else PDCP(self.model.diffusion.width, len(data.skills), wanted)
        return _Trained(policy, pdcp)

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """See `loss.py`."""
        assert isinstance(model, _Trained)
        return loss(model.policy, model.pdcp, batch, generator, self.losses)

    def fitted(self, data: TrainingData) -> dict[str, Any]:
        """Normalisation, control step and representation."""
        assert isinstance(data, RepresentedWindows)
        made_with = {
            "folder": str(self.representation),
            "fingerprint": read_representation(self.representation).fingerprint(),
        }
        return {"normalisation": data.normalisation.to_json(), "dt_s": 0.1, "representation": made_with}

    def export(self, model: nn.Module, data: TrainingData, folder: Path) -> None:
        """A policy folder; it names the representation, and does not hold it."""
        assert isinstance(model, _Trained)
        assert isinstance(data, RepresentedWindows)
        prompts = data.prompts()
        policy = PromptPolicyModel(replace(self.model, familiar_prompts=len(prompts)))
        policy.load_state_dict(model.policy.state_dict(), strict=False)
        assert policy.familiarity is not None
        policy.familiarity.fit(prompts)
        content = {
            "method": "video_prompt",
            "robot": self.robot,
            "experiment": self.name,
            "model": asdict(policy.config),
            "sampling": asdict(self.sampling),
            **self.fitted(data),
        }
        write_policy_folder(folder, content, policy)


def xhand_tiny() -> VideoPromptExperiment:
    """The full row on the XHand, for two CPU cores."""
    return VideoPromptExperiment(
        "video_prompt_xhand_tiny",
        "tiny",
        (Path("data/tabletop"),),
        batch_size=16,
        num_steps=4000,
        learning_rate=1e-3,
        ema_decay=0.998,
        precision="bf16",
    )


def xhand_without_pdcp() -> VideoPromptExperiment:
    """Without the prototypical contrastive losses."""
    tiny = xhand_tiny()
    return replace(tiny, name="video_prompt_xhand_tiny_without_pdcp", losses=replace(tiny.losses, pdcp=None))


def xhand_robot_only() -> VideoPromptExperiment:
    """Without people's episodes and without PDCP."""
    return replace(xhand_without_pdcp(), name="video_prompt_xhand_tiny_robot_only", people=False)


def xhand_debug() -> VideoPromptExperiment:
    """Seconds: for tests."""
    stages = ((8, 4), (8, 2), (8, 2))
    smallest = DiffusionConfig(32, 2, encoder_layers=1, decoder_layers=1, attention_dropout=0.0, dropout=0.0)
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
            z_size=32,
            z_tokens=2,
            diffusion=smallest,
        ),
    )


_STAGE2: Mapping[str, Callable[[], Experiment]] = {
    "video_prompt_xhand_debug": xhand_debug,
    "video_prompt_xhand_tiny": xhand_tiny,
    "video_prompt_xhand_tiny_without_pdcp": xhand_without_pdcp,
    "video_prompt_xhand_tiny_robot_only": xhand_robot_only,
}
EXPERIMENTS: Mapping[str, Callable[[], Experiment]] = {**STAGE1_EXPERIMENTS, **_STAGE2}
"""Name -> experiment."""
