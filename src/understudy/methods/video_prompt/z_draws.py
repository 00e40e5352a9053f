"""What z of every episode of the training data is: made once, in several draws, and kept on disk."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float16, Float32, UInt8
from rich.console import Console
from rich.progress import track

from understudy.episodes.acted import ActedWindows
from understudy.episodes.frame_cache import FrameCache, content_of_episode, frame_cache_folder
from understudy.episodes.image_shift import ImageShift, random_shift
from understudy.episodes.painted_scene import PaintedScenes
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.windows import even_frames, uneven_frames
from understudy.errors import UnderstudyError
from understudy.files import replacing
from understudy.methods.video_prompt.representation import Representation
from understudy.networks.device import best_device
from understudy.networks.image_encoder import ColourJitter, random_colours, to_float

__all__ = ["PERSON", "CachedZ", "Draws", "cached_z"]

PERSON = "human_hand"
_IMAGES = "observation.images.front"
_TOGETHER = 8
"""Draws of an episode that are made in one batch."""
_FORMAT = 2
"""Another one whenever other draws are made of the same episodes."""

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


class CachedZ:
    """Draws of z of some episodes, a file for each: read when first asked for, and kept."""

    def __init__(self, draws: Draws, seeds: Sequence[int], files: Mapping[int, Path]) -> None:
        """Made by `cached_z`.

        Args:
            draws: how often, and of what.
            seeds: of each episode: the same in whatever mixture it stands.
            files: episode -> its file (V, Z); of those that are made.
        """
        self.draws, self._seeds, self._files = draws, seeds, files
        self._read: dict[int, Float16[np.ndarray, "V Z"]] = {}

    def __len__(self) -> int:
        return len(self._seeds)

    def __reduce__(self) -> tuple[type["CachedZ"], tuple[Draws, Sequence[int], Mapping[int, Path]]]:
        return CachedZ, (self.draws, self._seeds, self._files)  # every process reads what it needs

    @property
    def variants(self) -> int:
        """Draws of every episode."""
        return self.draws.variants

    def z(self, index: int, variant: int) -> Float32[np.ndarray, " Z"]:
        """One draw of an episode.

        Raises:
            UnderstudyError: its file is gone, or damaged.
            KeyError: none was made of it, see `cached_z`.
        """
        if index not in self._read:
            self._read[index] = _read(self._files[index])
        return self._read[index][variant].astype(np.float32)

    def shift(self, index: int, variant: int) -> ImageShift:
        """Of the images of one draw of an episode, whosever scene they are of."""
        return random_shift(np.random.default_rng([self._seeds[index], variant]), self.draws.most if variant else 0)


def _read(path: Path) -> Float16[np.ndarray, "V Z"]:
    try:
        found: Float16[np.ndarray, "V Z"] = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise UnderstudyError(f"{path}: is gone; start again, and it is made anew") from error
    except (OSError, ValueError, EOFError) as error:
        raise UnderstudyError(f"{path}: is damaged; remove it, and it is made anew") from error
    return found


def cached_z(windows: ActedWindows, representation: Representation, draws: Draws, scene: SceneOf = "actor") -> CachedZ:
    """From files that are named by all that z of an episode depends on; made where they are not there.

    An episode's draws are the same in whatever mixture it stands: other data make no z of it anew, nor do more episodes
    of the same recording, and who interrupts goes on.

    Args:
        windows: the episodes.
        representation: makes z.
        draws: how often, and of what.
        scene: that of whoever acts; or `person`: a robot's z with the scene of the person who did the same in the same
            layout, all else as it is: what it would be if a person were to act; or `painted`: a person's z with a robot
            painted in the person's place in the clip's first image, in draws of its own. No z of others is made then.

    Raises:
        UnderstudyError: a file cannot be written, or no robot can be painted into a scene.
    """
    clips = _Clips(windows, representation.model.image_size)
    made_of = hashlib.sha256(f"{_FORMAT} {representation.fingerprint()} {astuple(draws)} {scene}".encode())
    folder = frame_cache_folder() / "representations" / made_of.hexdigest()[:16]
    painter = _Painter(clips) if scene == "painted" else None
    seeds, files = list[int](), dict[int, Path]()
    for index in range(len(windows)):
        name = hashlib.sha256(clips.identity(index))
        seeds.append(int.from_bytes(name.digest()[:4], "big"))
        by_person = clips.by_person(index)
        if scene == "actor" or by_person == (scene == "painted"):
            if painter is not None:
                name.update(painter.made_of(index))
            files[index] = folder / f"{name.hexdigest()[:24]}.npy"
    found = CachedZ(draws, seeds, files)
    wanted = [index for index, path in files.items() if not path.exists()]
    if wanted:
        representation.to(best_device())
        maker = _Maker(clips, representation, found, scene, painter)
        for index in track(wanted, description="representation", console=Console(stderr=True), transient=True):
            if files[index].exists():  # by now: another process made it, or the same clips stand in two recordings
                continue
            draws_of_it = maker.make(index, seeds[index])
            with replacing(files[index]) as temporary, temporary.open("wb") as file:
                np.save(file, draws_of_it)
    return found


class _Clips:
    """Frames of all episodes, whoever acts, and of the person of the same layout."""

    def __init__(self, windows: ActedWindows, size: int) -> None:
        self.windows, self.size = windows, size
        self._caches: dict[tuple[Path, str], FrameCache] = {}
        self._readers: dict[tuple[Path, str], EpisodeReader] = {}

    def by_person(self, index: int) -> bool:
        return self.windows.clips(index)[1] == PERSON

    def identity(self, index: int) -> bytes:
        """Of its clips, wherever they lie and whatever else is recorded with them."""
        root, actor, episode = self.windows.clips(index)
        found = list[object]()
        for reader in (self.reader(root, name) for name in (actor, PERSON)):
            span = reader.video_span(_IMAGES, episode)
            found += [reader.fps, span.length, content_of_episode(reader, _IMAGES, episode)]
        return json.dumps(found).encode()

    def frames(self, index: int, *, of_person: bool) -> UInt8[np.ndarray, "T S S 3"]:
        root, actor, episode = self.windows.clips(index)
        return self._cache(root, PERSON if of_person else actor).episode(episode)

    def reader(self, root: Path, name: str) -> EpisodeReader:
        if (root, name) not in self._readers:
            self._readers[root, name] = EpisodeReader(root / name)
        return self._readers[root, name]

    def _cache(self, root: Path, name: str) -> FrameCache:
        if (root, name) not in self._caches:
            self._caches[root, name] = FrameCache(self.reader(root, name), _IMAGES, self.size)
        return self._caches[root, name]


@dataclass(frozen=True)
class _Maker:
    """Makes all draws of an episode together; each draw has its place in the batch, and so its noise."""

    clips: _Clips
    representation: Representation
    z: CachedZ
    scene: SceneOf
    painter: "_Painter | None"

    def make(self, index: int, seed: int) -> Float16[np.ndarray, "V Z"]:
        draws, count = self.z.draws, self.representation.config.num_frames
        rng = np.random.default_rng([seed, self.painter is not None])  # draws of its own
        colours = torch.Generator().manual_seed(int(rng.integers(2**31)))
        theirs = self.clips.frames(index, of_person=True)
        prompts, scenes = list[np.ndarray](), list[np.ndarray]()
        for variant in range(draws.variants):
            shift = self.z.shift(index, variant)
            rows = uneven_frames(len(theirs), count, rng) if variant else even_frames(len(theirs), count)
            prompts.append(shift.images(theirs[rows]))
            scenes.append(shift.images(self._scene(index, rng if draws.any_scene and variant else None)))
        changed = torch.arange(draws.variants)[:, None].clamp(max=1).float()
        seen_in = random_colours(draws.variants, draws.jitter, colours).only(changed)
        images = (to_float(torch.from_numpy(np.stack(some)), seen_in) for some in (prompts, scenes))
        some = zip(*(image.split(_TOGETHER) for image in images), strict=True)
        made: Float16[np.ndarray, "V Z"] = torch.cat([self.representation(*few) for few in some]).half().cpu().numpy()
        return made

    def _scene(self, index: int, any_time: np.random.Generator | None) -> UInt8[np.ndarray, "S S 3"]:
        """The first image, or one of any time."""
        if self.painter is not None:
            return self.painter.paint(index)
        clip = self.clips.frames(index, of_person=False)
        at = 0 if any_time is None else int(any_time.integers(len(clip)))
        if self.scene == "person":
            theirs = self.clips.frames(index, of_person=True)
            clip, at = theirs, at * len(theirs) // len(clip)
        return clip[at]


class _Painter:
    """Scenes of people's episodes with the robot painted in; asked for again at once, it is not painted again."""

    def __init__(self, clips: _Clips) -> None:
        self._clips, self._scenes = clips, PaintedScenes(clips.windows.config.robot, clips.size)
        self._last: tuple[int, UInt8[np.ndarray, "S S 3"]] | None = None

    def made_of(self, index: int) -> bytes:
        """What the scene depends on besides the clip."""
        root, _, episode = self._clips.windows.clips(index)
        made_of = self._scenes.made_of(self._clips.reader(root, PERSON), episode)
        return self._clips.windows.config.robot.encode() + made_of

    def paint(self, index: int) -> UInt8[np.ndarray, "S S 3"]:
        if self._last is None or self._last[0] != index:
            root, _, episode = self._clips.windows.clips(index)
            clip = self._clips.frames(index, of_person=True)
            self._last = index, self._scenes.scene(self._clips.reader(root, PERSON), episode, clip)
        return self._last[1]
