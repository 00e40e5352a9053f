"""A trained policy whose weights another run goes on from."""

from dataclasses import replace
from pathlib import Path

from torch import nn

from understudy.episodes.normalisation import Normalisation
from understudy.errors import UnderstudyError
from understudy.methods import PRETRAINED
from understudy.methods.policy_folder import PolicyFolder, load_weights, read_policy_folder
from understudy.methods.video_prompt.familiarity import Familiarity
from understudy.methods.video_prompt.policy_network import PolicyConfig, network_of_folder

__all__ = ["go_on_from", "known_prompts", "normalisation_of"]


def normalisation_of(folder: Path, robot: str) -> Normalisation:
    """By which the policy of a folder reads and writes actions; whatever goes on from its weights has to keep it.

    Raises:
        UnderstudyError: not a policy folder of this method and robot.
    """
    return _normalisation(_read(folder, robot))


def go_on_from(folder: Path, robot: str, fingerprint: str, config: PolicyConfig, network: nn.Module) -> None:
    """Copy the weights of a trained policy.

    Args:
        folder: of the policy, or the name of one that comes with the package.
        robot: that both are for.
        fingerprint: of the representation that the run makes z with.
        config: sizes of the run's network.
        network: takes the weights; for what the policy knows of its training prompts see `known_prompts`.

    Raises:
        UnderstudyError: not a whole policy folder, of another network, or of another representation.
    """
    description = _read(folder, robot)
    where = description.path / "policy.json"
    trained = network_of_folder(description)
    theirs, ours = (replace(sizes, familiar_prompts=0) for sizes in (trained.config, config))
    if theirs != ours:
        raise UnderstudyError(f"{where}: model: a network of {theirs}, this run's is {ours}")
    said = description.require("representation")
    if not isinstance(said, dict) or said.get("fingerprint") != fingerprint:
        raise UnderstudyError(f"{where}: representation: {said!r}, this run's has the fingerprint {fingerprint}")
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
    shipped = PRETRAINED / folder
    own = (folder / "policy.json").is_file() or not (shipped / "policy.json").is_file()
    return read_policy_folder(folder if own else shipped, "video_prompt", robot)


def _normalisation(description: PolicyFolder) -> Normalisation:
    where = f"{description.path / 'policy.json'}: normalisation"
    return Normalisation.from_json(description.require("normalisation"), where)
