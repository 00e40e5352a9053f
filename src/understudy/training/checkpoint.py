"""A checkpoint is one safetensors file, RUN/checkpoints/step_00001200.safetensors: named tensors, and in its header the
rest as JSON with a SHA-256 of it all. Written elsewhere, synced and renamed: a file of that name is whole.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from understudy.errors import UnderstudyError

__all__ = ["Checkpoint", "checkpoint_paths", "load_checkpoint", "remove_parts", "save_checkpoint"]

FORMAT = 1
_PARTS = ".writing"
"""A folder for what is not whole yet: safetensors writes to a file of a random name first."""
_NAME = re.compile(r"step_(\d{8,})\.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a run needs to go on."""

    step: int
    """Optimiser steps done."""
    tensors: Mapping[str, Tensor]
    state: Mapping[str, Any] = field(default_factory=dict)
    """What fits into JSON."""


def checkpoint_paths(folder: Path) -> list[Path]:
    """Whole checkpoints in `folder`, oldest first."""
    if not folder.is_dir():
        return []
    found = {int(match[1]): path for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))}
    return [found[step] for step in sorted(found)]


def save_checkpoint(folder: Path, checkpoint: Checkpoint, *, keep: int = 2) -> Path:
    """Write a checkpoint and remove all but the newest `keep`; once it returns, not even a power cut loses it.

    Raises:
        UnderstudyError: the folder cannot be written or the disk is full; older checkpoints are as they were.
    """
    path = folder / f"step_{checkpoint.step:08d}.safetensors"
    # A shared or permuted tensor (channels last) would be refused: the file holds rows in order.
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    whole = Checkpoint(checkpoint.step, tensors, dict(checkpoint.state))
    head = {"format": FORMAT, "step": whole.step, "sha256": _digest(whole), "state": whole.state}
    parts = folder / _PARTS
    try:
        parts.mkdir(parents=True, exist_ok=True)
        part = parts / path.name
        save_file(tensors, part, metadata={"understudy": json.dumps(head)})
        part.chmod(folder.stat().st_mode & 0o666)  # it comes readable by its owner only
        _sync(part)
        os.replace(part, path)
        _sync(folder)
    except OSError as error:
        raise UnderstudyError(f"{path}: cannot be written: {error.strerror or error}") from error
    except SafetensorError as error:
        raise UnderstudyError(f"{path}: cannot be written: {error}") from error
    finally:
        remove_parts(folder)
    for old in checkpoint_paths(folder)[:-keep]:
        old.unlink()
    return path


def load_checkpoint(path: Path, prefix: str = "") -> Checkpoint:
    """Read a checkpoint; with `prefix`, only the tensors whose names begin so, and without comparing the hash.

    Raises:
        UnderstudyError: the file is missing, damaged, or of another format.
    """
    try:
        with safe_open(path, framework="pt") as file:
            head = json.loads((file.metadata() or {})["understudy"])
            if head["format"] != FORMAT:
                raise UnderstudyError(f"{path}: checkpoint format {head['format']}, this version reads {FORMAT}")
            tensors = {name: file.get_tensor(name) for name in file.keys() if name.startswith(prefix)}  # noqa: SIM118
            checkpoint = Checkpoint(head["step"], tensors, head["state"])
    except FileNotFoundError as error:
        raise UnderstudyError(f"{path}: no such checkpoint") from error
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise UnderstudyError(f"{path}: not a readable checkpoint ({error}); remove it to use an older one") from error
    if not prefix and _digest(checkpoint) != head["sha256"]:
        raise UnderstudyError(f"{path}: damaged (its hash differs); remove it to use an older one")
    return checkpoint


def remove_parts(folder: Path) -> None:
    """Remove what a killed process left half-written. Only for the one process that writes to `folder`."""
    shutil.rmtree(folder / _PARTS, ignore_errors=True)


def _digest(checkpoint: Checkpoint) -> str:
    sha = hashlib.sha256(json.dumps([checkpoint.step, checkpoint.state], sort_keys=True).encode())
    for name, tensor in sorted(checkpoint.tensors.items()):
        sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy())  # type: ignore[arg-type]
    return sha.hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
