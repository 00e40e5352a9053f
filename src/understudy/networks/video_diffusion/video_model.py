"""Latent video diffusion: what a model offers, the loss of video_prompt's stage 1, a sampler, features of one step.

A model estimates clean latents x0 from x = x0 + sigma n, given the first frame and a prompt (eq. 5 of the paper):

    L = E w |D(x0 + sigma n; sigma, first, prompt) - x0|^2,   w = (sigma^2 + 1) / sigma^2,   ln sigma ~ N(0.7, 1.6^2)

The paper writes eq. 5 for a variance-preserving x_t and gives neither weight nor noise levels; these are of EDM
(Karras et al., 2022) for latents of unit variance, as Stable Video Diffusion (SVD) was trained.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from understudy.networks.edm import EDM, karras_sigmas

__all__ = [
    "SVD_LEVELS",
    "Condition",
    "Denoised",
    "Guidance",
    "VideoLoss",
    "VideoModel",
    "encode_first",
    "is_blank",
    "one_step_features",
    "sample_video",
    "video_loss",
]

SVD_LEVELS = EDM(sigma_data=1.0, sigma_min=0.002, sigma_max=700.0)
"""Scalings and sampling levels of SVD: its published scheduler_config.json."""
Condition = Literal["prompt", "first_frame"]
"""What a model is told of the video that it is to make."""


@dataclass(frozen=True)
class Denoised:
    """What one pass through a model gives."""

    latents: Float[Tensor, "B T L G G"]
    """Estimate of the clean latents."""
    features: Mapping[str, Float[Tensor, "B T C g g"]]
    """Maps of the tapped up-blocks, by name."""


class VideoModel(nn.Module, ABC):
    """A latent video diffusion model. Frames are -1 to 1; latents are scaled as the diffusion sees them."""

    levels: EDM = SVD_LEVELS
    """Scalings, and where sampling starts and ends."""
    noise_aug: float = 0.0
    """Standard deviation of the noise on the pixels of the first frame, in its range -1 to 1."""
    image_size: int
    """Side of the frames that it makes [px]."""

    @property
    @abstractmethod
    def tap_channels(self) -> Mapping[str, int]:
        """Up-blocks that `denoise` can be asked for, from the coarsest on, and the channels of their maps."""

    @property
    def told(self) -> Mapping[str, int | float]:
        """What the network is told beside its inputs, and the size of its frames: all that weights do not say."""
        return {"image_size": self.image_size}

    @abstractmethod
    def encode(self, frames_BTCSS: Float[Tensor, "B T 3 S S"]) -> Float[Tensor, "B T L G G"]:
        """Frames to latents of about unit variance, without gradients."""

    @abstractmethod
    def decode(self, latents_BTLGG: Float[Tensor, "B T L G G"]) -> Float[Tensor, "B T 3 S S"]:
        """Latents to frames, without gradients."""

    @abstractmethod
    def prompt_tokens(
        self, prompt_BNCSS: Float[Tensor, "B N 3 P P"], first_BCSS: Float[Tensor, "B 3 S S"]
    ) -> Float[Tensor, "B M D"]:
        """What cross-attention reads. Zero tokens are no prompt: a blank (black) prompt becomes that.

        Args:
            prompt_BNCSS: frames of the prompt at even times, first to last.
            first_BCSS: the first frame of the video to be made, without noise.
        """

    @abstractmethod
    def denoise(
        self,
        noisy_BTLGG: Float[Tensor, "B T L G G"],
        sigma_B: Float[Tensor, " B"],
        first_BLGG: Float[Tensor, "B L G G"],
        tokens_BMD: Float[Tensor, "B M D"],
        taps: tuple[str, ...] = (),
    ) -> Denoised:
        """Estimate the clean latents.

        Args:
            noisy_BTLGG: x0 + sigma n, not scaled.
            sigma_B: noise levels.
            first_BLGG: latents of the first frame (`encode_first`); zeros for none.
            tokens_BMD: `prompt_tokens`; zeros for none.
            taps: names of up-blocks whose maps are wanted.

        Raises:
            UnderstudyError: no such up-block.
        """


@dataclass(frozen=True)
class VideoLoss:
    """Noise levels of training and how often a condition is left out. Levels: VPP's fine-tuning of SVD."""

    p_mean: float = 0.7
    p_std: float = 1.6
    drop_prompt: float = 0.05
    """Share of samples whose tokens are zeros."""
    drop_first: float = 0.05
    """Share of samples whose first latents are zeros."""
    at_highest: float = 0.0
    """Share of samples at the model's highest level, where `one_step_features` are read. SVD knows it already."""

    @property
    def left_out(self) -> tuple[Condition, ...]:
        """What a model that is trained so has learned to do without."""
        shares: Mapping[Condition, float] = {"prompt": self.drop_prompt, "first_frame": self.drop_first}
        return tuple(condition for condition, share in shares.items() if share > 0)


@dataclass(frozen=True)
class Guidance:
    """Classifier-free guidance, D = D0 + w (D1 - D0): D1 is told all, D0 not what is left out.

    w = 0 goes by D0, 1 by D1; above 1 a video shows more of what D0 is not told than the model expects.
    """

    first: float
    """w of the first frame."""
    last: float
    """w of the last frame; those between are on a line."""
    left_out: tuple[Condition, ...] = ("prompt", "first_frame")
    """What training left out at times, or D0 is of conditions that the model never met. SVD leaves out both."""


def is_blank(prompt_BNCSS: Float[Tensor, "B N 3 P P"]) -> Bool[Tensor, " B"]:
    """Whether every pixel of a prompt is black (-1)."""
    return (prompt_BNCSS <= -1).flatten(1).all(dim=1)


def encode_first(
    model: VideoModel, first_BCSS: Float[Tensor, "B 3 S S"], generator: torch.Generator
) -> Float[Tensor, "B L G G"]:
    """Latents of the first frame, whose pixels get noise of `model.noise_aug` before."""
    noise = torch.randn(first_BCSS.shape, generator=generator, device=first_BCSS.device, dtype=first_BCSS.dtype)
    return model.encode((first_BCSS + model.noise_aug * noise)[:, None])[:, 0]


def video_loss(
    model: VideoModel,
    clean_BTLGG: Float[Tensor, "B T L G G"],
    first_BLGG: Float[Tensor, "B L G G"],
    tokens_BMD: Float[Tensor, "B M D"],
    generator: torch.Generator,
    config: VideoLoss,
) -> tuple[Float[Tensor, " B"], Float[Tensor, " B"]]:
    """Eq. 5, one number per sample, and the noise levels.

    A model that predicts the mean of latents of unit variance has loss 1 at every level.

    Args:
        model: D.
        clean_BTLGG: latents of the video that is to be made.
        first_BLGG: latents of its first frame.
        tokens_BMD: of the prompt.
        generator: of levels, noise and what is left out.
        config: how.
    """
    count, device = len(clean_BTLGG), clean_BTLGG.device
    sigma_B = (config.p_mean + config.p_std * torch.randn(count, generator=generator, device=device)).exp()
    highest = torch.rand(count, generator=generator, device=device) < config.at_highest
    sigma_B = torch.where(highest, model.levels.sigma_max, sigma_B)
    noise = torch.randn(clean_BTLGG.shape, generator=generator, device=device)
    has_prompt = torch.rand(count, generator=generator, device=device) >= config.drop_prompt
    has_first = torch.rand(count, generator=generator, device=device) >= config.drop_first
    found = model.denoise(
        clean_BTLGG + _like(sigma_B, clean_BTLGG) * noise,
        sigma_B,
        first_BLGG * _like(has_first, first_BLGG),
        tokens_BMD * _like(has_prompt, tokens_BMD),
    )
    error_B = (found.latents - clean_BTLGG).square().flatten(1).mean(dim=1)
    return error_B * (sigma_B**2 + 1) / sigma_B**2, sigma_B


@torch.no_grad()
def sample_video(
    model: VideoModel,
    first_BLGG: Float[Tensor, "B L G G"],
    tokens_BMD: Float[Tensor, "B M D"],
    num_frames: int,
    steps: int,
    generator: torch.Generator,
    guidance: Guidance | None = None,
    levels: EDM | None = None,
) -> Float[Tensor, "B T L G G"]:
    """Make a video: Euler steps along dx/dsigma = (x - D) / sigma over Karras' levels, from noise to 0.

    Args:
        model: D.
        first_BLGG: latents of the first frame.
        tokens_BMD: of the prompt.
        num_frames: T.
        steps: passes through the model (twice as large batches with guidance).
        generator: of the first noise, the only chance there is.
        guidance: None is w = 1 without the cost.
        levels: where sampling starts and ends; the model's own by default.
    """
    batch, *rest = first_BLGG.shape
    noise = torch.randn(batch, num_frames, *rest, generator=generator, device=first_BLGG.device)
    sigmas = karras_sigmas(levels or model.levels, steps).to(noise)
    x = noise * (sigmas[0] ** 2 + 1).sqrt()
    for now, after in pairwise(sigmas):
        clean = _guided(model, x, now.expand(batch), first_BLGG, tokens_BMD, guidance)
        x = x + (after - now) * (x - clean) / now
    return x


@torch.no_grad()
def one_step_features(
    model: VideoModel,
    first_BLGG: Float[Tensor, "B L G G"],
    tokens_BMD: Float[Tensor, "B M D"],
    num_frames: int,
    taps: tuple[str, ...],
    seed: int = 0,
) -> Mapping[str, Float[Tensor, "B T C g g"]]:
    """Maps of up-blocks after one pass over pure noise at the model's highest level: what stage 2 acts on (as in VPP).

    The noise depends on `seed` alone and is the same for all samples of a batch.
    """
    batch, *rest = first_BLGG.shape
    noise = torch.randn(1, num_frames, *rest, generator=torch.Generator().manual_seed(seed)).to(first_BLGG)
    highest = model.levels.sigma_max
    x = (noise * (highest**2 + 1) ** 0.5).expand(batch, -1, -1, -1, -1)
    return model.denoise(x, x.new_full((batch,), highest), first_BLGG, tokens_BMD, taps).features


def _guided(
    model: VideoModel,
    x: Tensor,
    sigma_B: Tensor,
    first_BLGG: Tensor,
    tokens_BMD: Tensor,
    guidance: Guidance | None,
) -> Tensor:
    if guidance is None:
        return model.denoise(x, sigma_B, first_BLGG, tokens_BMD).latents
    first_0 = torch.zeros_like(first_BLGG) if "first_frame" in guidance.left_out else first_BLGG
    tokens_0 = torch.zeros_like(tokens_BMD) if "prompt" in guidance.left_out else tokens_BMD
    first, tokens = torch.cat([first_0, first_BLGG]), torch.cat([tokens_0, tokens_BMD])
    without, given = model.denoise(torch.cat([x, x]), torch.cat([sigma_B, sigma_B]), first, tokens).latents.chunk(2)
    weight_T = torch.linspace(guidance.first, guidance.last, x.shape[1], device=x.device)
    return without + weight_T[:, None, None, None] * (given - without)


def _like(values: Shaped[Tensor, " B"], x: Tensor) -> Tensor:
    return values.view(-1, *[1] * (x.ndim - 1))
