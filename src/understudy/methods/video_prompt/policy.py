"""Acts as a prompt says: z from a video or a label, a path from z, chunks from both."""

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from understudy.episodes.person_scene import square_camera
from understudy.episodes.scene_things import SceneThings, first_things
from understudy.episodes.square_image import square_image
from understudy.errors import UnderstudyError
from understudy.methods.diffusion_policy import DiffusionPolicy, Execution, planned_actions
from understudy.methods.policy import Prompt, PromptKind
from understudy.methods.policy_folder import PolicyFolder, load_weights, read_policy_folder
from understudy.methods.video_prompt.familiarity import UNFAMILIAR
from understudy.methods.video_prompt.joint_model import JointPromptModel
from understudy.methods.video_prompt.model import Clock, PromptPolicyModel
from understudy.methods.video_prompt.network_folder import find_representation
from understudy.methods.video_prompt.policy_network import PolicyNetwork, network_of_folder
from understudy.methods.video_prompt.representation import Representation
from understudy.methods.video_prompt.z_memory import ZMemory
from understudy.methods.video_prompted import VideoPromptedPolicy
from understudy.networks.device import best_device
from understudy.networks.image_encoder import to_float
from understudy.networks.text import Text
from understudy.records import ActionChunk, Observation

__all__ = ["LabelPolicy", "ShownPathPolicy", "VideoPromptPolicy", "load"]

_USUAL_S = 5.0
"""How long it takes if no clip tells [s]."""


class _PathPolicy(DiffusionPolicy):
    """Final classes make z; the path is planned once from it, at the first `act`."""

    by_clock: bool = False
    """Go along the path in the time that the person's clip takes, not by what is seen on the way (but for z that
    is made anew for every chunk)."""

    looks_for_things: SceneThings | None = None
    """What finds the things that the plan is put at, in the first image; None: it stays as it was read off z."""

    def __init__(self, model: PolicyNetwork, execution: Execution, seed: int) -> None:
        super().__init__(model.head, model.config.image_size, execution, seed, proprioception=False)
        self._model = model
        self._path: Tensor | None = None
        self._steps = 0
        self._things: Tensor | None = None

    def act(self, observation: Observation) -> ActionChunk:
        """The next chunk.

        Raises:
            UnderstudyError: the plan is put where things stand, and the camera's pose over the table is not known, it
                looks off the middle of its image, or nothing can be rendered on this machine (`SceneThings`).
        """
        if self.looks_for_things is not None and self._things is None:
            image = square_image(observation.image, self._image_size)
            camera = square_camera(observation.camera, self._image_size, "the policy puts its plan where things stand")
            found = first_things(self.looks_for_things.of_robot(image, camera), self._model.config.things)
            self._things = torch.from_numpy(found)[None]
        chunk = super().act(observation)
        self._steps += self._execution.sampling.execute
        return chunk

    def path(self) -> Float[np.ndarray, "P A"] | None:
        """The planned way-points in the robot's action space; None before the first `act`, and where z is the plan."""
        return planned_actions(self._path, self._execution) if isinstance(self._model, PromptPolicyModel) else None

    def acts_as(self, description: PolicyFolder) -> None:
        """Go by the clock, and put the plan where things stand, as the folder of this policy says.

        Raises:
            UnderstudyError: by the clock with a network that has none.
        """
        model = self._model if isinstance(self._model, PromptPolicyModel) else None
        if description.content.get("by_clock"):
            if model is None or not model.config.clocked:
                where = f"{description.path / 'policy.json'}: by_clock"
                raise UnderstudyError(f"{where}: a network that was trained without a clock (model.clocked 0)")
            self.by_clock = True
        if model is not None and model.anchor is not None:
            model.anchor.fit(self._execution.normalisation)
            self.looks_for_things = SceneThings(description.robot)

    @abstractmethod
    def _z(self) -> Float[Tensor, "1 Z"]:
        """Of the prompt and what is seen."""

    def _begin(self) -> None:
        self._path, self._things, self._steps = None, None, 0
        super()._begin()

    def _plan(self, device: torch.device) -> Tensor:
        path = self._model.plan(self._z().to(device))
        if self._things is None:
            return path
        assert isinstance(self._model, PromptPolicyModel), "no other network looks for things"
        assert self._model.anchor is not None
        return self._model.anchor(path, self._things.to(device))

    def _context(
        self, images_B2CSS: Float[Tensor, "1 2 3 S S"], states_B2A: Float[Tensor, "1 2 A"] | None
    ) -> Float[Tensor, "1 M D"]:
        if self._path is None:
            self._path = self._plan(images_B2CSS.device)
        clock = self._clock(images_B2CSS.device)
        if clock is None:
            return self._model.context(self._path, images_B2CSS)
        assert isinstance(self._model, PromptPolicyModel), "no other network has a clock"
        return self._model.context(self._path, images_B2CSS, clock=clock)

    def _clock(self, device: torch.device) -> Clock | None:
        """What is told in place of what is seen; None: what is seen is."""
        if not self.by_clock:
            return None
        step_s, lasts_s = self._execution.dt_s, self._lasts_s()
        progress = min(self._steps * step_s / max(lasts_s, step_s), 1.0)
        told = torch.tensor([progress]), torch.tensor([step_s / (lasts_s + step_s)]), torch.tensor([True])
        return Clock(*(value.to(device) for value in told))

    def _lasts_s(self) -> float:
        """From the first of the path to its last [s]."""
        return _USUAL_S


class ShownPathPolicy(_PathPolicy, VideoPromptedPolicy):
    """Prompted with a video; final classes make z of it and of the scene."""

    method: ClassVar[str] = "video_prompt"

    def __init__(self, model: PolicyNetwork, execution: Execution, seed: int) -> None:
        super().__init__(model, execution, seed)
        self._scene: UInt8[np.ndarray, "S S 3"] | None = None

    def act(self, observation: Observation) -> ActionChunk:
        """The next chunk."""
        self._scene = square_image(observation.image, self.prompt_size)
        return super().act(observation)

    def _present(self) -> Float[Tensor, "1 3 S S"]:
        """The scene as it is now, as `to_float` gives it, of the size of the prompt's frames."""
        return to_float(torch.from_numpy(np.array(self._scene)[None]))  # a copy: an image of a file may be read-only

    def _lasts_s(self) -> float:
        """As long as the prompt."""
        return _USUAL_S if self.prompt_s is None else self.prompt_s


class VideoPromptPolicy(ShownPathPolicy):
    """Z is what a representation, which was trained before, makes of prompt and scene; resets to the same two take it
    from memory (`ZMemory`).
    """

    each_chunk: bool = False
    """Make z anew from prompt and present image for every chunk; else once, at the first."""

    def __init__(self, model: PolicyNetwork, representation: Representation, execution: Execution, seed: int) -> None:
        """Make a policy.

        Args:
            model: in evaluation mode.
            representation: what makes z; the one that the model was trained with.
            execution: normalisation, control step and sampling.
            seed: of the noise.
        """
        super().__init__(model, execution, seed)
        self._representation, self._remembered = representation, ZMemory(representation)
        self.prompt_size = representation.model.image_size
        self.image_size = max(self.image_size, self.prompt_size)
        self.prompt_frames = representation.config.num_frames
        self._frames: Tensor | None = None
        self.familiarity: float | None = None
        """Of the prompt in this scene, 0 to 1 (see `Familiarity`); None before the first `act`."""

    def act(self, observation: Observation) -> ActionChunk:
        """The next chunk."""
        if self.each_chunk:
            self._path = None
        return super().act(observation)

    @property
    def notes(self) -> tuple[str, ...]:
        """A blank prompt, and after the first `act` an unfamiliar one, is said."""
        blank, familiarity = super().notes, self.familiarity
        if blank or familiarity is None or familiarity >= UNFAMILIAR:
            return blank
        return (f"unfamiliar prompt: farther from those of training than {1 - familiarity:.0%} of them are",)

    def _begin(self) -> None:
        self._frames, self.familiarity = None, None
        super()._begin()

    def _z(self) -> Float[Tensor, "1 Z"]:
        if self._frames is None:
            self._frames = self._shown()
        made = self._representation if self.each_chunk else self._remembered.z  # no image comes twice
        z = made(self._frames, self._present())
        if self._model.familiarity is not None and self.familiarity is None:
            self.familiarity = float(self._model.familiarity(z.to(self._model.familiarity.mean.device))[0])
        return z


class LabelPolicy(_PathPolicy):
    """The same policy, told in words: the paper's row Language + R. + H."""

    prompt_kind: ClassVar[PromptKind] = "label"

    def __init__(self, model: PolicyNetwork, text: Text, execution: Execution, seed: int) -> None:
        """Make a policy.

        Args:
            model: in evaluation mode.
            text: how labels are read.
            execution: normalisation, control step and sampling.
            seed: of the noise.
        """
        super().__init__(model, execution, seed)
        self._text, self._label = text, ""

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
            raise UnderstudyError("this video_prompt policy is prompted with a label, not with a video of a person")
        self._label = prompt or ""
        self._begin()

    def _z(self) -> Float[Tensor, "1 Z"]:
        return self._text.vectors([self._label])


def load(folder: Path, robot: str, seed: int) -> DiffusionPolicy:
    """The policy of a folder that `understudy train` wrote.

    Raises:
        UnderstudyError: not a whole policy folder of this method and robot, or its representation is not there.
    """
    description = read_policy_folder(folder, "video_prompt", robot)
    policy: _PathPolicy
    if "prompt_encoder" in description.content:
        from understudy.methods.video_prompt.end_to_end import load_end_to_end  # which is built on this module

        policy = load_end_to_end(description, seed)
    else:
        policy = _load_network(description, seed)
    policy.acts_as(description)
    return policy


def _load_network(description: PolicyFolder, seed: int) -> LabelPolicy | VideoPromptPolicy:
    where = description.path / "policy.json"
    model = network_of_folder(description)
    execution = Execution.of_folder(description, model.config.chunk)
    if "text" in description.content:
        text = Text.from_json(description.require("text"), str(where))
        load_weights(model, description.path, execution.normalisation)
        return LabelPolicy(model, text, execution, seed)
    representation = find_representation(description.require("representation"), where)
    load_weights(model, description.path, execution.normalisation)
    if isinstance(model, JointPromptModel):  # too large for a CPU in a control loop
        model, representation = model.to(best_device()), representation.to(best_device())
    policy = VideoPromptPolicy(model, representation, execution, seed)
    policy.each_chunk = bool(description.content.get("z_each_chunk"))
    return policy
