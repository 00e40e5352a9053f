"""Acts as a video shows: the plan is made once from the prompt, actions are sampled anew for every chunk."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8

from understudy.episodes.normalisation import Normalisation
from understudy.episodes.windows import even_frames
from understudy.errors import UnderstudyError
from understudy.methods.chunked_sampling import SamplingConfig, initial_noise
from understudy.methods.observation_pair import ObservationPair
from understudy.methods.policy import Policy, Prompt
from understudy.methods.policy_folder import load_weights, read_policy_folder
from understudy.methods.square_image import square_image
from understudy.methods.video_decoder.experiments import model_config_from_json
from understudy.methods.video_decoder.model import VideoDecoder
from understudy.networks.image_encoder import to_float
from understudy.perception.video import read_frames
from understudy.records import ActionChunk, HandTrack, HumanVideo, Observation

__all__ = ["VideoDecoderPolicy", "load"]


class VideoDecoderPolicy(Policy):
    """`video_decoder` with trained weights."""

    def __init__(
        self, model: VideoDecoder, normalisation: Normalisation, dt_s: float, sampling: SamplingConfig, seed: int
    ) -> None:
        """Make a policy.

        Args:
            model: in evaluation mode.
            normalisation: of actions and states.
            dt_s: control step that it was trained at [s].
            sampling: how chunks are drawn.
            seed: of the noise.
        """
        self._model, self._normalisation, self._dt_s, self._sampling = model, normalisation, dt_s, sampling
        self._generator = torch.Generator().manual_seed(seed)
        self.image_size = self.prompt_size = model.config.image_size
        self.prompt_frames = model.config.prompt_frames
        self.execute = sampling.execute
        self._prompt: HumanVideo | None = None
        self._plan: tuple[torch.Tensor, torch.Tensor] | None = None
        self._seen = ObservationPair()

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing is done to the prompt that a report must say, but for a blank one."""
        return () if self._prompt is not None else ("blank prompt: any of the tasks that the scene allows",)

    def reset(self, prompt: Prompt) -> None:
        """Begin an episode.

        Raises:
            UnderstudyError: a prompt that is no video.
        """
        if isinstance(prompt, str | HandTrack):
            kind = "a label" if isinstance(prompt, str) else "a hand track"
            raise UnderstudyError(f"video_decoder is prompted with a video, not with {kind}")
        self._prompt, self._plan = prompt, None
        self._seen = ObservationPair()

    @torch.inference_mode()
    def act(self, observation: Observation) -> ActionChunk:
        """The next chunk; the prompt is read at the first call."""
        if self._plan is None:
            self._plan = self._model.make_plan(to_float(torch.from_numpy(self._prompt_frames())[None]))
        images, states = self._seen.add(observation, self._normalisation, self.image_size)
        context = self._model.context(
            self._plan, to_float(torch.from_numpy(images)[None]), torch.from_numpy(states)[None]
        )
        config = self._model.config
        start = initial_noise(self._sampling, (1, config.chunk, config.action_size), self._generator)
        actions = self._model.head.sample(context, start, self._sampling.steps, self._sampling.sampler)
        return ActionChunk(self._normalisation.invert(actions[0].numpy()), self._dt_s)

    def path(self) -> Float[np.ndarray, "P A"] | None:
        """The planned way-points in the robot's action space; None before the first `act`."""
        return None if self._plan is None else self._normalisation.invert(self._plan[1][0].float().numpy())

    def _prompt_frames(self) -> UInt8[np.ndarray, "N S S 3"]:
        config = self._model.config
        if self._prompt is None:
            return np.zeros((config.prompt_frames, config.image_size, config.image_size, 3), dtype=np.uint8)
        numbers = even_frames(self._prompt.num_frames, config.prompt_frames).tolist()
        frames = enumerate(read_frames(self._prompt))
        found = {n: square_image(frame, config.image_size) for n, (_, frame) in frames if n in numbers}
        return np.stack([found[number] for number in numbers])


def load(folder: Path, robot: str, seed: int) -> VideoDecoderPolicy:
    """The policy of a folder that `understudy train` wrote.

    Raises:
        UnderstudyError: not a whole policy folder of this method and robot.
    """
    description = read_policy_folder(folder, "video_decoder", robot)
    where = str(folder / "policy.json")
    model = VideoDecoder(model_config_from_json(description.require("model"), where))
    load_weights(model, folder)
    normalisation = Normalisation.from_json(description.require("normalisation"), where)
    sampling = SamplingConfig.from_json(description.require("sampling"), where)
    return VideoDecoderPolicy(model, normalisation, float(description.require("dt_s")), sampling, seed)
