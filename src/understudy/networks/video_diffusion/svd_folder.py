"""Folders in the published layout of SVD: config.json and safetensors in unet/, vae/ and image_encoder/.

One more part is ours: prompt/model.safetensors, what reads the prompt. Nothing is fetched, no pickle is read.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from understudy.errors import UnderstudyError
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
        unet = _read_part(folder / "unet", _DIFFUSERS, UNetSpatioTemporalConditionModel)
    clip = _read_part(folder / "image_encoder", "model", CLIPVisionModelWithProjection)
    return SvdParts(
        unet,
        _read_part(folder / "vae", _DIFFUSERS, AutoencoderKLTemporalDecoder),
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


def _read_part(folder: Path, stem: str, kind: Any) -> Any:  # noqa: ANN401 - a class of diffusers or transformers
    """Look first, so that what is wrong is one line and not a warning about new weights."""
    files = {None: folder / f"{stem}.safetensors", "fp16": folder / f"{stem}.fp16.safetensors"}
    variant = next((variant for variant, file in files.items() if file.is_file()), "none")
    if variant == "none" or not (folder / "config.json").is_file():
        raise UnderstudyError(f"{folder}: it needs config.json and {stem}.safetensors (or {stem}.fp16.safetensors)")
    try:
        with torch.device("meta"):
            wanted = _empty(folder, kind)
    except (OSError, ValueError, TypeError, AttributeError, ZeroDivisionError, RuntimeError) as error:
        raise UnderstudyError(f"{folder / 'config.json'}: not of {kind.__name__}: {_line(error)}") from error
    _check_weights(files[variant], wanted)
    return kind.from_pretrained(str(folder), local_files_only=True, use_safetensors=True, variant=variant).float()


def _empty(folder: Path, kind: Any) -> nn.Module:  # noqa: ANN401
    if kind is CLIPVisionModelWithProjection:
        return kind(CLIPVisionConfig.from_pretrained(str(folder), local_files_only=True))
    return kind.from_config(kind.load_config(str(folder), local_files_only=True))


def _check_weights(file: Path, wanted: nn.Module) -> None:
    try:
        with safe_open(str(file), framework="pt") as stored:
            shapes = {name: tuple(stored.get_slice(name).get_shape()) for name in stored.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise UnderstudyError(f"{file}: not a whole safetensors file: {_line(error)}") from error
    for name, value in wanted.state_dict().items():
        if name not in shapes:
            count = sum(key not in shapes for key in wanted.state_dict())
            raise UnderstudyError(
                f"{file}: {count} of {len(wanted.state_dict())} weights are missing, the first is {name}"
            )
        if shapes[name] != tuple(value.shape):
            raise UnderstudyError(f"{file}: {name} is {shapes[name]}; config.json makes it {tuple(value.shape)}")


def _colours(path: Path) -> tuple[Sequence[float], Sequence[float]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        mean, std = ([float(number) for number in content[key]] for key in ("image_mean", "image_std"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnderstudyError(f"{path}: it needs image_mean and image_std: {_line(error)}") from error
    if len(mean) != 3 or len(std) != 3:
        raise UnderstudyError(f"{path}: image_mean and image_std need 3 numbers each")
    return mean, std


def _prompt(file: Path, width: int) -> PromptProjection:
    prompt = PromptProjection(width)
    _check_weights(file, prompt)
    prompt.load_state_dict(load_file(file))
    return prompt


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
