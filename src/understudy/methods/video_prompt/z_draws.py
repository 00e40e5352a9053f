"""What z of every episode of the training data is: made once, in several draws, and kept on disk."""

import hashlib
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float16, UInt8
from rich.console import Console
from rich.progress import track

from understudy.episodes.acted import ActedWindows
from understudy.episodes.frame_cache import FrameCache, frame_cache_folder
from understudy.episodes.image_shift import ImageShift, random_shift
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.windows import even_frames, uneven_frames
from understudy.errors import UnderstudyError
from understudy.files import replacing
from understudy.methods.video_prompt.representation import Representation
from understudy.networks.device import best_device
from understudy.networks.image_encoder import ColourJitter, random_colours, to_float

__all__ = ["PERSON", "Draws", "cached_z"]

PERSON = "human_hand"
_IMAGES = "observation.images.front"
_TOGETHER = 8


@dataclass(frozen=True)
class Draws:
    """Draws of z for every episode; the first is of frames at even times and unchanged, as in acting."""

    variants: int
    jitter: ColourJitter
    """Of the colours of further draws, alike in prompt and scene."""
    any_scene: bool
    """The scene of further draws is of any time in the episode, not its first image."""
    most: int
    """Of the shift of further draws."""

    def shift(self, index: int, variant: int) -> ImageShift:
        """Of one draw of an episode: the same whenever it is asked for."""
        return random_shift(np.random.default_rng([index, variant]), self.most) if variant else ImageShift()


def cached_z(
    windows: ActedWindows, representation: Representation, draws: Draws, *, persons_scene: bool = False
) -> Float16[np.ndarray, "N V Z"]:
    """From the file that is named by all that z depends on; made if it is not there.

    Args:
        windows: the episodes.
        representation: makes z.
        draws: how often, and of what.
        persons_scene: the scene is that of the person who did the same in the same layout, all else as it is: what a
            robot's z would be if a person were to act. People's own rows are then zero.

    Raises:
        UnderstudyError: the cache cannot be written.
    """
    size = representation.model.image_size
    caches: dict[tuple[Path, str], FrameCache] = {}
    digest = hashlib.sha256(f"{representation.fingerprint()} {astuple(draws)}".encode())
    if persons_scene:
        digest.update(b"the person's scene")
    for index in range(len(windows)):
        root, actor, episode = windows.clips(index)
        for name in (actor, PERSON):
            if (root, name) not in caches:
                caches[root, name] = FrameCache(EpisodeReader(root / name), _IMAGES, size)
        digest.update(
            f"{caches[root, actor].path.parent.name} {caches[root, PERSON].path.parent.name} {episode}".encode()
        )
    path = frame_cache_folder() / "representations" / f"{digest.hexdigest()[:16]}.npy"
    try:
        if not path.exists():
            found = _make(windows, representation, draws, caches, persons_scene)
            with replacing(path) as temporary, temporary.open("wb") as file:
                np.save(file, found)
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise UnderstudyError(f"{path}: cannot be written: {error.strerror or error}") from error


def _make(
    windows: ActedWindows,
    representation: Representation,
    draws: Draws,
    caches: dict[tuple[Path, str], FrameCache],
    persons_scene: bool,
) -> Float16[np.ndarray, "N V Z"]:
    count = representation.to(best_device()).config.num_frames
    rng, colours = np.random.default_rng(0), torch.Generator().manual_seed(0)

    def prompt(index: int, variant: int) -> UInt8[np.ndarray, "N S S 3"]:
        root, _, episode = windows.clips(index)
        clip = caches[root, PERSON].episode(episode)
        rows = uneven_frames(len(clip), count, rng) if variant else even_frames(len(clip), count)
        return draws.shift(index, variant).images(clip[rows])

    def scene(index: int, variant: int) -> UInt8[np.ndarray, "S S 3"]:
        root, actor, episode = windows.clips(index)
        clip = caches[root, actor].episode(episode)
        at = rng.integers(len(clip)) if draws.any_scene and variant else 0
        if persons_scene:
            theirs = caches[root, PERSON].episode(episode)
            clip, at = theirs, at * len(theirs) // len(clip)
        return draws.shift(index, variant).images(clip[at])

    places = [(index, variant) for index in range(len(windows)) for variant in range(draws.variants)]
    found = np.zeros((len(places), representation.config.size), dtype=np.float16)
    starts = range(0, len(places), _TOGETHER)
    for start in track(starts, description="representation", console=Console(stderr=True), transient=True):
        some = places[start : start + _TOGETHER]
        changed = torch.tensor([[float(variant > 0)] for _, variant in some])
        seen_in = random_colours(len(some), draws.jitter, colours).only(changed)
        prompts, scenes = (
            to_float(torch.from_numpy(np.stack(images)), seen_in)
            for images in ([prompt(*place) for place in some], [scene(*place) for place in some])
        )
        new = [row for row, (index, _) in enumerate(some) if not (persons_scene and windows.clips(index)[1] == PERSON)]
        if new:
            made = representation(prompts, scenes)  # of the whole batch, whose noise is drawn together
            found[start + np.array(new)] = made[new].half().cpu().numpy()
    return found.reshape(len(windows), draws.variants, -1)
