"""Stable Video Diffusion with a video as its prompt (appendix A.1 of video_prompt).

The UNet sees, for every frame, the noisy latents beside those of the first frame, and in cross-attention

    [embedding of the first frame, token of prompt frame 1, ..., token of prompt frame N]

The first token is SVD's own; the others are ours (`PromptProjection`). With v-prediction,

    D = x / (sigma^2 + 1) - sigma / sqrt(sigma^2 + 1) F(x / sqrt(sigma^2 + 1); ln sigma / 4)
"""

import copy
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from diffusers import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel
from jaxtyping import Float
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from understudy.errors import UnderstudyError, UnknownName
from understudy.networks.video_diffusion.clip_frames import ClipFrames
from understudy.networks.video_diffusion.lora import LoraLinear, merge_lora
from understudy.networks.video_diffusion.prompt_projection import PromptProjection
from understudy.networks.video_diffusion.svd_config import SvdConfig, SvdIds
from understudy.networks.video_diffusion.svd_folder import SvdParts, read_folder
from understudy.networks.video_diffusion.video_model import SVD_LEVELS, Denoised, VideoModel, is_blank

__all__ = ["SvdVideoModel"]

_ENCODED_AT_ONCE = 16
"""Frames: bounds the memory of the autoencoder."""
_PAPER_SIZE = 256
"""Of frames (A.1) [px]."""


class SvdVideoModel(VideoModel):
    """SVD. UNet and prompt projection learn; autoencoder and image encoder are frozen."""

    def __init__(
        self,
        unet: UNetSpatioTemporalConditionModel,
        vae: AutoencoderKLTemporalDecoder,
        clip: ClipFrames,
        ids: SvdIds,
        image_size: int = _PAPER_SIZE,
    ) -> None:
        """Put the parts together.

        Args:
            unet: what learns, beside the projection of the prompt.
            vae: frames to latents and back.
            clip: reads the first frame and the prompt.
            ids: what the UNet is told of its videos.
            image_size: of the frames that it is used for [px]; the networks take others, too.

        Raises:
            UnderstudyError: widths of the parts do not fit.
        """
        super().__init__()
        latents, context = vae.config.latent_channels, unet.config.cross_attention_dim
        if (unet.config.in_channels, unet.config.out_channels) != (2 * latents, latents):
            channels = f"{unet.config.in_channels} in and {unet.config.out_channels} out"
            raise UnderstudyError(
                f"the UNet has {channels}; the autoencoder's {latents} latents need {2 * latents} and {latents}"
            )
        if context != clip.width:
            raise UnderstudyError(f"the UNet reads tokens of {context} numbers; the image encoder gives {clip.width}")
        self.unet, self.clip, self.ids, self.noise_aug = unet, clip, ids, ids.noise_aug
        self.image_size = image_size
        self.vae = vae.eval().requires_grad_(False)
        self.prompt = PromptProjection(context)
        self.fresh: tuple[str, ...] = tuple(name for name, _ in self.named_parameters())
        """Weights that start new; all but those that `from_folder` read."""

    @property
    def told(self) -> Mapping[str, int | float]:
        """See `VideoModel`."""
        return {**super().told, **asdict(self.ids)}

    @classmethod
    def build(cls, config: SvdConfig, ids: SvdIds, image_size: int = _PAPER_SIZE) -> "SvdVideoModel":
        """All weights new."""
        return cls(
            UNetSpatioTemporalConditionModel(**config.unet()),
            AutoencoderKLTemporalDecoder(**config.vae()),
            ClipFrames(CLIPVisionModelWithProjection(CLIPVisionConfig(**config.clip()))),
            ids,
            image_size,
        )

    @classmethod
    def from_folder(
        cls, folder: Path, ids: SvdIds, new_unet: SvdConfig | None = None, image_size: int = _PAPER_SIZE
    ) -> "SvdVideoModel":
        """Read a folder in the published layout: unet/, vae/, image_encoder/, feature_extractor/.

        Cross-attention keeps its published width, so that every weight of the UNet is read as it is. What reads the
        prompt is not part of SVD: it starts as the identity, and `fresh` names it.

        Args:
            folder: config.json and safetensors in each part.
            ids: what the UNet is told of its videos.
            new_unet: a UNet of this size, all new, in the place of the folder's, which then need not be there.
            image_size: see `__init__`.

        Raises:
            UnderstudyError: something is absent, broken or does not fit.
        """
        unet = None if new_unet is None else UNetSpatioTemporalConditionModel(**new_unet.unet())
        parts = read_folder(folder, unet)
        model = cls(parts.unet, parts.vae, parts.clip, ids, image_size)
        if parts.prompt is not None:
            model.prompt = parts.prompt
        new = () if parts.prompt is not None else ("prompt.",)
        new = new if unet is None else (*new, "unet.")
        model.fresh = tuple(name for name in model.fresh if name.startswith(new))
        return model

    def parts(self) -> SvdParts:
        """What `write_folder` writes. LoRA is folded into a copy of the UNet, so that training could go on."""
        unet = self.unet
        if any(isinstance(part, LoraLinear) for part in unet.modules()):
            unet = copy.deepcopy(unet)
            merge_lora(unet)
        return SvdParts(unet, self.vae, self.clip, self.prompt)

    @property
    def tap_channels(self) -> Mapping[str, int]:
        """`up_blocks.0`, ...: widths of the UNet's levels from the coarsest on."""
        widths = reversed(self.unet.config.block_out_channels)
        return {f"up_blocks.{index}": width for index, width in enumerate(widths)}

    @torch.no_grad()
    def encode(self, frames_BTCSS: Float[Tensor, "B T 3 S S"]) -> Float[Tensor, "B T L G G"]:
        """Means of the autoencoder's latents, scaled."""
        chunks = frames_BTCSS.flatten(0, 1).to(self.vae.dtype).split(_ENCODED_AT_ONCE)
        with torch.autocast(frames_BTCSS.device.type, enabled=False):
            latents = torch.cat([self.vae.encode(chunk).latent_dist.mode() for chunk in chunks])
        return latents.float().unflatten(0, frames_BTCSS.shape[:2]) * self.vae.config.scaling_factor

    @torch.no_grad()
    def decode(self, latents_BTLGG: Float[Tensor, "B T L G G"]) -> Float[Tensor, "B T 3 S S"]:
        """Each video at once: the decoder mixes neighbouring frames."""
        latents = (latents_BTLGG / self.vae.config.scaling_factor).to(self.vae.dtype)
        with torch.autocast(latents.device.type, enabled=False):
            videos = [self.vae.decode(video, num_frames=len(video)).sample for video in latents]
        return torch.stack(videos).float()

    def prompt_tokens(
        self, prompt_BNCSS: Float[Tensor, "B N 3 P P"], first_BCSS: Float[Tensor, "B 3 S S"]
    ) -> Float[Tensor, "B M D"]:
        """M = 1 + N tokens; zeros where the prompt is black."""
        frames = self.clip(prompt_BNCSS.flatten(0, 1)).unflatten(0, prompt_BNCSS.shape[:2])
        tokens = torch.cat([self.clip(first_BCSS)[:, None], self.prompt(frames)], dim=1)
        return tokens * ~is_blank(prompt_BNCSS)[:, None, None]

    def denoise(
        self,
        noisy_BTLGG: Float[Tensor, "B T L G G"],
        sigma_B: Float[Tensor, " B"],
        first_BLGG: Float[Tensor, "B L G G"],
        tokens_BMD: Float[Tensor, "B M D"],
        taps: tuple[str, ...] = (),
    ) -> Denoised:
        """One pass. Taps `up_blocks.0`, ... at 256 px: 1280 x 8 x 8, 1280 x 16 x 16, 640 x 32 x 32, 320 x 32 x 32."""
        batch, frames = noisy_BTLGG.shape[:2]
        ids = [self.ids.fps - 1, self.ids.motion_bucket, self.noise_aug]
        # SVD's autoencoder scales what is diffused, not what is put beside it
        beside = (first_BLGG / self.vae.config.scaling_factor)[:, None].expand_as(noisy_BTLGG)
        found: dict[str, Tensor] = {}
        handles = [
            block.register_forward_hook(lambda _, __, out, name=name: found.__setitem__(name, out))
            for name, block in self._tapped(taps).items()
        ]

        def network(scaled_BTLGG: Tensor, c_noise_B: Tensor) -> Tensor:
            # EDM's F has the opposite sign of SVD's v
            x = torch.cat([scaled_BTLGG, beside], dim=2).to(self.unet.dtype)
            ids_BI = x.new_tensor(ids).expand(batch, -1)
            return -self.unet(x, c_noise_B, tokens_BMD.to(x.dtype), added_time_ids=ids_BI).sample.float()

        try:
            latents = SVD_LEVELS.denoise(network, noisy_BTLGG, sigma_B)
        finally:
            for handle in handles:
                handle.remove()
        return Denoised(latents, {name: found[name].unflatten(0, (batch, frames)) for name in taps})

    def _tapped(self, taps: tuple[str, ...]) -> dict[str, nn.Module]:
        blocks = {f"up_blocks.{index}": block for index, block in enumerate(self.unet.up_blocks)}
        for name in taps:
            if name not in blocks:
                raise UnknownName("up-block", name, blocks)
        return {name: blocks[name] for name in taps}
