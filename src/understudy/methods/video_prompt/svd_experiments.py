"""Training runs of stage 1 at the paper's size: Stable Video Diffusion (SVD), fine-tuned by cross-prediction.

Hyperparameters are those of Table 3 and A.1. The paper gives neither steps, schedule, weight decay nor noise levels:
those of VPP's fine-tuning of SVD stand for them where that says something, else they are ours.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from understudy.episodes.cross_prediction import ClipConfig, CrossPrediction
from understudy.methods.experiment import Batch, Experiment, TrainingData
from understudy.methods.video_prompt.fitting import fit_to_clips
from understudy.methods.video_prompt.network_folder import check_pooling, check_sampling_steps, make_representation
from understudy.methods.video_prompt.representation import RepresentationConfig
from understudy.methods.video_prompt.stage1_experiments import ClipExperiment
from understudy.methods.video_prompt.weights import require_folder
from understudy.networks.image_encoder import to_float
from understudy.networks.video_diffusion.svd_config import BASE, FineTuning, SvdConfig, SvdIds
from understudy.networks.video_diffusion.video_model import VideoLoss, VideoModel, encode_first, video_loss

__all__ = ["EXPERIMENTS", "SVD_TAPS", "SvdExperiment"]

SVD_TAPS = ("up_blocks.0", "up_blocks.1")
"""Up-blocks that z is read from, those of VPP: at 256 px 1280 x 8 x 8 and 1280 x 16 x 16. VPP enlarges the first and
joins both; averaging each down to the same cells gives what averaging that would."""
_POOLING = RepresentationConfig(SVD_TAPS, cells=4, channels=32, change=False)
"""4096 numbers: 8 times x 16 cells x 32 components. Maps are read as they are, as in VPP."""


@dataclass(frozen=True)
class SvdExperiment(ClipExperiment):
    """Eq. 5 with SVD: the target's clip from its first frame and the source's clip."""

    weights: Path = Path("weights/stable-video-diffusion-img2vid")
    """SVD in its published layout, CLIP's image encoder in it."""
    ids: SvdIds = field(default_factory=SvdIds)
    new_unet: SvdConfig | None = None
    """A UNet of this size from nothing; None goes on from the published one."""
    tuning: FineTuning = field(default_factory=lambda: FineTuning(checkpointing=True))
    losses: VideoLoss = field(default_factory=VideoLoss)
    pooling: RepresentationConfig = _POOLING
    """How z is made of the trained model's features."""
    fit_samples: int = 256
    """Pairs of clips that the components of z are found on."""
    sampling_steps: int = 50
    """Passes that a video is to be sampled with, from what is exported (Table 3); z is made in one."""

    def make_data(self) -> CrossPrediction:
        """Pairs of clips; that weights are absent is said before any frame is decoded.

        Raises:
            UnderstudyError: no such folder of weights.
        """
        require_folder(self.weights, "Stable Video Diffusion", "weights")
        return super().make_data()

    def make_model(self, data: TrainingData) -> VideoModel:
        """The published weights, and what of them learns.

        Raises:
            UnderstudyError: the folder of the weights is not whole, or settings that could not be exported.
        """
        from understudy.networks.video_diffusion.fine_tuning import make_trainable  # diffusers: not for other runs
        from understudy.networks.video_diffusion.svd import SvdVideoModel

        check_sampling_steps(self.sampling_steps)
        model = SvdVideoModel.from_folder(self.weights, self.ids, self.new_unet, self.clips.image_size)
        check_pooling(model, self.pooling, self.clips.num_frames)
        make_trainable(model, self.tuning)
        return model

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Mean over samples."""
        assert isinstance(model, VideoModel)
        source, target = to_float(batch["source"]), to_float(batch["target"])
        tokens = model.prompt_tokens(source, target[:, 0])
        first = encode_first(model, target[:, 0], generator)
        loss, _ = video_loss(model, model.encode(target), first, tokens, generator, self.losses)
        return loss.mean(), {}

    def export(self, model: nn.Module, data: TrainingData, folder: Path) -> None:
        """The representation: video model and the components of its features on clips of the training data."""
        from understudy.methods.video_prompt.svd_representation import write_svd_representation

        assert isinstance(model, VideoModel)
        representation = make_representation(model, self.pooling)
        assert isinstance(data, CrossPrediction)
        fit_to_clips(representation, data, self.fit_samples, self.seed)
        write_svd_representation(folder, representation, self.name, self.sampling_steps, self.losses.left_out)


def stage1_paper() -> SvdExperiment:
    """SVD whole, 16 frames of 256 px, batch 64: for 8 GPUs of 80 GB; needs the published weights."""
    return SvdExperiment(
        "video_prompt_stage1_paper",
        "paper",
        (Path("data/tabletop"),),
        batch_size=64,
        num_steps=100_000,
        learning_rate=5e-6,
        weight_decay=0.0,
        betas=(0.9, 0.999),
        warmup_steps=1000,
        ema_decay=0.9999,
        precision="bf16",
        num_workers=8,
        clips=ClipConfig(image_size=256, num_frames=16, cross_probability=0.6),
    )


def stage1_paper_lora() -> SvdExperiment:
    """As `paper`, but low-rank changes of SVD's attention learn, in 8 turns a step: for one GPU."""
    return replace(
        stage1_paper(),
        name="video_prompt_stage1_paper_lora",
        learning_rate=1e-4,
        accumulate=8,
        tuning=FineTuning(lora_rank=32, lora_alpha=32.0, checkpointing=True),
    )


def stage1_base() -> SvdExperiment:
    """A UNet of SVD's kind from nothing, 128 px: for one GPU of 24 GB; needs SVD's autoencoder and image encoder."""
    return replace(
        stage1_paper(),
        name="video_prompt_stage1_base",
        size="base",
        batch_size=32,
        num_steps=20_000,
        learning_rate=1e-4,
        weight_decay=0.01,
        ema_decay=0.999,
        clips=ClipConfig(image_size=128),
        new_unet=BASE,
        losses=VideoLoss(at_highest=0.25),
    )


def stage1_svd_debug() -> SvdExperiment:
    """Seconds, with shrunken weights: for tests."""
    return replace(
        stage1_paper(),
        name="video_prompt_stage1_svd_debug",
        size="debug",
        batch_size=2,
        num_steps=2,
        warmup_steps=1,
        precision="no",
        num_workers=0,
        clips=ClipConfig(image_size=32, num_frames=4),
        weights=Path("weights/svd_debug"),
        pooling=replace(_POOLING, num_frames=4, times=2, cells=2, channels=4),
        fit_samples=4,
        sampling_steps=2,
    )


EXPERIMENTS: Mapping[str, Callable[[], Experiment]] = {
    "video_prompt_stage1_svd_debug": stage1_svd_debug,
    "video_prompt_stage1_base": stage1_base,
    "video_prompt_stage1_paper": stage1_paper,
    "video_prompt_stage1_paper_lora": stage1_paper_lora,
}
"""Name -> experiment."""
