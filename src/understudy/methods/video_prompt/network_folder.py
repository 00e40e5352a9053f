"""Networks of stage 1 on disk: `model.safetensors` holds the weights, `network.json` what they are of."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from torch import nn

from understudy.errors import UnderstudyError, UnknownName
from understudy.files import write_text
from understudy.methods import PRETRAINED
from understudy.methods.config_json import config_from_json
from understudy.methods.policy_folder import load_weights, save_weights
from understudy.methods.video_prompt.representation import LATENTS, Representation, RepresentationConfig
from understudy.networks.video_diffusion.small import SmallConfig, SmallVideoModel
from understudy.networks.video_diffusion.small_autoencoder import Autoencoder
from understudy.networks.video_diffusion.video_model import Condition, VideoModel

__all__ = [
    "LEFT_OUT",
    "SAMPLING_STEPS",
    "SVD_REPRESENTATION",
    "AutoencoderConfig",
    "check_pooling",
    "check_sampling_steps",
    "find_representation",
    "make_representation",
    "read_autoencoder",
    "read_left_out",
    "read_representation",
    "read_sampling_steps",
    "read_sizes",
    "representation_folder",
    "shipped_or_own",
    "write_autoencoder",
    "write_network",
    "write_representation",
]

_FORMAT = "understudy network 1"
_FILE = "network.json"
_AUTOENCODER, _REPRESENTATION = "small_autoencoder", "representation"
SVD_REPRESENTATION = "svd_representation"
"""Kind of network whose folder is Stable Video Diffusion's, with a projection."""
SAMPLING_STEPS = "sampling_steps"
"""Field of network.json, see `read_sampling_steps`."""
LEFT_OUT = "left_out"
"""Field of network.json, see `read_left_out`."""


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
    write_network(folder, _AUTOENCODER, model, {"experiment": experiment, "sizes": asdict(config)})


def read_autoencoder(folder: Path, config: AutoencoderConfig) -> Autoencoder:
    """The autoencoder, in evaluation mode and without gradients.

    Raises:
        UnderstudyError: not a whole folder of an autoencoder of these sizes.
    """
    _, sizes = read_sizes(folder, _AUTOENCODER)
    found = config_from_json(AutoencoderConfig, sizes, f"{folder / _FILE}: sizes")
    if found != config:
        raise UnderstudyError(f"{folder / _FILE}: an autoencoder of {found}, the video model needs {config}")
    model = config.make()
    load_weights(model, folder)
    return model


def write_representation(
    folder: Path,
    representation: Representation,
    experiment: str,
    sampling_steps: int = 1,
    left_out: Sequence[Condition] = (),
) -> None:
    """Write a small video model and the projection of its features, in one; for SVD see `svd_representation.py`.

    Args:
        folder: made if need be.
        representation: fitted.
        experiment: that it is of.
        sampling_steps: passes that a video is to be sampled with, see `read_sampling_steps`.
        left_out: what the video model has learned to do without, see `read_left_out`.
    """
    assert isinstance(representation.model, SmallVideoModel)
    sizes = asdict(_RepresentationSizes(representation.model.config, representation.config))
    content = {"experiment": experiment, "sizes": sizes, SAMPLING_STEPS: sampling_steps, LEFT_OUT: list(left_out)}
    write_network(folder, _REPRESENTATION, representation, content)


def shipped_or_own(folder: Path, file: str = _FILE) -> Path:
    """The folder of a network, or of one that comes with the package and has that name; `file` tells one."""
    return folder if (folder / file).is_file() or not (PRETRAINED / folder / file).is_file() else PRETRAINED / folder


def read_representation(folder: Path) -> Representation:
    """The representation, in evaluation mode and without gradients.

    Raises:
        UnderstudyError: not a whole folder of a representation.
    """
    kind, content = read_sizes(folder, _REPRESENTATION, SVD_REPRESENTATION)
    where = f"{folder / _FILE}: sizes"
    if kind == SVD_REPRESENTATION:
        from understudy.methods.video_prompt.svd_representation import read_svd_representation  # imports diffusers

        return read_svd_representation(folder, content, where)
    sizes = config_from_json(_RepresentationSizes, content, where)
    representation = make_representation(SmallVideoModel(sizes.model), sizes.pooling)
    load_weights(representation, folder)
    return representation


def representation_folder(said: object, where: Path) -> Path:
    """Where the representation of a policy lies.

    Args:
        said: what the policy says of it: the `folder` it was read from, or the name of one that comes with the package,
            and its `fingerprint`.
        where: file that says so, for errors.

    Raises:
        UnderstudyError: no such folder.
    """
    if not isinstance(said, Mapping) or not {"folder", "fingerprint"} <= set(said):
        raise UnderstudyError(f"{where}: representation: needs folder and fingerprint, not {said!r}")
    folder = Path(str(said["folder"]))
    places = [PRETRAINED / folder.name, where.parent / folder, folder]
    found = next((place for place in places if (place / _FILE).is_file()), None)
    if found is None:
        raise UnderstudyError(
            f"{where}: representation: no {folder}, which it was trained with: put that folder there, or into "
            f"{where.parent}, and name it in the field"
        )
    return found


def find_representation(said: object, where: Path) -> Representation:
    """The representation that a policy was trained with; arguments as of `representation_folder`.

    Raises:
        UnderstudyError: no such folder, or another representation lies there.
    """
    found = representation_folder(said, where)
    assert isinstance(said, Mapping)
    representation = read_representation(found)
    if representation.fingerprint() != said["fingerprint"]:
        raise UnderstudyError(
            f"{found}: is not the representation that {where.parent} was trained with, which has the fingerprint "
            f"{said['fingerprint']}"
        )
    return representation


def make_representation(model: VideoModel, config: RepresentationConfig) -> Representation:
    """Not fitted yet.

    Raises:
        UnknownName: an up-block that the model does not have.
    """
    return Representation(model, config, _num_features(model, config))


def check_pooling(model: VideoModel, config: RepresentationConfig, num_frames: int) -> None:
    """Before a run: whether a representation can be made when it is over.

    Raises:
        UnderstudyError: an up-block that the model does not have, sizes that do not fit, or clips of another length
            than z is made of.
    """
    config.check(_num_features(model, config))
    if config.num_frames != num_frames:
        raise UnderstudyError(
            f"clips.num_frames {num_frames}, pooling.num_frames {config.num_frames}: must be the same"
        )


def _num_features(model: VideoModel, config: RepresentationConfig) -> int:
    channels = dict(model.tap_channels)
    if isinstance(model, SmallVideoModel):
        channels[LATENTS] = model.config.unet.latent
    for tap in config.taps:
        if tap not in channels:
            raise UnknownName("up-block", tap, channels)
    return sum(channels[tap] for tap in config.taps)


@dataclass(frozen=True)
class _RepresentationSizes:
    model: SmallConfig
    pooling: RepresentationConfig


def write_network(folder: Path, kind: str, model: nn.Module, content: Mapping[str, Any]) -> None:
    """Write weights, then `network.json`, which says that all is there.

    Args:
        folder: made if need be.
        kind: of network.
        model: whose weights are written.
        content: `experiment` and `sizes`, and for a video model `sampling_steps` and `left_out`.
    """
    save_weights(model, folder)
    write_text(folder / _FILE, json.dumps({"format": _FORMAT, "kind": kind, **content}, indent=1) + "\n")


def read_sizes(folder: Path, *kinds: str) -> tuple[str, object]:
    """The kind and the sizes that `network.json` says.

    Args:
        folder: of a network.
        kinds: that it may be of.

    Raises:
        UnderstudyError: no such file, or of another format or kind.
    """
    content = _read(folder, kinds)
    return content["kind"], content["sizes"]


def read_sampling_steps(folder: Path) -> int:
    """Passes through its model that a video is to be sampled with; 1 where an older folder does not say.

    Raises:
        UnderstudyError: not the folder of a representation, or no such number.
    """
    found = _read(folder, (_REPRESENTATION, SVD_REPRESENTATION)).get(SAMPLING_STEPS, 1)
    return check_sampling_steps(found, f"{folder / _FILE}: ")


def read_left_out(folder: Path) -> tuple[Condition, ...] | None:
    """What training left out at times, so that the model knows videos without; None where an older folder is silent.

    Raises:
        UnderstudyError: not the folder of a representation, or no list of such conditions.
    """
    found = _read(folder, (_REPRESENTATION, SVD_REPRESENTATION)).get(LEFT_OUT)
    known = get_args(Condition)
    if found is not None and not (isinstance(found, list) and all(condition in known for condition in found)):
        raise UnderstudyError(f"{folder / _FILE}: {LEFT_OUT} {found!r}: needs a list of none or some of {known}")
    return None if found is None else tuple(found)


def check_sampling_steps(found: object, where: str = "") -> int:
    """The number of passes that a setting or a folder names, if it can be one.

    Raises:
        UnderstudyError: it is none; `where` leads the line.
    """
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise UnderstudyError(f"{where}{SAMPLING_STEPS} {found!r}: must be a whole number, at least 1")
    return found


def _read(folder: Path, kinds: Sequence[str]) -> dict[str, Any]:
    """What `network.json` says of a network of one of these kinds."""
    path = folder / _FILE
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        format_, found, _ = content["format"], content["kind"], content["sizes"]
    except OSError as error:
        raise UnderstudyError(f"{path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UnderstudyError(f"{path}: not a network: it needs format, kind and sizes") from error
    if format_ != _FORMAT:
        raise UnderstudyError(f"{path}: format {format_!r}; this version reads {_FORMAT!r}")
    if found not in kinds:
        raise UnderstudyError(f"{path}: a {found}, not a {kinds[0]}")
    return content
