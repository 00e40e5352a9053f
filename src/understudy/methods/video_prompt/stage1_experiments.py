"""Training runs of stage 1: the small autoencoder, then the video model that learns cross-prediction in its latents."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.episodes.cross_prediction import ClipConfig, CrossPrediction
from understudy.errors import UnderstudyError
from understudy.methods.experiment import Batch, Experiment, TrainingData
from understudy.methods.video_prompt.fitting import fit_to_clips
from understudy.methods.video_prompt.network_folder import (
    AutoencoderConfig,
    check_pooling,
    check_sampling_steps,
    make_representation,
    read_autoencoder,
    read_representation,
    write_autoencoder,
    write_representation,
)
from understudy.methods.video_prompt.representation import RepresentationConfig
from understudy.networks.image_encoder import ColourJitter, random_colours, to_float
from understudy.networks.video_diffusion.small import SmallConfig, SmallVideoModel
from understudy.networks.video_diffusion.small_autoencoder import Autoencoder
from understudy.networks.video_diffusion.small_unet import UNetConfig
from understudy.networks.video_diffusion.video_model import VideoLoss, video_loss

__all__ = ["STAGE1_EXPERIMENTS", "AutoencoderExperiment", "CrossPredictionExperiment"]


@dataclass(frozen=True)
class ClipExperiment(Experiment):
    """Runs on clips of several embodiments in the same layouts."""

    clips: ClipConfig = field(default_factory=ClipConfig)

    def make_data(self) -> CrossPrediction:
        """Pairs of clips."""
        return CrossPrediction(self.data, self.clips)

    def fitted(self, data: TrainingData) -> Mapping[str, Any]:
        """With weights, which are told in the order of the folders, how much each of them holds."""
        assert isinstance(data, CrossPrediction)
        return {"number of layouts in each folder": data.lengths} if self.clips.weights else {}


@dataclass(frozen=True)
class AutoencoderExperiment(ClipExperiment):
    """Single frames through the latents and back."""

    model: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    frames: int = 4
    """Of every sample that are used."""
    start: Path | None = None
    """A representation whose autoencoder is trained on, in place of new weights."""
    jitter: ColourJitter = field(default_factory=lambda: ColourJitter(0.3, 0.6))
    """Of every clip by itself."""

    def make_model(self, data: TrainingData) -> Autoencoder:
        """A new autoencoder, or the one to start from."""
        model = self.model.make()
        if self.start is not None:
            begun = _small_model(self.start)
            found = AutoencoderConfig(begun.config.unet.latent, begun.config.autoencoder_widths)
            if found != self.model:
                raise UnderstudyError(f"{self.start}: an autoencoder of {found}, this run's is {self.model}")
            model.load_state_dict(begun.autoencoder.state_dict())
        return model

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """See `Autoencoder.loss`."""
        assert isinstance(model, Autoencoder)
        clips = torch.cat([batch["source"], batch["target"]])
        chosen = torch.rand(clips.shape[:2], generator=generator, device=clips.device).argsort(1)[:, : self.frames // 2]
        shown = clips[torch.arange(len(clips), device=clips.device)[:, None], chosen]
        frames = to_float(shown, random_colours(len(clips), self.jitter, generator)).flatten(0, 1)
        return model.loss(frames, generator), {}

    def export(self, model: nn.Module, data: TrainingData, folder: Path) -> None:
        """A network folder."""
        assert isinstance(model, Autoencoder)
        write_autoencoder(folder, model, self.model, self.name)


@dataclass(frozen=True)
class CrossPredictionExperiment(ClipExperiment):
    """Eq. 5: the target's clip from its first frame and the source's clip."""

    model: SmallConfig = field(default_factory=SmallConfig)
    losses: VideoLoss = field(default_factory=VideoLoss)
    autoencoder: Path | None = Path("runs/video_prompt_autoencoder_tiny/policy")
    """Trained before; None keeps new weights (for the ablation of an untrained stage 1, and in tests)."""
    start: Path | None = None
    """A representation whose video model is trained on, in place of new weights."""
    start_autoencoder: bool = True
    """Whether the autoencoder is that of `start`, too; else it is `autoencoder`: one that was trained on."""
    jitter: ColourJitter = field(default_factory=lambda: ColourJitter(0.3, 0.6))
    """The same for both clips of a sample."""
    pooling: RepresentationConfig = field(default_factory=RepresentationConfig)
    """How z is made of the trained model's features."""
    fit_samples: int = 256
    """Pairs of clips that the components of z are found on."""
    sampling_steps: int = 1
    """Passes that a video is to be sampled with, from what is exported; one gives the mean of what is expected."""

    def make_model(self, data: TrainingData) -> SmallVideoModel:
        """A new model around the trained autoencoder, or the one to start from."""
        model = SmallVideoModel(self.model)
        check_pooling(model, self.pooling, self.clips.num_frames)
        check_sampling_steps(self.sampling_steps)
        if self.start is not None:
            begun = _small_model(self.start)
            if begun.config != self.model:
                raise UnderstudyError(f"{self.start}: a video model of {begun.config}, this run's is {self.model}")
            model.load_state_dict(begun.state_dict())
        if self.autoencoder is not None and (self.start is None or not self.start_autoencoder):
            sizes = AutoencoderConfig(self.model.unet.latent, self.model.autoencoder_widths)
            model.autoencoder.load_state_dict(read_autoencoder(self.autoencoder, sizes).state_dict())
        return model

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Mean over samples."""
        assert isinstance(model, SmallVideoModel)
        model.autoencoder.eval()
        colours = random_colours(len(batch["source"]), self.jitter, generator)
        source, target = (model.encode(to_float(batch[name], colours)) for name in _CLIPS)
        tokens = model.tokens_of_latents(source)
        loss, _ = video_loss(model, target, target[:, 0], tokens, generator, self.losses)
        crossed = batch["crossed"].bool()
        return loss.mean(), {"crossed": _mean(loss.detach(), crossed), "same": _mean(loss.detach(), ~crossed)}

    def export(self, model: nn.Module, data: TrainingData, folder: Path) -> None:
        """The representation: video model and the components of its features on clips of the training data."""
        assert isinstance(model, SmallVideoModel)
        representation = make_representation(model, self.pooling)
        assert isinstance(data, CrossPrediction)
        fit_to_clips(representation, data, self.fit_samples, self.seed)
        write_representation(folder, representation, self.name, self.sampling_steps, self.losses.left_out)


_CLIPS = "source", "target"


def _small_model(folder: Path) -> SmallVideoModel:
    """The video model of a representation to start from."""
    model = read_representation(folder).model
    if not isinstance(model, SmallVideoModel):
        raise UnderstudyError(f"{folder}: a video model of Stable Video Diffusion's kind, not the small one")
    return model


def _mean(values_B: Float[Tensor, " B"], chosen_B: Tensor) -> Float[Tensor, ""]:
    return (values_B * chosen_B).sum() / chosen_B.sum().clamp(min=1)


def autoencoder_tiny() -> AutoencoderExperiment:
    """A few minutes on one core."""
    return AutoencoderExperiment(
        "video_prompt_autoencoder_tiny",
        "tiny",
        (Path("data/tabletop"),),
        batch_size=16,
        num_steps=1500,
        learning_rate=2e-3,
        ema_decay=0.99,
        precision="bf16",
    )


def autoencoder_debug() -> AutoencoderExperiment:
    """Seconds: for tests."""
    return replace(
        autoencoder_tiny(),
        name="video_prompt_autoencoder_debug",
        size="debug",
        batch_size=2,
        num_steps=2,
        warmup_steps=1,
        precision="no",
        clips=ClipConfig(image_size=32, num_frames=4),
        model=AutoencoderConfig(8, (8, 8, 8)),
    )


def stage1_tiny() -> CrossPredictionExperiment:
    """An hour of one core from new weights; the shipped one had 144 minutes in four runs."""
    return CrossPredictionExperiment(
        "video_prompt_stage1_tiny",
        "tiny",
        (Path("data/tabletop"),),
        batch_size=16,
        num_steps=4000,
        learning_rate=1e-3,
        ema_decay=0.998,
        precision="bf16",
        clips=ClipConfig(num_frames=8, shift=2),
        losses=VideoLoss(p_mean=0.7, p_std=1.6, drop_first=0.0, at_highest=0.5),
        pooling=RepresentationConfig(num_frames=8, times=4, channels=16),
    )


def stage1_debug() -> CrossPredictionExperiment:
    """Seconds: for tests."""
    return replace(
        stage1_tiny(),
        name="video_prompt_stage1_debug",
        size="debug",
        batch_size=2,
        num_steps=2,
        warmup_steps=1,
        precision="no",
        clips=ClipConfig(image_size=32, num_frames=4),
        model=SmallConfig(32, UNetConfig(8, (8, 16), heads=2, blocks=1), (8, 8, 8), prompt_width=8),
        autoencoder=None,
        pooling=RepresentationConfig(num_frames=4, times=2, cells=2, channels=4),
        fit_samples=4,
    )


STAGE1_EXPERIMENTS: Mapping[str, Callable[[], Experiment]] = {
    "video_prompt_autoencoder_debug": autoencoder_debug,
    "video_prompt_autoencoder_tiny": autoencoder_tiny,
    "video_prompt_stage1_debug": stage1_debug,
    "video_prompt_stage1_tiny": stage1_tiny,
}
"""Name -> experiment."""
