"""Training samples of video_prompt's stage 1: a clip of one embodiment, and the clip of another in the same layout.

With probability P source and target are different embodiments (cross-prediction); otherwise, and where a layout was
recorded in one embodiment alone, the clip predicts itself, as in the paper (section 3.1).

Every layout of every data set is drawn alike, or with weights the data sets are drawn by those.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from understudy.embodiments import EMBODIMENTS
from understudy.episodes.frame_cache import FrameCache
from understudy.episodes.image_shift import ImageShift, random_shift
from understudy.episodes.mixture import Mixture, Sample
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.selection import Selection
from understudy.episodes.windows import even_frames, uneven_frames
from understudy.errors import UnderstudyError

__all__ = ["ClipConfig", "CrossPrediction"]

_IMAGES = "observation.images.front"
_PERSON = "human_hand"


@dataclass(frozen=True)
class ClipConfig:
    """What a sample holds."""

    image_size: int = 64
    """Side of all frames [px]."""
    num_frames: int = 16
    """Of source and target, from first to last."""
    cross_probability: float = 0.6
    """P of Table 3: how often source and target are different embodiments, where there are two."""
    embodiments: tuple[str, ...] = ()
    """Whose clips are used; all that were recorded by default."""
    shift: int = 0
    """Most that both clips are shifted by, alike, to each side, in 1/32 of their side."""
    weights: tuple[float, ...] = ()
    """Share of samples from each root, in their order, up to a common factor; none: every layout is drawn alike."""


class CrossPrediction:
    """A `SampleSource`: index = layout; with weights it only numbers a draw. It holds

    - `source` (N, S, S, 3) uint8: the prompt, at nearly even times that differ from draw to draw;
    - `target` (N, S, S, 3) uint8: the video to be made, at even times from first to last;
    - `crossed` () bool: they show different embodiments.
    """

    def __init__(self, roots: Sequence[Path], config: ClipConfig) -> None:
        """Open every data set `root/<embodiment>` and make the caches of their frames. Roots as in `Selection`.

        Raises:
            UnderstudyError: a root without data sets or the chosen episodes, one that is not paired with its neighbour,
                or a sealed split; weights that are not one above 0 for each root.
        """
        self.config = config
        if config.weights:
            Mixture([1] * len(roots), config.weights)  # says what is wrong with them before frames are decoded
        found = [_layouts(Selection.of(root), config) for root in roots]
        self._layouts = [layout for layouts in found for layout in layouts]
        self.lengths: Sequence[int] = [len(layouts) for layouts in found]
        """Number of layouts of each root."""
        self._mixture = Mixture(self.lengths, config.weights) if config.weights else None

    def __len__(self) -> int:
        return len(self._layouts)

    def sample(self, index: int, rng: np.random.Generator) -> Sample:
        """Two clips of one layout."""
        clips, config = self._drawn(index, rng), self.config
        source = int(rng.integers(len(clips)))
        target = source
        if len(clips) > 1 and rng.random() < config.cross_probability:
            target = int(rng.choice([i for i in range(len(clips)) if i != source]))
        shown, made = (cache.episode(episode) for cache, episode in (clips[source], clips[target]))
        source_rows = uneven_frames(len(shown), config.num_frames, rng)
        shift = random_shift(rng, config.shift) if config.shift else ImageShift()
        return {
            "source": shift.images(shown[source_rows]),
            "target": shift.images(made[even_frames(len(made), config.num_frames)]),
            "crossed": np.array(source != target),
        }

    def prompted(
        self, index: int, rng: np.random.Generator
    ) -> tuple[UInt8[np.ndarray, "N S S 3"], UInt8[np.ndarray, "S S 3"]]:
        """A person's clip at even times (another body's where no person was recorded), and the scene of any body."""
        clips = self._drawn(index, rng)
        (cache, episode), (other, also) = clips[0], clips[int(rng.integers(len(clips)))]
        shown = cache.episode(episode)
        return shown[even_frames(len(shown), self.config.num_frames)], other.episode(also)[0]

    def _drawn(self, index: int, rng: np.random.Generator) -> list[tuple[FrameCache, int]]:
        """The layout of that index, or with weights any."""
        return self._layouts[index if self._mixture is None else self._mixture.draw(rng)]


def _layouts(selection: Selection, config: ClipConfig) -> list[list[tuple[FrameCache, int]]]:
    """For every chosen layout of a recording, the cache and the episode of each embodiment that succeeded in it."""
    root, names = selection.root, [name for name in config.embodiments or EMBODIMENTS if selection.shows(name)]
    wanted = [name for name in names if (root / name).is_dir()]
    wanted.sort(key=lambda name: name != _PERSON)
    if not wanted:
        raise UnderstudyError(f"{root}: no data set of {', '.join(names or config.embodiments)}")
    readers = [EpisodeReader(root / name) for name in wanted]
    caches = [FrameCache(reader, _IMAGES, config.image_size) for reader in readers]
    count, first = readers[0].num_episodes, readers[0]
    layouts = []
    for reader in readers[1:]:
        if reader.num_episodes != count:
            raise UnderstudyError(
                f"{reader.root}: {reader.num_episodes} episodes, {first.root} has {count}: not paired"
            )
    for index in selection.episodes(first):
        episodes = [reader.episode(index) for reader in readers]
        for reader, episode in zip(readers, episodes, strict=True):
            if (split := episode.metadata.get("split", "train")) != "train":
                raise UnderstudyError(f"{reader.root}: episode {index} is of the split {split}: not for training")
            if episode.metadata.get("seed") != episodes[0].metadata.get("seed"):
                raise UnderstudyError(f"{reader.root}: episode {index} is not the pair of {first.root}'s")
        kept = [(cache, index) for cache, e in zip(caches, episodes, strict=True) if e.metadata.get("success", True)]
        layouts += [kept] if kept else []
    if not layouts:
        raise UnderstudyError(f"{root}: no episode that succeeded")
    return layouts
