"""Which network a policy of video_prompt is: the small one plans a path, the paper's joins z and images.

Both have `plan` (z, once an episode), `context` (what that gave, and two images, to the tokens of the action head) and
`head`, `familiarity` and `config`.
"""

from dataclasses import asdict
from typing import Any

from understudy.errors import UnknownName
from understudy.methods.config_json import config_from_json
from understudy.methods.policy_folder import PolicyFolder
from understudy.methods.video_prompt.joint_model import JointConfig, JointPromptModel
from understudy.methods.video_prompt.model import ModelConfig, PromptPolicyModel

__all__ = ["PolicyConfig", "PolicyNetwork", "make_network", "network_of_folder", "network_to_json"]

PolicyConfig = ModelConfig | JointConfig
PolicyNetwork = PromptPolicyModel | JointPromptModel
_KINDS: dict[str, type[ModelConfig] | type[JointConfig]] = {"path": ModelConfig, "joint": JointConfig}
"""Name in policy.json -> configuration."""


def make_network(config: PolicyConfig) -> PolicyNetwork:
    """New weights."""
    return JointPromptModel(config) if isinstance(config, JointConfig) else PromptPolicyModel(config)


def network_to_json(network: PolicyNetwork) -> dict[str, Any]:
    """What policy.json says of a network."""
    kind = next(name for name, config in _KINDS.items() if type(network.config) is config)
    return {"network": kind, "model": asdict(network.config)}


def network_of_folder(folder: PolicyFolder) -> PolicyNetwork:
    """The network that a policy folder describes, without its weights.

    Raises:
        UnderstudyError: not described, or another kind of network.
    """
    kind = str(folder.content.get("network", "path"))  # the first policies did not say
    if kind not in _KINDS:
        raise UnknownName("network", kind, _KINDS)
    return make_network(
        config_from_json(_KINDS[kind], folder.require("model"), f"{folder.path / 'policy.json'}: model")
    )
