"""Acts as a label says, by what it sees."""

from pathlib import Path
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from understudy.errors import UnderstudyError
from understudy.methods.config_json import config_from_json
from understudy.methods.diffusion_policy import DiffusionPolicy, Execution
from understudy.methods.dp_language.model import LanguageDiffusion
from understudy.methods.policy import Prompt, PromptKind
from understudy.methods.policy_folder import load_weights, read_policy_folder
from understudy.networks.looking_actor import LookConfig
from understudy.networks.text import Text

__all__ = ["LanguagePolicy", "load"]


class LanguagePolicy(DiffusionPolicy):
    """`dp_language` with trained weights."""

    prompt_kind: ClassVar[PromptKind] = "label"

    def __init__(self, model: LanguageDiffusion, text: Text, execution: Execution, seed: int) -> None:
        """Make a policy.

        Args:
            model: in evaluation mode.
            text: how labels are read; the model's own.
            execution: normalisation, control step and sampling.
            seed: of the noise.
        """
        super().__init__(model.head, model.config.image_size, execution, seed)
        self._model, self._text = model, text
        self._label = ""
        self._vector: Tensor | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """A blank label is said."""
        return () if self._label else ("blank label: any of the tasks that the scene allows",)

    def reset(self, prompt: Prompt) -> None:
        """Begin an episode; the label is read at the first `act`.

        Raises:
            UnderstudyError: a prompt that is no label.
        """
        if prompt is not None and not isinstance(prompt, str):
            raise UnderstudyError("dp_language is prompted with a label, not with a video of a person")
        self._label, self._vector = prompt or "", None
        self._begin()

    def _context(
        self, images_B2CSS: Float[Tensor, "1 2 3 S S"], states_B2A: Float[Tensor, "1 2 A"] | None
    ) -> Float[Tensor, "1 M D"]:
        if self._vector is None:
            self._vector = self._model.text(self._text.features([self._label])) * bool(self._label)
        return self._model.context(self._vector, images_B2CSS, states_B2A)


def load(folder: Path, robot: str, seed: int) -> LanguagePolicy:
    """The policy of a folder that `understudy train` wrote.

    Raises:
        UnderstudyError: not a whole policy folder of this method and robot.
    """
    description = read_policy_folder(folder, "dp_language", robot)
    where = str(folder / "policy.json")
    config = config_from_json(LookConfig, description.require("model"), f"{where}: model")
    execution = Execution.of_folder(description, config.chunk)
    text = Text.from_json(description.require("text"), where)
    model = LanguageDiffusion(config, text, ())
    load_weights(model, folder, execution.normalisation)
    return LanguagePolicy(model, text, execution, seed)
