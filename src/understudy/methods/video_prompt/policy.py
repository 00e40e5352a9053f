"""Acts as a human video shows: z from prompt and scene by the video model, a path from z, chunks from both."""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from understudy.errors import UnderstudyError
from understudy.methods.config_json import config_from_json
from understudy.methods.diffusion_policy import DiffusionPolicy, Execution
from understudy.methods.policy import Prompt
from understudy.methods.policy_folder import load_weights, read_policy_folder
from understudy.methods.prompt_frames import prompt_frames
from understudy.methods.video_prompt.familiarity import UNFAMILIAR
from understudy.methods.video_prompt.model import ModelConfig, PromptPolicyModel
from understudy.methods.video_prompt.network_folder import find_representation
from understudy.methods.video_prompt.representation import Representation
from understudy.networks.image_encoder import to_float
from understudy.networks.video_diffusion.small import SmallVideoModel
from understudy.records import HandTrack, HumanVideo

__all__ = ["VideoPromptPolicy", "load"]


class VideoPromptPolicy(DiffusionPolicy):
    """`video_prompt` with trained weights."""

    def __init__(
        self, model: PromptPolicyModel, representation: Representation, execution: Execution, seed: int
    ) -> None:
        """Make a policy.

        Args:
            model: in evaluation mode.
            representation: what makes z; the one that the model was trained with.
            execution: normalisation, control step and sampling.
            seed: of the noise.
        """
        super().__init__(model.head, model.config.image_size, execution, seed, proprioception=False)
        assert isinstance(representation.model, SmallVideoModel)
        self._model, self._representation = model, representation
        self._frame_size = representation.model.config.image_size
        self.prompt_size = self._frame_size
        self.prompt_frames = representation.config.num_frames
        self._prompt: HumanVideo | None = None
        self._path: Tensor | None = None
        self.familiarity: float | None = None
        """Of the prompt in this scene, 0 to 1 (see `Familiarity`); None before the first `act`."""

    @property
    def notes(self) -> tuple[str, ...]:
        """A blank prompt, and after the first `act` an unfamiliar one, is said."""
        if self._prompt is None:
            return ("blank prompt: any of the tasks that the scene allows",)
        if self.familiarity is not None and self.familiarity < UNFAMILIAR:
            return (f"unfamiliar prompt: farther from those of training than {1 - self.familiarity:.0%} of them are",)
        return ()

    def reset(self, prompt: Prompt) -> None:
        """Begin an episode; the video is read, and z made, at the first `act`.

        Raises:
            UnderstudyError: a prompt that is no video.
        """
        if isinstance(prompt, str | HandTrack):
            kind = "a label" if isinstance(prompt, str) else "a hand track"
            raise UnderstudyError(f"video_prompt is prompted with a video, not with {kind}")
        self._prompt, self._path, self.familiarity = prompt, None, None
        self._begin()

    def _context(
        self, images_B2CSS: Float[Tensor, "1 2 3 S S"], states_B2A: Float[Tensor, "1 2 A"] | None
    ) -> Float[Tensor, "1 M D"]:
        del states_B2A  # RGB only
        if self._path is None:
            frames = prompt_frames(self._prompt, self._representation.config.num_frames, self._frame_size)
            scene = torch.nn.functional.interpolate(images_B2CSS[:, 1], (self._frame_size,) * 2, mode="area")
            z = self._representation(to_float(torch.from_numpy(frames)[None]), scene)
            self._path = self._model.plan(z)
            if self._model.familiarity is not None:
                self.familiarity = float(self._model.familiarity(z)[0])
        return self._model.context(self._path, images_B2CSS)


def load(folder: Path, robot: str, seed: int) -> VideoPromptPolicy:
    """The policy of a folder that `understudy train` wrote.

    Raises:
        UnderstudyError: not a whole policy folder of this method and robot, or its representation is not there.
    """
    description = read_policy_folder(folder, "video_prompt", robot)
    where = folder / "policy.json"
    config = config_from_json(ModelConfig, description.require("model"), f"{where}: model")
    execution = Execution.of_folder(description, config.chunk)
    representation = find_representation(description.require("representation"), where)
    model = PromptPolicyModel(config)
    load_weights(model, folder)
    return VideoPromptPolicy(model, representation, execution, seed)
