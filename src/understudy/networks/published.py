"""Networks of diffusers and transformers in their published layout: a folder with config.json and safetensors.

Nothing is fetched and no pickle is read. What is wrong is one line, not a warning about new weights.
"""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn
from transformers import PreTrainedModel

from understudy.errors import UnderstudyError

__all__ = ["check_weights", "first_line", "read_published"]


def read_published(folder: Path, stem: str, kind: Any) -> Any:  # noqa: ANN401 - a class of diffusers or transformers
    """A network of `kind` as float32.

    Args:
        folder: holds config.json, and `stem`.safetensors or `stem`.fp16.safetensors.
        stem: name of the file of weights.
        kind: class that the configuration is of.

    Raises:
        UnderstudyError: a file is absent or broken, lacks weights or has them in other shapes.
    """
    files = {None: folder / f"{stem}.safetensors", "fp16": folder / f"{stem}.fp16.safetensors"}
    variant = next((variant for variant, file in files.items() if file.is_file()), "none")
    if variant == "none" or not (folder / "config.json").is_file():
        raise UnderstudyError(f"{folder}: it needs config.json and {stem}.safetensors (or {stem}.fp16.safetensors)")
    try:
        with torch.device("meta"):
            wanted = _empty(folder, kind)
    except (OSError, ValueError, TypeError, AttributeError, ZeroDivisionError, RuntimeError) as error:
        raise UnderstudyError(f"{folder / 'config.json'}: not of {kind.__name__}: {first_line(error)}") from error
    check_weights(files[variant], wanted)
    return kind.from_pretrained(str(folder), local_files_only=True, use_safetensors=True, variant=variant).float()


def check_weights(file: Path, wanted: nn.Module) -> None:
    """Make sure that a file holds every weight of a network in its shape.

    Raises:
        UnderstudyError: it does not.
    """
    try:
        with safe_open(str(file), framework="pt") as stored:
            shapes = {name: tuple(stored.get_slice(name).get_shape()) for name in stored.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise UnderstudyError(f"{file}: not a whole safetensors file: {first_line(error)}") from error
    for name, value in wanted.state_dict().items():
        if name not in shapes:
            count = sum(key not in shapes for key in wanted.state_dict())
            raise UnderstudyError(
                f"{file}: {count} of {len(wanted.state_dict())} weights are missing, the first is {name}"
            )
        if shapes[name] != tuple(value.shape):
            raise UnderstudyError(f"{file}: {name} is {shapes[name]}; config.json makes it {tuple(value.shape)}")


def first_line(error: Exception) -> str:
    """What an error of another library says, in one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _empty(folder: Path, kind: Any) -> nn.Module:  # noqa: ANN401
    if issubclass(kind, PreTrainedModel):
        return kind(kind.config_class.from_pretrained(str(folder), local_files_only=True))
    return kind.from_config(kind.load_config(str(folder), local_files_only=True))
