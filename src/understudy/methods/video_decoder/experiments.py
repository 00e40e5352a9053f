"""Training runs of the video decoder, by name."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from understudy.episodes.paired import PairedWindows
from understudy.methods.experiment import Batch, Experiment, TrainingData
from understudy.methods.paired_experiment import SMALLEST, PairedExperiment
from understudy.methods.policy_folder import write_policy_folder
from understudy.methods.video_decoder.loss import LossConfig, loss
from understudy.methods.video_decoder.model import ModelConfig, VideoDecoder
from understudy.networks.action_diffusion import DiffusionConfig

__all__ = ["EXPERIMENTS", "VideoDecoderExperiment"]


@dataclass(frozen=True)
class VideoDecoderExperiment(PairedExperiment):
    """Pairs of a person's clip and a robot's episode."""

    model: ModelConfig = field(default_factory=ModelConfig)
    losses: LossConfig = field(default_factory=LossConfig)

    def make_data(self) -> PairedWindows:
        """Clips and windows of the sizes of the model."""
        model = self.model
        return self.open_windows(model.image_size, model.chunk, model.prompt_frames, model.num_phases)

    def make_model(self, data: TrainingData) -> VideoDecoder:
        """A new network for the robot of the data."""
        assert isinstance(data, PairedWindows)
        return VideoDecoder(replace(self.model, action_size=len(data.normalisation.names)))

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """See `loss.py`."""
        assert isinstance(model, VideoDecoder)
        return loss(model, batch, generator, self.losses)

    def export(self, model: nn.Module, data: TrainingData, folder: Path) -> None:
        """A policy folder."""
        assert isinstance(data, PairedWindows)
        assert isinstance(model, VideoDecoder)
        write_policy_folder(folder, self.description("video_decoder", data, asdict(model.config)), model)


def tabletop_tiny() -> VideoDecoderExperiment:
    """The gripper on the tabletop, for two CPU cores."""
    return VideoDecoderExperiment(
        "video_decoder_tabletop_tiny",
        "tiny",
        (Path("data/tabletop"),),
        batch_size=16,
        num_steps=3000,
        learning_rate=1e-3,
        ema_decay=0.998,
        precision="bf16",
    )


def xhand_tiny() -> VideoDecoderExperiment:
    """The XHand on the tabletop."""
    return replace(tabletop_tiny(), name="video_decoder_xhand_tiny", robot="xarm7_xhand")


def tabletop_debug() -> VideoDecoderExperiment:
    """Seconds: for tests."""
    stages = ((8, 4), (8, 2), (8, 2))
    return replace(
        tabletop_tiny(),
        name="video_decoder_tabletop_debug",
        size="debug",
        batch_size=2,
        num_steps=2,
        warmup_steps=1,
        precision="no",
        num_times=2,
        model=ModelConfig(
            image_size=32,
            prompt_frames=4,
            num_phases=4,
            chunk=4,
            prompt_layers=1,
            prompt_stages=stages,
            image_stages=stages,
            diffusion=SMALLEST,
        ),
    )


def tabletop_base() -> VideoDecoderExperiment:
    """160 px, for one GPU."""
    stages = ((64, 4), (128, 2), (128, 1), (256, 2))
    return replace(
        tabletop_tiny(),
        name="video_decoder_tabletop_base",
        size="base",
        batch_size=32,
        num_steps=20_000,
        learning_rate=3e-4,
        num_workers=8,
        model=ModelConfig(160, prompt_layers=4, prompt_stages=stages, image_stages=stages, diffusion=DiffusionConfig()),
    )


def tabletop_paper() -> VideoDecoderExperiment:
    """As `base`, with the action head and batch of Table 4 of video_prompt and its 20 epochs; no paper sizes a CNN."""
    return replace(
        tabletop_base(),
        name="video_decoder_tabletop_paper",
        size="paper",
        batch_size=128,
        num_steps=100_000,
        learning_rate=1e-4,
    )


EXPERIMENTS: Mapping[str, Callable[[], Experiment]] = {
    "video_decoder_tabletop_debug": tabletop_debug,
    "video_decoder_tabletop_tiny": tabletop_tiny,
    "video_decoder_xhand_tiny": xhand_tiny,
    "video_decoder_tabletop_base": tabletop_base,
    "video_decoder_tabletop_paper": tabletop_paper,
}
"""Name -> experiment."""
