"""Training samples from paired recordings: a person's clip, and windows of the robot's episode in the same layout."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from understudy.embodiments import get_embodiment
from understudy.episodes.frame_cache import FrameCache
from understudy.episodes.mixture import Sample
from understudy.episodes.normalisation import Normalisation, NormalisationKind, fit_normalisation
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.selection import Selection
from understudy.episodes.windows import future, past, phases, uneven_frames
from understudy.errors import UnderstudyError

__all__ = ["PairedWindows", "WindowConfig"]

_IMAGES, _ACTION, _STATE = "observation.images.front", "action", "observation.state"
_PERSON = "human_hand"


@dataclass(frozen=True)
class WindowConfig:
    """What a sample holds."""

    robot: str
    image_size: int = 96
    """Side of images and prompt frames [px]."""
    prompt_frames: int = 20
    """Frames of the person's clip, from first to last, nearly evenly spaced; 0 leaves the clip out."""
    num_times: int = 8
    """Windows of one episode in a sample, M: the clip is encoded once for all of them."""
    history: int = 4
    """The earlier of the two images and states lies so many control steps back."""
    chunk: int = 8
    num_phases: int = 16
    """Rows of the coarse path of the whole episode, P."""
    normalisation: NormalisationKind = "symmetric"


class PairedWindows:
    """A `SampleSource`: index = pair of episodes, without those that the recording calls failed. It holds

    - `prompt` (N, S, S, 3) uint8: the person's clip (if asked for);
    - `images` (M, 2, S, S, 3) uint8 and `states` (M, 2, A): earlier and present, normalised;
    - `actions` (M, K, A): the next targets, normalised; `exists` (M, K) bool: false past the end, where the last stays;
    - `path` (P, A): the actions of the whole episode at P phases, normalised;
    - `label` () int64: index into `labels`.
    """

    def __init__(self, roots: Sequence[Path], config: WindowConfig) -> None:
        """Open `root/<robot>` and `root/human_hand` of every root, and make the caches of their frames. Roots as in
        `Selection`, but for both embodiments.

        Raises:
            UnderstudyError: a data set that is missing or one embodiment's alone, of another robot, action order or
                frame rate, or not paired.
        """
        self.config = config
        recordings = [_Recording(Selection.of(root), config) for root in roots]
        first = recordings[0]
        for other in recordings[1:]:
            if other.robot.fps != first.robot.fps:
                raise UnderstudyError(
                    f"{other.robot.root}: {other.robot.fps} steps a second, {first.robot.root} has {first.robot.fps}"
                )
        self.fps: float = first.robot.fps
        """Control steps per second."""
        self._pairs = [(recording, episode) for recording in recordings for episode in recording.episodes]
        tasks = [recording.robot.episode(episode).task for recording, episode in self._pairs]
        self.labels: Sequence[str] = sorted(set(tasks))
        """Every label of the data, sorted."""
        self._label = [self.labels.index(task) for task in tasks]
        actions = [recording.robot.column(_ACTION, episode) for recording, episode in self._pairs]
        states = [recording.robot.column(_STATE, episode) for recording, episode in self._pairs]
        names = get_embodiment(config.robot).action_space.names
        self.normalisation: Normalisation = fit_normalisation(config.normalisation, [*actions, *states], names)
        """Joint over actions and states."""
        self._actions = [self.normalisation.apply(a) for a in actions]
        self._states = [self.normalisation.apply(s) for s in states]

    def __len__(self) -> int:
        return len(self._actions)

    def sample(self, index: int, rng: np.random.Generator) -> Sample:
        """One episode at `num_times` random steps."""
        config, actions, states = self.config, self._actions[index], self._states[index]
        recording, episode = self._pairs[index]
        steps = rng.integers(0, len(actions), config.num_times)
        before = past(steps, (config.history, 0))
        ahead, exists = future(steps, config.chunk, len(actions))
        sample: Sample = {
            "images": recording.images.episode(episode)[before],
            "states": states[before],
            "actions": actions[ahead],
            "exists": exists,
            "path": _float(phases(actions, config.num_phases)),
            "label": np.array(self._label[index], dtype=np.int64),
        }
        if recording.clips is not None:
            clip = recording.clips.episode(episode)
            sample["prompt"] = clip[uneven_frames(len(clip), config.prompt_frames, rng)]
        return sample


class _Recording:
    """The two data sets of one paired recording."""

    def __init__(self, selection: Selection, config: WindowConfig) -> None:
        root = selection.root
        if selection.embodiment is not None:
            raise UnderstudyError(f"{root / selection.embodiment}: needs {config.robot} and people: pass {root}")
        self.robot = EpisodeReader(root / config.robot)
        names = self.robot.features[_ACTION].names or ()
        expected = get_embodiment(config.robot).action_space.names
        if names != expected:
            raise UnderstudyError(
                f"{self.robot.root}: {_ACTION} is ordered {', '.join(names)}; {config.robot} has {', '.join(expected)}"
            )
        self.episodes = [i for i in selection.episodes(self.robot) if self._is_for_training(i)]
        """Those that can be learned from."""
        if not self.episodes:
            raise UnderstudyError(f"{self.robot.root}: no episode that succeeded")
        self.images = _frames(self.robot, config.image_size)
        self.clips = self._open_clips(root, config.image_size) if config.prompt_frames else None

    def _is_for_training(self, index: int) -> bool:
        """Whether it succeeded, as far as the recording says; raises `UnderstudyError` for a sealed split."""
        metadata = self.robot.episode(index).metadata
        split = metadata.get("split", "train")
        if split != "train":
            raise UnderstudyError(f"{self.robot.root}: episode {index} is of the split {split}: not for training")
        return bool(metadata.get("success", True))

    def _open_clips(self, root: Path, size: int) -> FrameCache:
        person = EpisodeReader(root / _PERSON)
        if person.num_episodes != self.robot.num_episodes:
            raise UnderstudyError(
                f"{person.root}: {person.num_episodes} episodes, {self.robot.root} has {self.robot.num_episodes}:"
                " not paired"
            )
        for index in range(person.num_episodes):
            ours, theirs = self.robot.episode(index), person.episode(index)
            if theirs.task != ours.task or theirs.metadata.get("seed") != ours.metadata.get("seed"):
                raise UnderstudyError(f"{person.root}: episode {index} is not the pair of {self.robot.root}'s")
        return _frames(person, size)


def _frames(reader: EpisodeReader, size: int) -> FrameCache:
    """Frames at the size of the network; made larger they would be blurred, and those at test time are not."""
    height, width, _ = reader.features[_IMAGES].shape
    if min(height, width) < size:
        raise UnderstudyError(f"{reader.root}: {_IMAGES} is {width}x{height}, the policy needs {size} px: record anew")
    return FrameCache(reader, _IMAGES, size)


def _float(values: Float[np.ndarray, "*B A"]) -> Float[np.ndarray, "*B A"]:
    return np.ascontiguousarray(values, dtype=np.float32)
