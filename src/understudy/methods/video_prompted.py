"""What every policy that a video prompts does alike: take the prompt, and look at it when it first acts."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from understudy.episodes.square_image import square_image
from understudy.errors import PromptError, UnderstudyError
from understudy.methods.diffusion_policy import DiffusionPolicy
from understudy.methods.policy import Prompt
from understudy.methods.prompt_frames import frames_at_even_times, prompt_frames
from understudy.networks.image_encoder import to_float
from understudy.records import HandTrack, HumanVideo

__all__ = ["VideoPromptedPolicy"]


@dataclass(frozen=True)
class _Clip:
    """What is looked at of a prompt that is in memory."""

    frames: UInt8[np.ndarray, "N S S 3"]
    lasts_s: float


class VideoPromptedPolicy(DiffusionPolicy):
    """Final classes say what they make of the frames of the prompt, and forget it in `_begin`."""

    method: ClassVar[str]
    """Name of the method, for errors."""
    prompt_frames: int
    """Frames of the prompt that are looked at, at even times."""
    prompt_size: int
    """Their side [px]."""
    _prompt: HumanVideo | _Clip | None = None

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

    def reset_to_frames(self, frames: np.ndarray, fps: float) -> None:
        """Begin an episode, prompted with a clip that is in memory: of a data set or a camera.

        Args:
            frames: RGB of the person (T, H, W, 3), uint8: the whole motion; what is looked at is copied.
            fps: frames per second.

        Raises:
            PromptError: no pictures of 8 bits, fewer than two of them, or a rate that is none.
        """
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
            raise PromptError(f"a prompt of {frames.dtype} {frames.shape}: needs uint8 frames (T, H, W, 3)")
        if len(frames) < 2 or not 0 < fps < math.inf:
            raise PromptError(f"a prompt of {len(frames)} frames, {fps} a second: needs 2 at least, and a rate above 0")
        chosen = frames_at_even_times(np.arange(len(frames)) / fps, self.prompt_frames)
        shown = np.stack([square_image(frames[index], self.prompt_size) for index in chosen])
        self._prompt = _Clip(shown, (len(frames) - 1) / fps)
        self._begin()

    def path(self) -> Float[np.ndarray, "P A"] | None:
        """The planned way-points, at even times, in the robot's action space.

        None before the first `act`, and of policies that plan none.
        """
        return None

    @property
    def prompt_s(self) -> float | None:
        """From the first frame of the prompt to its last [s]; None without one."""
        if isinstance(self._prompt, _Clip):
            return self._prompt.lasts_s
        return (self._prompt.num_frames - 1) / self._prompt.fps if self._prompt is not None else None

    def _shown(self) -> Float[Tensor, "1 N 3 S S"]:
        """The frames of the prompt, as `to_float` gives them; a blank prompt is black."""
        prompt = self._prompt
        if isinstance(prompt, _Clip):
            frames = prompt.frames
        else:
            frames = prompt_frames(prompt, self.prompt_frames, self.prompt_size)
        return to_float(torch.from_numpy(frames)[None])
