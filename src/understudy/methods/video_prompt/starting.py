"""A trained policy whose weights another run goes on from."""

import hashlib
from dataclasses import asdict
from pathlib import Path

from torch import nn

from understudy.episodes.normalisation import Normalisation
from understudy.errors import UnderstudyError
from understudy.methods.policy_folder import PolicyFolder, load_weights, read_policy_folder
from understudy.methods.video_prompt.familiarity import Familiarity
from understudy.methods.video_prompt.network_folder import shipped_or_own
from understudy.methods.video_prompt.policy_network import PolicyConfig, network_of_folder

__all__ = ["check_representation", "go_on_from", "known_prompts", "normalisation_of", "weights_fingerprint"]

_NO_SIZES = ("familiar_prompts", "plan_dropout")
"""Fields of a network's configuration by which no weight differs."""


def normalisation_of(folder: Path, robot: str) -> Normalisation:
    """By which the policy of a folder reads and writes actions; whatever goes on from its weights has to keep it.

    Raises:
        UnderstudyError: not a policy folder of this method and robot.
    """
    return _normalisation(_read(folder, robot))


def check_representation(folder: Path, robot: str, fingerprint: str) -> None:
    """Make sure that a policy was trained with the representation of that fingerprint.

    Raises:
        UnderstudyError: it was not, or no policy folder of this method and robot.
    """
    description = _read(folder, robot)
    said = description.content.get("representation")
    if not isinstance(said, dict) or said.get("fingerprint") != fingerprint:
        where = f"{description.path / 'policy.json'}: representation"
        raise UnderstudyError(f"{where}: {said!r}, this run's has the fingerprint {fingerprint}")


def weights_fingerprint(folder: Path, robot: str) -> str:
    """Of a policy's weights as they are on disk: a run that goes on later must find the same.

    Raises:
        UnderstudyError: no such file, or no policy folder of this method and robot.
    """
    path = _read(folder, robot).path / "model.safetensors"
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise UnderstudyError(f"{path}: {error.strerror or error}") from error


def go_on_from(folder: Path, robot: str, config: PolicyConfig, network: nn.Module) -> None:
    """Copy the weights of a trained policy.

    Args:
        folder: of the policy, or the name of one that comes with the package.
        robot: that both are for.
        config: sizes of the run's network.
        network: takes the weights; for what the policy knows of its training prompts see `known_prompts`.

    Raises:
        UnderstudyError: not a whole policy folder, or of another network.
    """
    description = _read(folder, robot)
    where = description.path / "policy.json"
    trained = network_of_folder(description)
    theirs, ours = asdict(trained.config), asdict(config)
    odd = [name for name in theirs | ours if name not in _NO_SIZES and theirs.get(name) != ours.get(name)]
    if odd:
        differences = "; ".join(f"{name} {theirs.get(name)}, this run's is {ours.get(name)}" for name in odd)
        raise UnderstudyError(f"{where}: model: another network: {differences}")
    load_weights(trained, description.path, _normalisation(description))
    kept = {name: value for name, value in trained.state_dict().items() if not name.startswith("familiarity.")}
    network.load_state_dict(kept)


def known_prompts(folder: Path, robot: str) -> Familiarity | None:
    """What the policy of a folder knows of its training prompts; None if it knows none.

    Raises:
        UnderstudyError: not a whole policy folder of this method and robot.
    """
    description = _read(folder, robot)
    trained = network_of_folder(description)
    load_weights(trained, description.path, _normalisation(description))
    return trained.familiarity


def _read(folder: Path, robot: str) -> PolicyFolder:
    """What is said of a policy of one's own, or of one that comes with the package and has that name."""
    return read_policy_folder(shipped_or_own(folder, "policy.json"), "video_prompt", robot)


def _normalisation(description: PolicyFolder) -> Normalisation:
    where = f"{description.path / 'policy.json'}: normalisation"
    return Normalisation.from_json(description.require("normalisation"), where)
