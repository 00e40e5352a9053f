"""Training runs of stage 2 at the paper's size (section 3.2, Table 4), and smaller ones of the same network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from understudy.episodes.acted import ActedConfig
from understudy.methods.diffusion_policy import SamplingConfig
from understudy.methods.experiment import Batch, Experiment, TrainingData
from understudy.methods.video_prompt.data import RepresentedWindows
from understudy.methods.video_prompt.experiments import TrainedPolicy, VideoPromptExperiment
from understudy.methods.video_prompt.joint_model import JointConfig, JointPromptModel
from understudy.methods.video_prompt.loss import LossConfig, acting_loss
from understudy.methods.video_prompt.pdcp import PDCPConfig
from understudy.methods.video_prompt.policy_network import PolicyConfig
from understudy.methods.video_prompt.weights import require_folder
from understudy.networks.action_diffusion import DiffusionConfig
from understudy.networks.image_encoder import ColourJitter, random_colours, to_float
from understudy.networks.resnet import ResNetSizes, read_resnet

__all__ = ["EXPERIMENTS", "JointExperiment"]


@dataclass(frozen=True)
class JointExperiment(VideoPromptExperiment):
    """The paper's network: z and what is seen are joined in one token. No path is planned, so that none has a loss."""

    model: PolicyConfig = field(default_factory=JointConfig)
    resnet: Path | None = Path("weights/resnet-34")
    """Published weights of the ResNet, which learn on; None begins with new ones, `start` with those of its policy."""

    def make_data(self) -> RepresentedWindows:
        """Windows with z; that weights are absent is said before any z is made.

        Raises:
            UnderstudyError: no such folder of weights.
        """
        if self.resnet is not None and self.start is None:
            require_folder(self.resnet, "the ResNet", "resnet")
        return super().make_data()

    def make_model(self, data: TrainingData) -> TrainedPolicy:
        """New networks but for the ResNet.

        Raises:
            UnderstudyError: its folder is not whole.
        """
        trained = super().make_model(data)
        assert isinstance(trained, TrainedPolicy)
        assert isinstance(trained.policy, JointPromptModel)
        if self.resnet is not None and self.start is None:
            trained.policy.images = read_resnet(self.resnet, trained.policy.config.images)
        return trained

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Eq. 4, mean over samples and windows."""
        assert isinstance(model, TrainedPolicy)
        times = batch["actions"].shape[1]
        images = to_float(batch["images"], random_colours(len(batch["images"]), self.losses.jitter, generator))
        context = model.policy.context(batch["z"].repeat_interleave(times, 0), images.flatten(0, 1))
        return acting_loss(model.policy.head, model.pdcp, context, batch, generator, self.losses, model.reach)


def xhand_paper() -> JointExperiment:
    """ResNet-34, the action transformer and the optimiser of Table 4: for one GPU of 80 GB; needs published weights."""
    return JointExperiment(
        "video_prompt_xhand_paper",
        "paper",
        (Path("data/tabletop"),),
        batch_size=128,
        num_steps=100_000,
        learning_rate=1e-4,
        weight_decay=1e-6,
        betas=(0.9, 0.999),
        warmup_steps=1000,
        ema_decay=0.9999,
        precision="bf16",
        num_workers=8,
        num_times=1,
        losses=LossConfig(jitter=ColourJitter(0.0), at_highest=0.0),
        sampling=SamplingConfig(steps=10, start="noise"),
        acted=ActedConfig(normalisation="unit"),
        representation=Path("runs/video_prompt_stage1_paper/policy"),
    )


def xhand_base() -> JointExperiment:
    """The same network at a fifth of its size, from nothing, 160 px: for one GPU of 24 GB."""
    return replace(
        xhand_paper(),
        name="video_prompt_xhand_base",
        size="base",
        batch_size=32,
        num_steps=20_000,
        learning_rate=3e-4,
        ema_decay=0.999,
        num_times=8,
        losses=LossConfig(at_highest=0.0),
        acted=ActedConfig(normalisation="symmetric"),
        model=JointConfig(
            images=ResNetSizes(widths=(64, 128, 192, 256), depths=(2, 2, 2, 2), features=256, norm="group"),
            diffusion=DiffusionConfig(256, 4, 2, 4, attention_dropout=0.1, dropout=0.1),
        ),
        resnet=None,
        representation=Path("runs/video_prompt_stage1_base/policy"),
    )


def xhand_joint_debug() -> JointExperiment:
    """Seconds, with shrunken weights: for tests."""
    return replace(
        xhand_paper(),
        name="video_prompt_xhand_joint_debug",
        size="debug",
        batch_size=2,
        num_steps=2,
        warmup_steps=1,
        precision="no",
        num_workers=0,
        num_times=2,
        losses=LossConfig(jitter=ColourJitter(0.0), at_highest=0.0, pdcp=PDCPConfig(num_prototypes=2, refresh=1)),
        model=JointConfig(
            image_size=32,
            chunk=4,
            images=ResNetSizes(8, (8, 8), (1, 1), features=6),
            diffusion=DiffusionConfig(32, 2, 1, 1, attention_dropout=0.0, dropout=0.0, mlp_dropout=0.0),
        ),
        resnet=Path("weights/resnet_debug"),
        representation=Path("runs/video_prompt_stage1_svd_debug/policy"),
    )


EXPERIMENTS: Mapping[str, Callable[[], Experiment]] = {
    "video_prompt_xhand_joint_debug": xhand_joint_debug,
    "video_prompt_xhand_base": xhand_base,
    "video_prompt_xhand_paper": xhand_paper,
}
"""Name -> experiment."""
