"""Training runs of the language-conditioned diffusion policy, by name."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from understudy.episodes.paired import PairedWindows
from understudy.methods.dp_language.loss import loss
from understudy.methods.dp_language.model import LanguageDiffusion
from understudy.methods.experiment import Batch, Experiment, TrainingData
from understudy.methods.paired_experiment import SMALLEST, PairedExperiment
from understudy.methods.policy_folder import write_policy_folder
from understudy.networks.action_diffusion import DiffusionConfig
from understudy.networks.looking_actor import LookConfig
from understudy.networks.text import ClipText, Text, WordText, vocabulary_of

__all__ = ["EXPERIMENTS", "DPLanguageExperiment"]


@dataclass(frozen=True)
class DPLanguageExperiment(PairedExperiment):
    """A robot's episodes and their labels; nothing of the person is read."""

    model: LookConfig = field(default_factory=LookConfig)
    clip: Path | None = None
    """Folder of CLIP's text tower; None: the small built-in word encoder."""
    jitter: float = 0.15
    """Of colours: gains of `ColourJitter`."""
    blank_probability: float = 0.05
    """Share of labels that are left out: the policy then does anything that the scene allows."""

    def make_data(self) -> PairedWindows:
        """Windows of the sizes of the model."""
        return self.open_windows(self.model.image_size, self.model.chunk)

    def make_model(self, data: TrainingData) -> LanguageDiffusion:
        """A new network for the robot and the labels of the data."""
        assert isinstance(data, PairedWindows)
        config = replace(self.model, action_size=len(data.normalisation.names))
        return LanguageDiffusion(config, self._text(data), data.labels)

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """See `loss.py`."""
        assert isinstance(model, LanguageDiffusion)
        return loss(model, batch, generator, self.jitter, self.blank_probability)

    def export(self, model: nn.Module, data: TrainingData, folder: Path) -> None:
        """A policy folder."""
        assert isinstance(data, PairedWindows)
        assert isinstance(model, LanguageDiffusion)
        content = self.description("dp_language", data, asdict(model.config))
        write_policy_folder(folder, content | {"text": self._text(data).to_json()}, model)

    def _text(self, data: PairedWindows) -> Text:
        return ClipText(self.clip) if self.clip else WordText(vocabulary_of(data.labels))


def tabletop_tiny() -> DPLanguageExperiment:
    """The gripper on the tabletop, for two CPU cores."""
    return DPLanguageExperiment(
        "dp_language_tabletop_tiny",
        "tiny",
        (Path("data/tabletop"),),
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
    return replace(
        tabletop_tiny(),
        name="dp_language_tabletop_debug",
        size="debug",
        batch_size=2,
        num_steps=2,
        warmup_steps=1,
        precision="no",
        num_times=2,
        model=LookConfig(image_size=32, chunk=4, image_stages=((8, 4), (8, 2), (8, 2)), diffusion=SMALLEST),
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
        model=LookConfig(
            160,
            image_stages=((64, 4), (128, 2), (128, 1), (256, 2)),
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
