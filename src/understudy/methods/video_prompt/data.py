"""Training samples of stage 2: windows that people and robots teach, with z of each episode's prompt and scene."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float16, Float32, UInt8
from rich.console import Console
from rich.progress import track
from torch import Tensor

from understudy.episodes.acted import ActedWindows
from understudy.episodes.frame_cache import FrameCache, frame_cache_folder
from understudy.episodes.image_shift import ImageShift, random_shift
from understudy.episodes.mixture import Sample
from understudy.episodes.normalisation import Normalisation
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.windows import even_frames, uneven_frames
from understudy.errors import UnderstudyError
from understudy.files import replacing
from understudy.methods.video_prompt.representation import Representation
from understudy.networks.device import best_device
from understudy.networks.image_encoder import ColourJitter, random_colours, to_float
from understudy.networks.text import Text

__all__ = ["LabelledWindows", "PromptedWindows", "RepresentedWindows"]

_IMAGES = "observation.images.front"
_PERSON = "human_hand"
_TOGETHER = 8


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
    """

    def __init__(
        self,
        windows: ActedWindows,
        representation: Representation,
        variants: int,
        jitter: ColourJitter,
        *,
        any_scene: bool = False,
    ) -> None:
        """Make z of every episode, or read it from the cache.

        Args:
            windows: the episodes.
            representation: makes z.
            variants: draws for every episode; the first is of frames at even times and unchanged, as in acting.
            jitter: of the colours of further draws, alike in prompt and scene.
            any_scene: the scene of further draws is of any time in the episode, not its first image: for policies that
                make z anew as they act.

        Raises:
            UnderstudyError: the cache cannot be written.
        """
        super().__init__(windows)
        self._draws = _Draws(variants, jitter, any_scene, windows.config.shift)
        self._z = _cached(windows, representation, self._draws)
        self._config = representation.config
        self.fingerprint = representation.fingerprint()
        """Of the representation that made z."""

    @property
    def z_shape(self) -> tuple[int, int, int]:
        """As `RepresentationConfig` says."""
        return self._config.times, self._config.cells, self._config.channels

    def z(self, index: int, rng: np.random.Generator) -> tuple[Float32[np.ndarray, " Z"], ImageShift]:
        """One of its draws."""
        variant = int(rng.integers(self._z.shape[1]))
        return self._z[index, variant].astype(np.float32), self._draws.shift(index, variant)

    def prompts(self) -> Float32[Tensor, "N Z"]:
        """The z of even frames of every episode that is learned from, with the scene of whoever acts in it."""
        return torch.from_numpy(np.asarray(self._z[:, 0], dtype=np.float32))


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


@dataclass(frozen=True)
class _Draws:
    """See `RepresentedWindows`."""

    variants: int
    jitter: ColourJitter
    any_scene: bool
    most: int
    """Of the shift."""

    def shift(self, index: int, variant: int) -> ImageShift:
        """Of one draw of an episode: the same whenever it is asked for."""
        return random_shift(np.random.default_rng([index, variant]), self.most) if variant else ImageShift()


def _cached(windows: ActedWindows, representation: Representation, draws: _Draws) -> Float16[np.ndarray, "N V Z"]:
    """From the file that is named by all that z depends on; made if it is not there."""
    size = representation.model.image_size
    caches: dict[tuple[Path, str], FrameCache] = {}
    digest = hashlib.sha256(f"{representation.fingerprint()} {draws}".encode())
    for index in range(len(windows)):
        root, actor, episode = windows.clips(index)
        for name in (actor, _PERSON):
            if (root, name) not in caches:
                caches[root, name] = FrameCache(EpisodeReader(root / name), _IMAGES, size)
        digest.update(
            f"{caches[root, actor].path.parent.name} {caches[root, _PERSON].path.parent.name} {episode}".encode()
        )
    path = frame_cache_folder() / "representations" / f"{digest.hexdigest()[:16]}.npy"
    try:
        if not path.exists():
            found = _make(windows, representation, draws, caches)
            with replacing(path) as temporary, temporary.open("wb") as file:
                np.save(file, found)
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise UnderstudyError(f"{path}: cannot be written: {error.strerror or error}") from error


def _make(
    windows: ActedWindows,
    representation: Representation,
    draws: _Draws,
    caches: dict[tuple[Path, str], FrameCache],
) -> Float16[np.ndarray, "N V Z"]:
    count = representation.to(best_device()).config.num_frames
    rng, colours = np.random.default_rng(0), torch.Generator().manual_seed(0)

    def prompt(index: int, variant: int) -> UInt8[np.ndarray, "N S S 3"]:
        root, _, episode = windows.clips(index)
        clip = caches[root, _PERSON].episode(episode)
        rows = uneven_frames(len(clip), count, rng) if variant else even_frames(len(clip), count)
        return draws.shift(index, variant).images(clip[rows])

    def scene(index: int, variant: int) -> UInt8[np.ndarray, "S S 3"]:
        root, actor, episode = windows.clips(index)
        clip = caches[root, actor].episode(episode)
        return draws.shift(index, variant).images(clip[rng.integers(len(clip)) if draws.any_scene and variant else 0])

    places = [(index, variant) for index in range(len(windows)) for variant in range(draws.variants)]
    starts = range(0, len(places), _TOGETHER)
    found = []
    for start in track(starts, description="representation", console=Console(stderr=True), transient=True):
        some = places[start : start + _TOGETHER]
        changed = torch.tensor([[float(variant > 0)] for _, variant in some])
        seen_in = random_colours(len(some), draws.jitter, colours).only(changed)
        prompts, scenes = (
            to_float(torch.from_numpy(np.stack(images)), seen_in)
            for images in ([prompt(*place) for place in some], [scene(*place) for place in some])
        )
        found.append(representation(prompts, scenes).half().cpu().numpy())
    return np.concatenate(found).reshape(len(windows), draws.variants, -1)
