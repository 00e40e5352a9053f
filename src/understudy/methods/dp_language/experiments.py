"""Training runs of the language-conditioned diffusion policy, by name."""

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
from understudy.methods.dp_language.loss import loss
from understudy.methods.dp_language.model import LanguageDiffusion, ModelConfig
from understudy.methods.dp_language.text import ClipText, Text, WordText, vocabulary_of
from understudy.methods.experiment import Batch, Experiment, TrainingData
from understudy.methods.policy_folder import write_policy_folder
from understudy.networks.action_diffusion import DiffusionConfig
from understudy.networks.edm import EDM

__all__ = ["EXPERIMENTS", "DPLanguageExperiment", "model_config_from_json"]


@dataclass(frozen=True)
class DPLanguageExperiment(Experiment):
    """Settings of a language policy beside those of every run."""

    robot: str = "xarm7_gripper"
    num_times: int = 8
    """Windows of one episode in a sample."""
    normalisation: NormalisationKind = "symmetric"
    model: ModelConfig = field(default_factory=ModelConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    clip: Path | None = None
    """Folder of CLIP's text tower; None: the small built-in word encoder."""
    jitter: float = 0.15
    """As in `random_colours`."""

    def make_data(self) -> PairedWindows:
        """Episodes of the robot and their labels."""
        windows = WindowConfig(
            robot=self.robot,
            image_size=self.model.image_size,
            prompt_frames=0,
            num_times=self.num_times,
            history=self.sampling.execute,
            chunk=self.model.chunk,
            normalisation=self.normalisation,
        )
        return PairedWindows(self.data, windows)

    def make_model(self, data: TrainingData) -> LanguageDiffusion:
        """A new network for the robot and the labels of the data."""
        assert isinstance(data, PairedWindows)
        config = replace(self.model, action_size=len(data.normalisation.names))
        return LanguageDiffusion(config, self._text(data), data.labels)

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """See `loss.py`."""
        assert isinstance(model, LanguageDiffusion)
        return loss(model, batch, generator, self.jitter)

    def export(self, model: nn.Module, data: TrainingData, folder: Path) -> None:
        """A policy folder."""
        assert isinstance(data, PairedWindows)
        assert isinstance(model, LanguageDiffusion)
        content = {
            "method": "dp_language",
            "robot": self.robot,
            "experiment": self.name,
            "model": asdict(model.config),
            "text": self._text(data).to_json(),
            "normalisation": data.normalisation.to_json(),
            "sampling": self.sampling.to_json(),
            "dt_s": 1 / data.fps,
            "labels": list(data.labels),
        }
        write_policy_folder(folder, content, model)

    def _text(self, data: PairedWindows) -> Text:
        return ClipText(self.clip) if self.clip else WordText(vocabulary_of(data.labels))


def model_config_from_json(content: Mapping[str, Any], where: str) -> ModelConfig:
    """Read a model's sizes; `where` names the file in errors."""
    try:
        diffusion = dict(content["diffusion"])
        diffusion["edm"] = EDM(**diffusion["edm"])
        stages = tuple(tuple(stage) for stage in content["image_stages"])
        return ModelConfig(**{**content, "image_stages": stages, "diffusion": DiffusionConfig(**diffusion)})
    except (TypeError, KeyError) as error:
        raise UnderstudyError(f"{where}: model: sizes do not fit this version: {error}") from error


def tabletop_tiny() -> DPLanguageExperiment:
    """The gripper on the tabletop, for two CPU cores."""
    return DPLanguageExperiment(
        "dp_language_tabletop_tiny",
        "tiny",
        Path("data/tabletop"),
        batch_size=16,
        num_steps=3000,
        learning_rate=1e-3,
        ema_decay=0.998,
        precision="bf16",
    )


def xhand_tiny() -> DPLanguageExperiment:
    """The XHand on the tabletop."""
    return replace(tabletop_tiny(), name="dp_language_xhand_tiny", robot="xarm7_xhand")


def tabletop_debug() -> DPLanguageExperiment:
    """Seconds: for tests."""
    small = DiffusionConfig(width=32, heads=2, encoder_layers=1, decoder_layers=1, attention_dropout=0.0, dropout=0.0)
    return replace(
        tabletop_tiny(),
        name="dp_language_tabletop_debug",
        size="debug",
        batch_size=2,
        num_steps=2,
        warmup_steps=1,
        precision="no",
        num_times=2,
        model=ModelConfig(image_size=32, chunk=4, image_stages=((8, 4), (8, 2), (8, 2)), diffusion=small),
    )


def tabletop_base() -> DPLanguageExperiment:
    """160 px, for one GPU."""
    return replace(
        tabletop_tiny(),
        name="dp_language_tabletop_base",
        size="base",
        batch_size=32,
        num_steps=20_000,
        learning_rate=3e-4,
        num_workers=8,
        model=ModelConfig(
            160,
            image_stages=((64, 4), (128, 2), (128, 1), (256, 2), (256, 1)),
            num_looks=8,
            diffusion=DiffusionConfig(),
        ),
    )


def tabletop_paper() -> DPLanguageExperiment:
    """As `base`, with CLIP's text tower from a local folder and the batch of Table 4 of video_prompt."""
    return replace(
        tabletop_base(),
        name="dp_language_tabletop_paper",
        size="paper",
        batch_size=128,
        num_steps=100_000,
        learning_rate=1e-4,
        clip=Path("weights/clip-vit-base-patch32"),
    )


EXPERIMENTS: Mapping[str, Callable[[], Experiment]] = {
    "dp_language_tabletop_debug": tabletop_debug,
    "dp_language_tabletop_tiny": tabletop_tiny,
    "dp_language_xhand_tiny": xhand_tiny,
    "dp_language_tabletop_base": tabletop_base,
    "dp_language_tabletop_paper": tabletop_paper,
}
"""Name -> experiment."""
