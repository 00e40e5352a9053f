"""The ablation without stage 1: what stands for z is made by an encoder that learns together with the policy.

Action head, data and losses are those of the full row. What stands for z is 16 tokens, one for each phase, made of ten
frames of 96 px and the first image of who acts; stage 1 gives maps over places, made of eight frames of 64 px.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.methods.config_json import config_from_json
from understudy.methods.diffusion_policy import Execution
from understudy.methods.policy_folder import PolicyFolder, load_weights
from understudy.methods.video_prompt.model import ModelConfig, PromptPolicyModel
from understudy.methods.video_prompt.policy import ShownPathPolicy
from understudy.networks.prompt_encoder import PromptEncoder, PromptEncoderConfig

__all__ = ["EndToEndConfig", "EndToEndModel", "EndToEndPolicy", "load_end_to_end", "to_json"]


@dataclass(frozen=True)
class EndToEndConfig:
    """Sizes."""

    encoder: PromptEncoderConfig = field(default_factory=PromptEncoderConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    """Its `z_size`, `z_tokens` and `z_cells` are the encoder's, whatever it says: z is a token for each phase."""
    prompt_frames: int = 16
    """Of the person's clip, at even times; the encoder sees the acting body's first image after them."""

    @property
    def sizes(self) -> ModelConfig:
        """Of the policy on what the encoder makes."""
        tokens = self.encoder.tokens
        return replace(self.model, z_size=tokens * self.encoder.width, z_tokens=tokens, z_cells=0)


class EndToEndModel(nn.Module):
    """A clip to z, and the policy that acts on it."""

    def __init__(self, config: EndToEndConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = PromptEncoder(config.encoder)
        self.policy = PromptPolicyModel(config.sizes)

    def z(self, prompt_BNCSS: Float[Tensor, "B N 3 S S"]) -> Float[Tensor, "B Z"]:
        """What stands for the representation; frames of prompt and scene as `to_float` gives them."""
        return self.encoder(prompt_BNCSS).flatten(1)


class EndToEndPolicy(ShownPathPolicy):
    """Acts as a video shows; z and the path are made once, at the first `act`."""

    def __init__(self, model: EndToEndModel, execution: Execution, seed: int) -> None:
        """Make a policy.

        Args:
            model: in evaluation mode.
            execution: normalisation, control step and sampling.
            seed: of the noise.
        """
        super().__init__(model.policy, execution, seed)
        self._whole = model
        self.prompt_size = model.config.encoder.image_size
        self.prompt_frames = model.config.prompt_frames

    def _z(self) -> Float[Tensor, "1 Z"]:
        return self._whole.z(torch.cat([self._shown(), self._present()[:, None]], dim=1))


def to_json(config: EndToEndConfig) -> Mapping[str, Any]:
    """What `policy.json` says of such a policy's network."""
    return {"prompt_encoder": asdict(config)}


def load_end_to_end(description: PolicyFolder, seed: int) -> EndToEndPolicy:
    """The policy of a folder that says `prompt_encoder`.

    Raises:
        UnderstudyError: not a whole policy folder of this kind.
    """
    where = f"{description.path / 'policy.json'}: prompt_encoder"
    config = config_from_json(EndToEndConfig, description.require("prompt_encoder"), where)
    model = EndToEndModel(config)
    execution = Execution.of_folder(description, config.model.chunk)
    load_weights(model, description.path, execution.normalisation)
    return EndToEndPolicy(model, execution, seed)
