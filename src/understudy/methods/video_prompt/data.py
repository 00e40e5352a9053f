"""Training samples of stage 2: windows that people and robots teach, with z of each episode's prompt and scene."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from understudy.episodes.acted import ActedWindows
from understudy.episodes.image_shift import ImageShift
from understudy.episodes.mixture import Sample
from understudy.episodes.normalisation import Normalisation
from understudy.episodes.painted_scene import PaintedScenes
from understudy.episodes.reader import EpisodeReader
from understudy.errors import UnderstudyError
from understudy.methods.video_prompt.representation import Representation
from understudy.methods.video_prompt.z_draws import PERSON, Draws, cached_z
from understudy.networks.image_encoder import ColourJitter
from understudy.networks.text import Text

__all__ = ["LabelledWindows", "PromptedWindows", "RepresentedWindows"]


class PromptedWindows(ABC):
    """`ActedWindows` whose samples hold `z` (Z,) float32, too: what the prompt of their episode became."""

    def __init__(self, windows: ActedWindows) -> None:
        self.windows = windows

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def normalisation(self) -> Normalisation:
        """Joint over people and robots."""
        return self.windows.normalisation

    @property
    def skills(self) -> Sequence[str]:
        """Every task of the data, sorted."""
        return self.windows.skills

    def sample(self, index: int, rng: np.random.Generator) -> Sample:
        """See `ActedWindows`."""
        z, shift = self.z(index, rng)
        return self.windows.sample(index, rng, shift) | {"z": z}

    @property
    @abstractmethod
    def z_shape(self) -> tuple[int, int, int]:
        """Times, places along a side, numbers of each: z in the order time, row, column, channel."""

    @abstractmethod
    def z(self, index: int, rng: np.random.Generator) -> tuple[Float32[np.ndarray, " Z"], ImageShift | None]:
        """Of an episode's prompt, and how what it was made of was shifted; None: no images were."""


class RepresentedWindows(PromptedWindows):
    """With z of the person's clip and the acting body's first image.

    The video model is frozen, so that z is made once and kept on disk; `variants` draws of it, from frames at slightly
    different times and in other colours, stand for the augmentation that frozen features cannot have.

    People's recordings show scenes with a person in them, and the robot acts in scenes with a robot. With
    `painted_robot` some z of people are of their scene with the robot painted in the person's place (`PaintedScenes`).

    With `scene_arithmetic` some z are moved to the other body's scene, as in Figure 5b: z_robot(A) - z_person(A) of any
    layout A where a robot acts is added to a person's z, or taken off a robot's. Where only people show a skill, a
    policy would else take every robot's scene for a sign of the skills that robots have.
    """

    def __init__(
        self,
        windows: ActedWindows,
        representation: Representation,
        variants: int,
        jitter: ColourJitter,
        *,
        any_scene: bool = False,
        scene_arithmetic: float = 0.0,
        painted_robot: float = 0.0,
    ) -> None:
        """Make z of every episode, or read it from the cache.

        Args:
            windows: the episodes.
            representation: makes z.
            variants: draws for every episode; the first is of frames at even times and unchanged, as in acting.
            jitter: of the colours of further draws, alike in prompt and scene.
            any_scene: the scene of further draws is of any time in the episode, not its first image: for policies that
                make z anew as they act.
            scene_arithmetic: share of samples whose z is moved to the other body's scene, 0 to 1.
            painted_robot: share of people's samples whose z is of the scene with a robot painted in, 0 to 1; these are
                not moved.

        Raises:
            UnderstudyError: the cache cannot be written, a share out of range, no robot to learn the scene from, or no
                camera to paint it for.
        """
        super().__init__(windows)
        for name, share in (("scene_arithmetic", scene_arithmetic), ("painted_robot", painted_robot)):
            if not 0 <= share <= 1:
                raise UnderstudyError(f"{name} {share}: a share is from 0 to 1")
        draws = Draws(variants, jitter, any_scene, windows.config.shift)
        self._persons = np.array([windows.clips(index)[1] == PERSON for index in range(len(windows))])
        self._robots = np.flatnonzero(~self._persons)
        if scene_arithmetic and not len(self._robots):
            raise UnderstudyError("scene_arithmetic: no robot's episode tells what its scene does to z; set it to 0")
        self._painted_share = painted_robot if self._persons.any() else 0.0
        if self._painted_share:
            scenes = PaintedScenes(windows.config.robot, representation.model.image_size)
            for root in sorted({windows.clips(int(index))[0] for index in np.flatnonzero(self._persons)}):
                scenes.check(EpisodeReader(root / PERSON))
        self._z = cached_z(windows, representation, draws)
        self._share, self._in_persons_scene = scene_arithmetic, None
        if scene_arithmetic:
            self._in_persons_scene = cached_z(windows, representation, draws, "person")
        self._painted = cached_z(windows, representation, draws, "painted") if self._painted_share else self._z
        self._config = representation.config
        self.fingerprint = representation.fingerprint()
        """Of the representation that made z."""

    @property
    def z_shape(self) -> tuple[int, int, int]:
        """As `RepresentationConfig` says."""
        return self._config.times, self._config.cells, self._config.channels

    def z(self, index: int, rng: np.random.Generator) -> tuple[Float32[np.ndarray, " Z"], ImageShift]:
        """One of its draws."""
        variant = int(rng.integers(self._z.variants))
        shift = self._z.shift(index, variant)
        if self._painted_share and self._persons[index] and rng.random() < self._painted_share:
            return self._painted.z(index, variant), shift
        z = self._z.z(index, variant)
        if self._share and rng.random() < self._share:
            z = self._moved(z, index, int(rng.choice(self._robots)), int(rng.integers(self._z.variants)))
        return z, shift

    def prompts(self) -> Float32[Tensor, "N Z"]:
        """What z can be in training, without augmentation: of every episode that is learned from, with the scene of
        whoever acts in it, and the same moved to the other body's scene, or with a robot painted in, if samples are.
        """
        own = found = np.stack([self._z.z(index, 0) for index in range(len(self._z))])
        if self._share:
            others = np.random.default_rng(0).choice(self._robots, len(found))
            moved = [self._moved(z, index, int(others[index]), 0) for index, z in enumerate(own)]
            found = np.concatenate([found, np.stack(moved)])
        if self._painted_share:
            painted = [self._painted.z(int(index), 0) for index in np.flatnonzero(self._persons)]
            found = np.concatenate([found, np.stack(painted)])
        return torch.from_numpy(found)

    def read_off(self) -> tuple[Float32[Tensor, "N Z"], Float32[Tensor, "N P A"], Int64[Tensor, " N"]]:
        """Every draw of z, the path that is to be read off it, and its skill; each also moved to the other body's
        scene, or with a robot painted in, if samples are: once, whatever the shares of these are.
        """
        z, paths, skills = list[np.ndarray](), list[np.ndarray](), list[int]()
        rng = np.random.default_rng(0)
        for index, variant in np.ndindex(len(self._z), self._z.variants):
            every = [self._z.z(index, variant)]
            if self._share:
                every.append(self._moved(every[0], index, int(rng.choice(self._robots)), variant))
            if self._painted_share and self._persons[index]:
                every.append(self._painted.z(index, variant))
            z += [one.astype(np.float16) for one in every]
            paths += [self.windows.path(index, self._z.shift(index, variant))] * len(every)
            skills += [self.windows.skill(index)] * len(every)
        return torch.from_numpy(np.stack(z)).float(), torch.from_numpy(np.stack(paths)), torch.tensor(skills)

    def _moved(self, z: Float32[np.ndarray, " Z"], index: int, other: int, variant: int) -> Float32[np.ndarray, " Z"]:
        """In the other body's scene, by what that does to a draw of the robot's episode `other`."""
        assert self._in_persons_scene is not None
        robots, persons = (every.z(other, variant) for every in (self._z, self._in_persons_scene))
        return z + (robots - persons if self._persons[index] else persons - robots)


class LabelledWindows(PromptedWindows):
    """With a vector of the label in place of the representation: the paper's row Language + R. + H."""

    def __init__(self, windows: ActedWindows, text: Text) -> None:
        super().__init__(windows)
        self._vectors = text.vectors(windows.labels).numpy()

    @property
    def z_shape(self) -> tuple[int, int, int]:
        """One vector."""
        return 1, 1, int(self._vectors.shape[1])

    def z(self, index: int, rng: np.random.Generator) -> tuple[Float32[np.ndarray, " Z"], None]:
        """The vector of its label."""
        return self._vectors[self.windows.label(index)], None
