"""Folders in the published layout of SVD: config.json and safetensors in unet/, vae/ and image_encoder/.

One more part is ours: prompt/model.safetensors, what reads the prompt. Nothing is fetched, no pickle is read.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from diffusers import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionModelWithProjection

from understudy.errors import UnderstudyError
from understudy.networks.published import check_weights, first_line, read_published
from understudy.networks.video_diffusion.clip_frames import ClipFrames
from understudy.networks.video_diffusion.prompt_projection import PromptProjection

__all__ = ["SvdParts", "read_folder", "write_folder"]

_DIFFUSERS = "diffusion_pytorch_model"
_COLOURS = Path("feature_extractor/preprocessor_config.json")
_PROMPT = Path("prompt/model.safetensors")


@dataclass(frozen=True)
class SvdParts:
    """What a folder holds, as float32."""

    unet: UNetSpatioTemporalConditionModel
    vae: AutoencoderKLTemporalDecoder
    clip: ClipFrames
    prompt: PromptProjection | None
    """None in the published folders."""


def read_folder(folder: Path, unet: UNetSpatioTemporalConditionModel | None) -> SvdParts:
    """Read all parts; `unet`, where given, stands for the folder's.

    Raises:
        UnderstudyError: a part is absent, broken, lacks weights or has them in other shapes; one line that says which.
    """
    parts = (
        ["vae", "image_encoder", "feature_extractor"] if unet else ["unet", "vae", "image_encoder", "feature_extractor"]
    )
    absent = [part for part in parts if not (folder / part).is_dir()]
    if absent:
        raise UnderstudyError(
            f"{folder}: no {', '.join(absent)}; a folder of Stable Video Diffusion holds {', '.join(parts)}"
        )
    if unet is None:
        unet = read_published(folder / "unet", _DIFFUSERS, UNetSpatioTemporalConditionModel)
    clip = read_published(folder / "image_encoder", "model", CLIPVisionModelWithProjection)
    return SvdParts(
        unet,
        read_published(folder / "vae", _DIFFUSERS, AutoencoderKLTemporalDecoder),
        ClipFrames(clip, *_colours(folder / _COLOURS)),
        _prompt(folder / _PROMPT, clip.config.projection_dim) if (folder / _PROMPT).is_file() else None,
    )


def write_folder(folder: Path, parts: SvdParts) -> None:
    """Write what `read_folder` reads, and diffusers' own classes, too. LoRA must be merged before."""
    parts.unet.save_pretrained(str(folder / "unet"))
    parts.vae.save_pretrained(str(folder / "vae"))
    parts.clip.clip.save_pretrained(str(folder / "image_encoder"))
    (folder / _COLOURS).parent.mkdir(parents=True, exist_ok=True)
    colours = {"image_mean": parts.clip.mean.flatten().tolist(), "image_std": parts.clip.std.flatten().tolist()}
    (folder / _COLOURS).write_text(json.dumps(colours) + "\n", encoding="utf-8")
    if parts.prompt is not None:
        (folder / _PROMPT).parent.mkdir(parents=True, exist_ok=True)
        save_file({name: value.contiguous() for name, value in parts.prompt.state_dict().items()}, folder / _PROMPT)


def _colours(path: Path) -> tuple[Sequence[float], Sequence[float]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        mean, std = ([float(number) for number in content[key]] for key in ("image_mean", "image_std"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnderstudyError(f"{path}: it needs image_mean and image_std: {first_line(error)}") from error
    if len(mean) != 3 or len(std) != 3:
        raise UnderstudyError(f"{path}: image_mean and image_std need 3 numbers each")
    return mean, std


def _prompt(file: Path, width: int) -> PromptProjection:
    prompt = PromptProjection(width)
    check_weights(file, prompt)
    prompt.load_state_dict(load_file(file))
    return prompt
