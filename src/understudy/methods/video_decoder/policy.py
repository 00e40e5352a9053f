"""Acts as a video shows: the plan is made once from the prompt, actions are sampled anew for every chunk."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from understudy.errors import UnderstudyError
from understudy.methods.config_json import config_from_json
from understudy.methods.diffusion_policy import DiffusionPolicy, Execution
from understudy.methods.policy import Prompt
from understudy.methods.policy_folder import load_weights, read_policy_folder
from understudy.methods.prompt_frames import prompt_frames
from understudy.methods.video_decoder.model import ModelConfig, VideoDecoder
from understudy.networks.image_encoder import to_float
from understudy.records import HandTrack, HumanVideo

__all__ = ["VideoDecoderPolicy", "load"]


class VideoDecoderPolicy(DiffusionPolicy):
    """`video_decoder` with trained weights."""

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
        self._prompt: HumanVideo | None = None
        self._path: Tensor | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """A blank prompt is said."""
        return () if self._prompt is not None else ("blank prompt: any of the tasks that the scene allows",)

    def reset(self, prompt: Prompt) -> None:
        """Begin an episode; the video is read at the first `act`.

        Raises:
            UnderstudyError: a prompt that is no video.
        """
        if isinstance(prompt, str | HandTrack):
            kind = "a label" if isinstance(prompt, str) else "a hand track"
            raise UnderstudyError(f"video_decoder is prompted with a video, not with {kind}")
        self._prompt, self._path = prompt, None
        self._begin()

    def path(self) -> Float[np.ndarray, "P A"] | None:
        """The planned way-points in the robot's action space; None before the first `act`."""
        return None if self._path is None else self._execution.normalisation.invert(self._path[0].numpy())

    def _context(
        self, images_B2CSS: Float[Tensor, "1 2 3 S S"], states_B2A: Float[Tensor, "1 2 A"] | None
    ) -> Float[Tensor, "1 M D"]:
        if self._path is None:
            frames = prompt_frames(self._prompt, self._model.config.prompt_frames, self.image_size)
            self._path = self._model.plan(to_float(torch.from_numpy(frames)[None]))
        return self._model.context(self._path, images_B2CSS, states_B2A)


def load(folder: Path, robot: str, seed: int) -> VideoDecoderPolicy:
    """The policy of a folder that `understudy train` wrote.

    Raises:
        UnderstudyError: not a whole policy folder of this method and robot.
    """
    description = read_policy_folder(folder, "video_decoder", robot)
    config = config_from_json(ModelConfig, description.require("model"), f"{folder / 'policy.json'}: model")
    execution = Execution.of_folder(description, config.chunk)
    model = VideoDecoder(config)
    load_weights(model, folder)
    return VideoDecoderPolicy(model, execution, seed)
