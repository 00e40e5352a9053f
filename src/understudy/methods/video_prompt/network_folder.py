"""Networks of stage 1 on disk: `model.safetensors` holds the weights, `network.json` what they are of."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from understudy.errors import UnderstudyError
from understudy.files import write_text
from understudy.methods import PRETRAINED
from understudy.methods.config_json import config_from_json
from understudy.methods.policy_folder import load_weights, save_weights
from understudy.methods.video_prompt.representation import LATENTS, Representation, RepresentationConfig
from understudy.networks.video_diffusion.small import SmallConfig, SmallVideoModel
from understudy.networks.video_diffusion.small_autoencoder import Autoencoder
from understudy.networks.video_diffusion.small_unet import UP_BLOCKS

__all__ = [
    "AutoencoderConfig",
    "find_representation",
    "make_representation",
    "read_autoencoder",
    "read_representation",
    "write_autoencoder",
    "write_representation",
]

_FORMAT = "understudy network 1"
_FILE = "network.json"
_AUTOENCODER, _REPRESENTATION = "small_autoencoder", "representation"


@dataclass(frozen=True)
class AutoencoderConfig:
    """Sizes of an `Autoencoder`."""

    latent: int = 24
    widths: tuple[int, int, int] = (32, 64, 96)

    def make(self) -> Autoencoder:
        """With new weights."""
        return Autoencoder(self.latent, self.widths)


def write_autoencoder(folder: Path, model: Autoencoder, config: AutoencoderConfig, experiment: str) -> None:
    """Write weights, sizes and the experiment that they are of."""
    _write(folder, _AUTOENCODER, model, {"experiment": experiment, "sizes": asdict(config)})


def read_autoencoder(folder: Path, config: AutoencoderConfig) -> Autoencoder:
    """The autoencoder, in evaluation mode and without gradients.

    Raises:
        UnderstudyError: not a whole folder of an autoencoder of these sizes.
    """
    found = config_from_json(AutoencoderConfig, _read(folder, _AUTOENCODER), f"{folder / _FILE}: sizes")
    if found != config:
        raise UnderstudyError(f"{folder / _FILE}: an autoencoder of {found}, the video model needs {config}")
    model = config.make()
    load_weights(model, folder)
    return model


def write_representation(folder: Path, representation: Representation, experiment: str) -> None:
    """Write the video model and the projection of its features, in one."""
    assert isinstance(representation.model, SmallVideoModel)
    sizes = asdict(_RepresentationSizes(representation.model.config, representation.config))
    _write(folder, _REPRESENTATION, representation, {"experiment": experiment, "sizes": sizes})


def read_representation(folder: Path) -> Representation:
    """The representation, in evaluation mode and without gradients.

    Raises:
        UnderstudyError: not a whole folder of a representation.
    """
    sizes = config_from_json(_RepresentationSizes, _read(folder, _REPRESENTATION), f"{folder / _FILE}: sizes")
    representation = make_representation(SmallVideoModel(sizes.model), sizes.pooling)
    load_weights(representation, folder)
    return representation


def find_representation(said: object, where: Path) -> Representation:
    """The representation that a policy was trained with.

    Args:
        said: what the policy says of it: the `folder` it was read from, or the name of one that comes with the package,
            and its `fingerprint`.
        where: file that says so, for errors.

    Raises:
        UnderstudyError: no such folder, or another representation lies there.
    """
    if not isinstance(said, Mapping) or not {"folder", "fingerprint"} <= set(said):
        raise UnderstudyError(f"{where}: representation: needs folder and fingerprint, not {said!r}")
    folder = Path(str(said["folder"]))
    places = [PRETRAINED / folder.name, where.parent / folder, folder]
    found = next((place for place in places if (place / _FILE).is_file()), None)
    if found is None:
        raise UnderstudyError(f"{where}: representation: no {folder}, which it was trained with")
    representation = read_representation(found)
    if representation.fingerprint() != said["fingerprint"]:
        raise UnderstudyError(f"{found}: is not the representation that {where.parent} was trained with")
    return representation


def make_representation(model: SmallVideoModel, config: RepresentationConfig) -> Representation:
    """Not fitted yet."""
    width = dict(zip(UP_BLOCKS, reversed(model.config.unet.widths), strict=True))
    width[LATENTS] = 2 * model.config.unet.latent
    return Representation(model, config, sum(width[tap] for tap in config.taps))


@dataclass(frozen=True)
class _RepresentationSizes:
    model: SmallConfig
    pooling: RepresentationConfig


def _write(folder: Path, kind: str, model: nn.Module, content: Mapping[str, Any]) -> None:
    save_weights(model, folder)
    write_text(folder / _FILE, json.dumps({"format": _FORMAT, "kind": kind, **content}, indent=1) + "\n")


def _read(folder: Path, kind: str) -> object:
    """The sizes in `network.json`."""
    path = folder / _FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        format_, found, sizes = content["format"], content["kind"], content["sizes"]
    except OSError as error:
        raise UnderstudyError(f"{path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UnderstudyError(f"{path}: not a network: it needs format, kind and sizes") from error
    if format_ != _FORMAT:
        raise UnderstudyError(f"{path}: format {format_!r}; this version reads {_FORMAT!r}")
    if found != kind:
        raise UnderstudyError(f"{path}: a {found}, not a {kind}")
    return sizes
