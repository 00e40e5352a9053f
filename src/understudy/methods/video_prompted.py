"""What every policy that a video prompts does alike: take the prompt, and look at it when it first acts."""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from understudy.errors import UnderstudyError
from understudy.methods.diffusion_policy import DiffusionPolicy
from understudy.methods.policy import Prompt
from understudy.methods.prompt_frames import prompt_frames
from understudy.networks.image_encoder import to_float
from understudy.records import HandTrack, HumanVideo

__all__ = ["VideoPromptedPolicy"]


class VideoPromptedPolicy(DiffusionPolicy):
    """Final classes say what they make of the frames of the prompt, and forget it in `_begin`."""

    method: ClassVar[str]
    """Name of the method, for errors."""
    prompt_frames: int
    """Frames of the prompt that are looked at, at even times."""
    prompt_size: int
    """Their side [px]."""
    _prompt: HumanVideo | None = None

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
            raise UnderstudyError(f"{self.method} is prompted with a video, not with {kind}")
        self._prompt = prompt
        self._begin()

    def _shown(self) -> Float[Tensor, "1 N 3 S S"]:
        """The frames of the prompt, as `to_float` gives them; a blank prompt is black."""
        frames = prompt_frames(self._prompt, self.prompt_frames, self.prompt_size)
        return to_float(torch.from_numpy(frames)[None])
