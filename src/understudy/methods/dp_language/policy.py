"""Acts as a label says, by what it sees."""

from pathlib import Path
from typing import ClassVar

import torch

from understudy.episodes.normalisation import Normalisation
from understudy.errors import UnderstudyError
from understudy.methods.chunked_sampling import SamplingConfig, initial_noise
from understudy.methods.dp_language.experiments import model_config_from_json
from understudy.methods.dp_language.model import LanguageDiffusion
from understudy.methods.dp_language.text import Text
from understudy.methods.observation_pair import ObservationPair
from understudy.methods.policy import Policy, Prompt, PromptKind
from understudy.methods.policy_folder import load_weights, read_policy_folder
from understudy.networks.image_encoder import to_float
from understudy.records import ActionChunk, Observation

__all__ = ["LanguagePolicy", "load"]


class LanguagePolicy(Policy):
    """`dp_language` with trained weights."""

    prompt_kind: ClassVar[PromptKind] = "label"

    def __init__(
        self,
        model: LanguageDiffusion,
        text: Text,
        normalisation: Normalisation,
        dt_s: float,
        sampling: SamplingConfig,
        seed: int,
    ) -> None:
        """Make a policy.

        Args:
            model: in evaluation mode.
            text: how labels are read; the model's own.
            normalisation: of actions and states.
            dt_s: control step that it was trained at [s].
            sampling: how chunks are drawn.
            seed: of the noise.
        """
        self._model, self._text, self._normalisation = model, text, normalisation
        self._dt_s, self._sampling = dt_s, sampling
        self._generator = torch.Generator().manual_seed(seed)
        self.image_size = model.config.image_size
        self.execute = sampling.execute
        self._label = ""
        self._vector: torch.Tensor | None = None
        self._seen = ObservationPair()

    @property
    def notes(self) -> tuple[str, ...]:
        """A blank label is said."""
        return () if self._label else ("blank label: any of the tasks that the scene allows",)

    def reset(self, prompt: Prompt) -> None:
        """Begin an episode.

        Raises:
            UnderstudyError: a prompt that is no label.
        """
        if prompt is not None and not isinstance(prompt, str):
            raise UnderstudyError("dp_language is prompted with a label, not with a video of a person")
        self._label, self._vector = prompt or "", None
        self._seen = ObservationPair()

    @torch.inference_mode()
    def act(self, observation: Observation) -> ActionChunk:
        """The next chunk; the label is read at the first call."""
        if self._vector is None:
            self._vector = self._model.text(self._text.features([self._label]))
        images, states = self._seen.add(observation, self._normalisation, self.image_size)
        context = self._model.context(
            self._vector, to_float(torch.from_numpy(images)[None]), torch.from_numpy(states)[None]
        )
        config = self._model.config
        start = initial_noise(self._sampling, (1, config.chunk, config.action_size), self._generator)
        actions = self._model.head.sample(context, start, self._sampling.steps, self._sampling.sampler)
        return ActionChunk(self._normalisation.invert(actions[0].numpy()), self._dt_s)


def load(folder: Path, robot: str, seed: int) -> LanguagePolicy:
    """The policy of a folder that `understudy train` wrote.

    Raises:
        UnderstudyError: not a whole policy folder of this method and robot.
    """
    description = read_policy_folder(folder, "dp_language", robot)
    where = str(folder / "policy.json")
    text = Text.from_json(description.require("text"), where)
    model = LanguageDiffusion(model_config_from_json(description.require("model"), where), text, ())
    load_weights(model, folder)
    normalisation = Normalisation.from_json(description.require("normalisation"), where)
    sampling = SamplingConfig.from_json(description.require("sampling"), where)
    return LanguagePolicy(model, text, normalisation, float(description.require("dt_s")), sampling, seed)
