"""Acts as a video shows: the plan is made once from the prompt, actions are sampled anew for every chunk."""

from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from torch import Tensor

from understudy.methods.config_json import config_from_json
from understudy.methods.diffusion_policy import Execution, planned_actions
from understudy.methods.policy_folder import load_weights, read_policy_folder
from understudy.methods.video_decoder.model import ModelConfig, VideoDecoder
from understudy.methods.video_prompted import VideoPromptedPolicy

__all__ = ["VideoDecoderPolicy", "load"]


class VideoDecoderPolicy(VideoPromptedPolicy):
    """`video_decoder` with trained weights."""

    method: ClassVar[str] = "video_decoder"

    def __init__(self, model: VideoDecoder, execution: Execution, seed: int) -> None:
        """Make a policy.

        Args:
            model: in evaluation mode.
            execution: normalisation, control step and sampling.
            seed: of the noise.
        """
        super().__init__(model.head, model.config.image_size, execution, seed)
        self._model = model
        self.prompt_size = model.config.image_size
        self.prompt_frames = model.config.prompt_frames
        self._path: Tensor | None = None

    def path(self) -> Float[np.ndarray, "P A"] | None:
        """The planned way-points in the robot's action space; None before the first `act`."""
        return planned_actions(self._path, self._execution)

    def _context(
        self, images_B2CSS: Float[Tensor, "1 2 3 S S"], states_B2A: Float[Tensor, "1 2 A"] | None
    ) -> Float[Tensor, "1 M D"]:
        if self._path is None:
            self._path = self._model.plan(self._shown())
        return self._model.context(self._path, images_B2CSS, states_B2A)

    def _begin(self) -> None:
        self._path = None
        super()._begin()


def load(folder: Path, robot: str, seed: int) -> VideoDecoderPolicy:
    """The policy of a folder that `understudy train` wrote.

    Raises:
        UnderstudyError: not a whole policy folder of this method and robot.
    """
    description = read_policy_folder(folder, "video_decoder", robot)
    config = config_from_json(ModelConfig, description.require("model"), f"{folder / 'policy.json'}: model")
    execution = Execution.of_folder(description, config.chunk)
    model = VideoDecoder(config)
    load_weights(model, folder, execution.normalisation)
    return VideoDecoderPolicy(model, execution, seed)
