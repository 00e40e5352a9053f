"""A learned policy on disk: `model.safetensors` holds the weights, `policy.json` everything else."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from understudy.episodes.normalisation import Normalisation
from understudy.errors import UnderstudyError
from understudy.files import replacing, write_text

__all__ = ["FORMAT", "PolicyFolder", "load_weights", "read_policy_folder", "save_weights", "write_policy_folder"]

FORMAT = "understudy policy 1"
_NORMALISATION = "normalisation"
"""Field of `policy.json`; in the header of the weights, the fingerprint of what it said when they were written."""


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
    """Write the weights, then the description, which says that all is there.

    Args:
        folder: made if need be.
        content: of `policy.json`; the weights keep a fingerprint of its `normalisation`.
        model: whose weights are written.
    """
    said = Normalisation.from_json(content[_NORMALISATION], f"{folder / 'policy.json'}: {_NORMALISATION}")
    save_weights(model, folder, {_NORMALISATION: _fingerprint(said)})
    write_text(folder / "policy.json", json.dumps({"format": FORMAT, **content}, indent=1) + "\n")


def save_weights(model: nn.Module, folder: Path, header: Mapping[str, str] | None = None) -> None:
    """Write `model.safetensors`: as bfloat16, which is as good for acting; `header` is kept beside the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: (value.bfloat16() if value.is_floating_point() else value).contiguous().cpu()
        for name, value in model.state_dict().items()
    }
    with replacing(folder / "model.safetensors") as temporary:
        save_file(tensors, temporary, metadata=None if header is None else dict(header))
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


def load_weights(model: nn.Module, folder: Path, normalisation: Normalisation | None = None) -> None:
    """Fill the model from `model.safetensors`, as float32.

    Args:
        model: to be filled.
        folder: of the weights.
        normalisation: what a policy's folder says of its actions; None for networks that have none.

    Raises:
        UnderstudyError: no such file, damaged, keys or shapes that are not the model's, numbers that are not finite, or
            written with another normalisation (older weights do not say with which); names them.
    """
    path = folder / "model.safetensors"
    tensors, header = _read_weights(path)
    if normalisation is not None and _NORMALISATION in header:
        _check_fingerprint(normalisation, header[_NORMALISATION], folder)
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


def _read_weights(path: Path) -> tuple[dict[str, Tensor], Mapping[str, str]]:
    """All tensors of a safetensors file, and what its header says beside them."""
    try:
        with safe_open(path, framework="pt") as weights:
            tensors = {name: weights.get_tensor(name) for name in weights.keys()}  # noqa: SIM118
            return tensors, weights.metadata() or {}
    except OSError as error:
        raise UnderstudyError(f"{path}: {error.strerror or error}") from error
    except SafetensorError as error:
        raise UnderstudyError(f"{path}: not a whole safetensors file: {error}") from error


def _check_fingerprint(normalisation: Normalisation, wanted: str, folder: Path) -> None:
    """Actions on another scale than the network's would move the robot wildly."""
    found = _fingerprint(normalisation)
    if found != wanted:
        raise UnderstudyError(
            f"{folder / 'policy.json'}: {_NORMALISATION}: has the fingerprint {found}, the weights beside it were "
            f"written with that of {wanted}: put that back, or export the policy again"
        )


def _fingerprint(normalisation: Normalisation) -> str:
    """Of the numbers themselves, however a file writes them."""
    return hashlib.sha256(json.dumps(normalisation.to_json()).encode()).hexdigest()[:16]
