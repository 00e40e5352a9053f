"""What z of every episode of the training data is: made once, in several draws, and kept on disk."""

import hashlib
from collections.abc import Callable
from dataclasses import astuple, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float16, UInt8
from rich.console import Console
from rich.progress import track

from understudy.episodes.acted import ActedWindows
from understudy.episodes.frame_cache import FrameCache, frame_cache_folder
from understudy.episodes.image_shift import ImageShift, random_shift
from understudy.episodes.painted_scene import PaintedScenes
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

SceneOf = Literal["actor", "person", "painted"]


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
    windows: ActedWindows, representation: Representation, draws: Draws, scene: SceneOf = "actor"
) -> Float16[np.ndarray, "N V Z"]:
    """From the file that is named by all that z depends on; made if it is not there.

    Args:
        windows: the episodes.
        representation: makes z.
        draws: how often, and of what.
        scene: that of whoever acts; or `person`: a robot's z with the scene of the person who did the same in the same
            layout, all else as it is: what it would be if a person were to act; or `painted`: a person's z with a robot
            painted in the person's place in the clip's first image, in draws of its own. Rows of who it does not
            concern are zero.

    Raises:
        UnderstudyError: the cache cannot be written, or no robot can be painted into a scene.
    """
    size = representation.model.image_size
    caches: dict[tuple[Path, str], FrameCache] = {}
    digest = hashlib.sha256(f"{representation.fingerprint()} {astuple(draws)}".encode())
    if scene == "person":
        digest.update(b"the person's scene")
    if scene == "painted":
        digest.update(_painted_with(windows, size))
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
            found = _make(windows, representation, draws, caches, scene)
            with replacing(path) as temporary, temporary.open("wb") as file:
                np.save(file, found)
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise UnderstudyError(f"{path}: cannot be written: {error.strerror or error}") from error


def _painted_with(windows: ActedWindows, size: int) -> bytes:
    """What painted scenes depend on besides people's clips."""
    scenes, readers = PaintedScenes(windows.config.robot, size), dict[Path, EpisodeReader]()
    digest = hashlib.sha256(windows.config.robot.encode())
    for root, actor, episode in map(windows.clips, range(len(windows))):
        if actor == PERSON:
            if root not in readers:
                readers[root] = EpisodeReader(root / PERSON)
            digest.update(scenes.made_of(readers[root], episode))
    return digest.digest()


def _make(
    windows: ActedWindows,
    representation: Representation,
    draws: Draws,
    caches: dict[tuple[Path, str], FrameCache],
    scene: SceneOf,
) -> Float16[np.ndarray, "N V Z"]:
    count = representation.to(best_device()).config.num_frames
    rng, colours = np.random.default_rng(0), torch.Generator().manual_seed(0)

    def prompt(index: int, variant: int) -> UInt8[np.ndarray, "N S S 3"]:
        root, _, episode = windows.clips(index)
        clip = caches[root, PERSON].episode(episode)
        rows = uneven_frames(len(clip), count, rng) if variant else even_frames(len(clip), count)
        return draws.shift(index, variant).images(clip[rows])

    paint = _painter(windows, caches) if scene == "painted" else None

    def seen(index: int, variant: int) -> UInt8[np.ndarray, "S S 3"]:
        if paint is not None:
            return draws.shift(index, variant).images(paint(index))
        root, actor, episode = windows.clips(index)
        clip = caches[root, actor].episode(episode)
        at = rng.integers(len(clip)) if draws.any_scene and variant else 0
        if scene == "person":
            theirs = caches[root, PERSON].episode(episode)
            clip, at = theirs, at * len(theirs) // len(clip)
        return draws.shift(index, variant).images(clip[at])

    people = np.array([windows.clips(index)[1] == PERSON for index in range(len(windows))])
    indices = np.flatnonzero(people) if scene == "painted" else np.arange(len(windows))
    places = np.array([(index, variant) for index in indices for variant in range(draws.variants)]).reshape(-1, 2)
    found = np.zeros((len(windows), draws.variants, representation.config.size), dtype=np.float16)
    starts = range(0, len(places), _TOGETHER)
    for start in track(starts, description="representation", console=Console(stderr=True), transient=True):
        some = places[start : start + _TOGETHER]
        changed = torch.tensor([[float(variant > 0)] for _, variant in some])
        seen_in = random_colours(len(some), draws.jitter, colours).only(changed)
        prompts, scenes = (
            to_float(torch.from_numpy(np.stack(images)), seen_in)
            for images in ([prompt(*place) for place in some.tolist()], [seen(*place) for place in some.tolist()])
        )
        new = ~people[some[:, 0]] if scene == "person" else np.ones(len(some), dtype=bool)
        if new.any():
            made = representation(prompts, scenes)  # of the whole batch, whose noise is drawn together
            found[some[new, 0], some[new, 1]] = made[torch.from_numpy(new)].half().cpu().numpy()
    return found


def _painter(
    windows: ActedWindows, caches: dict[tuple[Path, str], FrameCache]
) -> Callable[[int], UInt8[np.ndarray, "S S 3"]]:
    """Scenes of people's episodes with the robot painted in; asked for again at once, it is not painted again."""
    readers = {root: EpisodeReader(root / PERSON) for root, _ in caches}
    size = next(iter(caches.values())).episode(0).shape[1]
    scenes = PaintedScenes(windows.config.robot, size)

    @lru_cache(maxsize=1)
    def paint(index: int) -> UInt8[np.ndarray, "S S 3"]:
        root, _, episode = windows.clips(index)
        return scenes.scene(readers[root], episode, caches[root, PERSON].episode(episode))

    return paint
