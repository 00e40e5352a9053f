"""Training runs of the video decoder, by name."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from understudy.episodes.normalisation import NormalisationKind
from understudy.episodes.paired import PairedWindows, WindowConfig
from understudy.errors import UnderstudyError
from understudy.methods.chunked_sampling import SamplingConfig
from understudy.methods.experiment import Batch, Experiment, TrainingData
from understudy.methods.policy_folder import write_policy_folder
from understudy.methods.video_decoder.loss import LossConfig, loss
from understudy.methods.video_decoder.model import ModelConfig, VideoDecoder
from understudy.networks.action_diffusion import DiffusionConfig
from understudy.networks.edm import EDM

__all__ = ["EXPERIMENTS", "VideoDecoderExperiment", "model_config_from_json"]


@dataclass(frozen=True)
class VideoDecoderExperiment(Experiment):
    """Settings of a video decoder beside those of every run."""

    robot: str = "xarm7_gripper"
    num_times: int = 8
    """Windows of one episode in a sample."""
    normalisation: NormalisationKind = "symmetric"
    model: ModelConfig = field(default_factory=ModelConfig)
    losses: LossConfig = field(default_factory=LossConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)

    def make_data(self) -> PairedWindows:
        """Pairs of a person's clip and a robot's episode."""
        windows = WindowConfig(
            robot=self.robot,
            image_size=self.model.image_size,
            prompt_frames=self.model.prompt_frames,
            num_times=self.num_times,
            history=self.sampling.execute,
            chunk=self.model.chunk,
            num_phases=self.model.num_phases,
            normalisation=self.normalisation,
        )
        return PairedWindows(self.data, windows)

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
        content = {
            "method": "video_decoder",
            "robot": self.robot,
            "experiment": self.name,
            "model": asdict(model.config),
            "normalisation": data.normalisation.to_json(),
            "sampling": self.sampling.to_json(),
            "dt_s": 1 / data.fps,
            "labels": list(data.labels),
        }
        write_policy_folder(folder, content, model)


def model_config_from_json(content: Mapping[str, Any], where: str) -> ModelConfig:
    """Read a model's sizes; `where` names the file in errors."""
    try:
        diffusion = dict(content["diffusion"])
        diffusion["edm"] = EDM(**diffusion["edm"])
        stages = {key: tuple(tuple(s) for s in content[key]) for key in ("prompt_stages", "image_stages")}
        return ModelConfig(**{**content, **stages, "diffusion": DiffusionConfig(**diffusion)})
    except (TypeError, KeyError) as error:
        raise UnderstudyError(f"{where}: model: sizes do not fit this version: {error}") from error


def tabletop_tiny() -> VideoDecoderExperiment:
    """The gripper on the tabletop, for two CPU cores."""
    return VideoDecoderExperiment(
        "video_decoder_tabletop_tiny",
        "tiny",
        Path("data/tabletop"),
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
    small = DiffusionConfig(width=32, heads=2, encoder_layers=1, decoder_layers=1, attention_dropout=0.0, dropout=0.0)
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
            diffusion=small,
        ),
    )


def tabletop_base() -> VideoDecoderExperiment:
    """160 px, for one GPU."""
    stages = ((64, 4), (128, 2), (128, 1), (256, 2), (256, 1))
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
