"""A learned policy on disk: `model.safetensors` holds the weights, `policy.json` everything else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from understudy.errors import UnderstudyError
from understudy.files import replacing, write_text

__all__ = ["FORMAT", "PolicyFolder", "load_weights", "read_policy_folder", "save_weights", "write_policy_folder"]

FORMAT = "understudy policy 1"


@dataclass(frozen=True)
class PolicyFolder:
    """What `policy.json` says."""

    path: Path
    method: str
    robot: str
    experiment: str
    content: Mapping[str, Any]
    """All of it; what lies beside the fields above is the method's own."""

    def require(self, key: str) -> Any:  # noqa: ANN401 - JSON
        """A field of the method's own.

        Raises:
            UnderstudyError: not there; names the file and the field.
        """
        if key not in self.content:
            raise UnderstudyError(f"{self.path / 'policy.json'}: no field {key!r}")
        return self.content[key]


def write_policy_folder(folder: Path, content: Mapping[str, Any], model: nn.Module) -> None:
    """Write the weights, then the description, which says that all is there."""
    save_weights(model, folder)
    write_text(folder / "policy.json", json.dumps({"format": FORMAT, **content}, indent=1) + "\n")


def save_weights(model: nn.Module, folder: Path) -> None:
    """Write `model.safetensors`: as bfloat16, which is as good for acting."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: (value.bfloat16() if value.is_floating_point() else value).contiguous().cpu()
        for name, value in model.state_dict().items()
    }
    with replacing(folder / "model.safetensors") as temporary:
        save_file(tensors, temporary)
        temporary.chmod(0o644)  # it is written for the owner alone


def read_policy_folder(folder: Path, method: str, robot: str) -> PolicyFolder:
    """Read and check the description.

    Raises:
        UnderstudyError: not a policy, of another format, method or robot.
    """
    path = folder / "policy.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        fields = [str(content[key]) for key in ("format", "method", "robot", "experiment")]
    except OSError as error:
        raise UnderstudyError(f"{path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UnderstudyError(f"{path}: not a policy: it needs format, method, robot and experiment") from error
    if fields[0] != FORMAT:
        raise UnderstudyError(f"{path}: format {fields[0]!r}; this version reads {FORMAT!r}")
    if fields[1] != method:
        raise UnderstudyError(f"{path}: a policy of method {fields[1]}, not {method}")
    if fields[2] != robot:
        raise UnderstudyError(f"{path}: trained for {fields[2]}, so it cannot act on {robot}")
    return PolicyFolder(folder, fields[1], fields[2], fields[3], content)


def load_weights(model: nn.Module, folder: Path) -> None:
    """Fill the model from `model.safetensors`, as float32.

    Raises:
        UnderstudyError: no such file, damaged, keys or shapes that are not the model's, or numbers that are not
            finite; names them.
    """
    path = folder / "model.safetensors"
    try:
        tensors = load_file(path)
    except OSError as error:
        raise UnderstudyError(f"{path}: {error.strerror or error}") from error
    except SafetensorError as error:
        raise UnderstudyError(f"{path}: not a whole safetensors file: {error}") from error
    wanted = model.state_dict()
    for title, names in (("missing", wanted.keys() - tensors.keys()), ("unknown", tensors.keys() - wanted.keys())):
        if names:
            raise UnderstudyError(f"{path}: {len(names)} {title} keys, such as {min(names)}")
    for name, value in tensors.items():
        if value.shape != wanted[name].shape:
            raise UnderstudyError(f"{path}: {name} is {tuple(value.shape)}, the model has {tuple(wanted[name].shape)}")
        if not torch.isfinite(value).all():
            raise UnderstudyError(f"{path}: {name} holds numbers that are not finite: export the policy again")
    model.load_state_dict({name: value.to(wanted[name].dtype) for name, value in tensors.items()})
    model.eval().requires_grad_(False)
