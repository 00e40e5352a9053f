"""Settings of Stable Video Diffusion (SVD): sizes in the words of the published configuration files, what learns."""

from dataclasses import dataclass
from typing import Any

__all__ = ["BASE", "DEBUG", "PAPER", "FineTuning", "SvdConfig", "SvdIds"]


@dataclass(frozen=True)
class SvdIds:
    """Three numbers that SVD is told about its video, beside the noise level."""

    fps: int = 7
    """Frames a second. The network sees one less, as it was trained."""
    motion_bucket: int = 127
    """How much moves, 0 to 255."""
    noise_aug: float = 0.02
    """Standard deviation of the noise on the first frame, in its range -1 to 1."""


@dataclass(frozen=True)
class SvdConfig:
    """UNet, autoencoder and image encoder. Defaults are stabilityai/stable-video-diffusion-img2vid."""

    channels: tuple[int, ...] = (320, 640, 1280, 1280)
    """Of the UNet's levels; multiples of 32."""
    heads: tuple[int, ...] = (5, 10, 20, 20)
    layers: int = 2
    sample_size: int = 96
    """Width of the latents the published weights were trained on; other sizes run, too."""
    num_frames: int = 14
    """Likewise: the paper makes 16 frames with it."""
    embedding: int = 1024
    """Length of the image embedding = width of what cross-attention reads."""
    id_width: int = 256
    """Sines and cosines of each of `SvdIds`."""

    latents: int = 4
    vae_channels: tuple[int, ...] = (128, 256, 512, 512)
    """Each level but the last halves the image."""
    vae_layers: int = 2
    vae_size: int = 768
    scaling: float = 0.18215
    """Autoencoder's output times this has about unit variance."""

    clip_width: int = 1280
    clip_mlp: int = 5120
    clip_layers: int = 32
    clip_heads: int = 16
    clip_patch: int = 14
    clip_size: int = 224

    def unet(self) -> dict[str, Any]:
        """Arguments of diffusers' UNetSpatioTemporalConditionModel."""
        crossed = len(self.channels) - 1
        return {
            "sample_size": self.sample_size,
            "in_channels": 2 * self.latents,
            "out_channels": self.latents,
            "down_block_types": (*["CrossAttnDownBlockSpatioTemporal"] * crossed, "DownBlockSpatioTemporal"),
            "up_block_types": ("UpBlockSpatioTemporal", *["CrossAttnUpBlockSpatioTemporal"] * crossed),
            "block_out_channels": self.channels,
            "addition_time_embed_dim": self.id_width,
            "projection_class_embeddings_input_dim": 3 * self.id_width,
            "layers_per_block": self.layers,
            "cross_attention_dim": self.embedding,
            "transformer_layers_per_block": 1,
            "num_attention_heads": self.heads,
            "num_frames": self.num_frames,
        }

    def vae(self) -> dict[str, Any]:
        """Arguments of diffusers' AutoencoderKLTemporalDecoder."""
        return {
            "in_channels": 3,
            "out_channels": 3,
            "down_block_types": ("DownEncoderBlock2D",) * len(self.vae_channels),
            "block_out_channels": self.vae_channels,
            "layers_per_block": self.vae_layers,
            "latent_channels": self.latents,
            "sample_size": self.vae_size,
            "scaling_factor": self.scaling,
            "force_upcast": True,
        }

    def clip(self) -> dict[str, Any]:
        """Arguments of transformers' CLIPVisionConfig: CLIP ViT-H/14 of laion in the published folder."""
        return {
            "hidden_size": self.clip_width,
            "intermediate_size": self.clip_mlp,
            "num_hidden_layers": self.clip_layers,
            "num_attention_heads": self.clip_heads,
            "patch_size": self.clip_patch,
            "image_size": self.clip_size,
            "projection_dim": self.embedding,
            "hidden_act": "gelu",
        }


@dataclass(frozen=True)
class FineTuning:
    """How SVD is trained. The paper says only that it is fine-tuned; VPP, its ancestor, trains the whole UNet."""

    lora_rank: int = 0
    """0 trains the whole UNet; else LoRA of this rank on the projections of every attention layer."""
    lora_alpha: float = 16.0
    """The change is scaled by alpha / rank."""
    checkpointing: bool = False
    """Compute activations twice instead of keeping them: less memory, about a third slower."""


PAPER = SvdConfig()
"""1.52 billion weights in the UNet, 98 million in the autoencoder, 632 million in the image encoder."""

BASE = SvdConfig(channels=(128, 256, 512, 512), heads=(2, 4, 8, 8), sample_size=16, num_frames=16)
"""A UNet to train from nothing at 128 px, on the published autoencoder and image encoder."""

DEBUG = SvdConfig(
    channels=(32, 64),
    heads=(2, 4),
    layers=1,
    sample_size=8,
    num_frames=3,
    embedding=16,
    id_width=8,
    vae_channels=(32, 32, 32),
    vae_layers=1,
    vae_size=32,
    clip_width=16,
    clip_mlp=16,
    clip_layers=2,
    clip_heads=2,
    clip_patch=8,
    clip_size=32,
)
"""For tests: 32 px to latents of 8 x 8."""
