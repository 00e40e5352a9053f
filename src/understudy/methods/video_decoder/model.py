"""A policy conditioned on a video and trained end to end: prompt video -> plan -> actions, in one network.

This is the baseline that Human2Robot calls "action decoder with human": what video pretraining has to beat. The prompt
encoder is read out by queries, one per phase of the robot's episode, and each becomes a way-point of the robot's coming
path (with a loss from the robot's own actions). The path is all that the action head learns of the prompt.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from understudy.networks.looking_actor import LookConfig, PathActor
from understudy.networks.prompt_encoder import PromptEncoder, PromptEncoderConfig

__all__ = ["ModelConfig", "VideoDecoder"]


@dataclass(frozen=True)
class ModelConfig(LookConfig):
    """Sizes."""

    prompt_frames: int = 10
    """Frames of the prompt, evenly spaced in time from first to last."""
    num_phases: int = 16
    """Way-points of the plan, evenly spaced in time over the robot's episode."""
    prompt_layers: int = 2
    prompt_stages: tuple[tuple[int, int], ...] = ((24, 4), (48, 2), (64, 2))


class VideoDecoder(PathActor):
    """Prompt, two images and two robot states to a chunk of actions."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, config.num_phases)
        self.config = config
        sizes = PromptEncoderConfig(
            config.image_size,
            config.num_phases,
            config.prompt_layers,
            config.prompt_stages,
            config.diffusion.width,
            config.diffusion.heads,
        )
        self.prompt = PromptEncoder(sizes)
        self.path = nn.Linear(config.diffusion.width, config.action_size)

    def plan(self, prompt_BTCSS: Float[Tensor, "B T 3 S S"]) -> Float[Tensor, "B P A"]:
        """The path that the robot is to take (normalised): all that the action head learns of the prompt."""
        return self.path(self.prompt(prompt_BTCSS))
