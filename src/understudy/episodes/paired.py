"""Training samples from a paired recording: a person's clip, and windows of the robot's episode in the same layout."""

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
from understudy.episodes.windows import even_frames, future, past, phases
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
    """Frames of the person's clip, evenly spaced from first to last; 0 leaves the clip out."""
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

    def __init__(self, root: Path, config: WindowConfig) -> None:
        """Open the data sets `root/<robot>` and `root/human_hand`, and make the caches of their frames.

        Raises:
            UnderstudyError: a data set that is missing, of another robot or action order, or not paired.
        """
        self.config = config
        self._robot = EpisodeReader(root / config.robot)
        names = self._robot.features[_ACTION].names or ()
        expected = get_embodiment(config.robot).action_space.names
        if names != expected:
            raise UnderstudyError(
                f"{self._robot.root}: {_ACTION} is ordered {', '.join(names)}; {config.robot} has {', '.join(expected)}"
            )
        tasks = [self._robot.episode(i).task for i in range(self._robot.num_episodes)]
        count = self._episodes = [i for i in range(len(tasks)) if self._is_for_training(i)]
        if not count:
            raise UnderstudyError(f"{self._robot.root}: no episode that succeeded")
        self.labels: Sequence[str] = sorted(set(tasks))
        """Every label of the data set, sorted."""
        self._label = [self.labels.index(tasks[i]) for i in count]
        actions = [self._robot.column(_ACTION, i) for i in count]
        states = [self._robot.column(_STATE, i) for i in count]
        self.normalisation: Normalisation = fit_normalisation(config.normalisation, [*actions, *states], names)
        """Joint over actions and states."""
        self._actions = [self.normalisation.apply(a) for a in actions]
        self._states = [self.normalisation.apply(s) for s in states]
        self._images = _frames(self._robot, config.image_size)
        self._clips = self._open_clips(root, tasks) if config.prompt_frames else None

    def __len__(self) -> int:
        return len(self._actions)

    @property
    def fps(self) -> float:
        """Control steps per second."""
        return self._robot.fps

    def sample(self, index: int, rng: np.random.Generator) -> Sample:
        """One episode at `num_times` random steps."""
        config, actions, states = self.config, self._actions[index], self._states[index]
        steps = rng.integers(0, len(actions), config.num_times)
        before = past(steps, (config.history, 0))
        ahead, exists = future(steps, config.chunk, len(actions))
        sample: Sample = {
            "images": self._images.episode(self._episodes[index])[before],
            "states": states[before],
            "actions": actions[ahead],
            "exists": exists,
            "path": _float(phases(actions, config.num_phases)),
            "label": np.array(self._label[index], dtype=np.int64),
        }
        if self._clips is not None:
            clip = self._clips.episode(self._episodes[index])
            sample["prompt"] = clip[even_frames(len(clip), config.prompt_frames)]
        return sample

    def _is_for_training(self, index: int) -> bool:
        """Whether it succeeded, as far as the recording says; raises `UnderstudyError` for a sealed split."""
        metadata = self._robot.episode(index).metadata
        split = metadata.get("split", "train")
        if split != "train":
            raise UnderstudyError(f"{self._robot.root}: episode {index} is of the split {split}: not for training")
        return bool(metadata.get("success", True))

    def _open_clips(self, root: Path, tasks: Sequence[str]) -> FrameCache:
        person = EpisodeReader(root / _PERSON)
        if person.num_episodes != len(tasks):
            raise UnderstudyError(
                f"{person.root}: {person.num_episodes} episodes, {self._robot.root} has {len(tasks)}: not paired"
            )
        for index, task in enumerate(tasks):
            ours, theirs = self._robot.episode(index).metadata, person.episode(index)
            if theirs.task != task or theirs.metadata.get("seed") != ours.get("seed"):
                raise UnderstudyError(f"{person.root}: episode {index} is not the pair of {self._robot.root}'s")
        return _frames(person, self.config.image_size)


def _frames(reader: EpisodeReader, size: int) -> FrameCache:
    """Frames at the size of the network; made larger they would be blurred, and those at test time are not."""
    height, width, _ = reader.features[_IMAGES].shape
    if min(height, width) < size:
        raise UnderstudyError(f"{reader.root}: {_IMAGES} is {width}x{height}, the policy needs {size} px: record anew")
    return FrameCache(reader, _IMAGES, size)


def _float(values: Float[np.ndarray, "*B A"]) -> Float[np.ndarray, "*B A"]:
    return np.ascontiguousarray(values, dtype=np.float32)
