"""Training samples of a policy that robots and people teach together, in one shared action space.

A robot's episode has its own actions. A person's has those that the tracker and the retargeting saw in the clip
(`tracked.action.<robot>`), so that a person is one more body whose actions the robot could carry out (video_prompt,
section 3.2). The prompt of either is the person's clip of the same layout.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from understudy.embodiments import get_embodiment
from understudy.episodes.camera_file import camera_from_json
from understudy.episodes.frame_cache import FrameCache
from understudy.episodes.image_shift import ImageShift, random_shift
from understudy.episodes.mixture import Sample
from understudy.episodes.normalisation import Normalisation, NormalisationKind, fit_normalisation
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.scene_things import MOST, SeenEpisode, cached_things
from understudy.episodes.selection import Selection
from understudy.episodes.windows import even_frames, future, past, phases, uneven_frames
from understudy.errors import UnderstudyError
from understudy.geometry.rotations import in_hemisphere
from understudy.records import Camera
from understudy.retargeting.actions import home_action
from understudy.simulation.human_wander import WANDER

__all__ = ["ActedConfig", "ActedWindows"]

_IMAGES, _STATE = "observation.images.front", "observation.state"
_PERSON = "human_hand"
_STEPS_PER_S = 10
"""Control steps of all robots of the tabletop."""
_LEAD = 1
"""A person's action is where the hand is so many control steps later: a robot is told where to go, not where it is."""


@dataclass(frozen=True)
class ActedConfig:
    """What a sample holds, and whose episodes are learned from."""

    robot: str = "xarm7_xhand"
    people: bool = True
    """Learn from people's episodes, too; else from the robot's alone."""
    image_size: int = 96
    """Side of images and of prompts in samples [px]."""
    prompt_frames: int = 0
    """Frames of the person's clip in a sample; 0 leaves it out."""
    num_times: int = 8
    """Windows of one episode in a sample."""
    history: int = 4
    """The earlier of the two images lies so many control steps back."""
    chunk: int = 8
    num_phases: int = 16
    """Rows of the coarse path of the whole episode."""
    normalisation: NormalisationKind = "unit"
    min_valid: float = 0.8
    """A person's episode of which a smaller share of frames could be solved is left out."""
    things: int = 0
    """Things of the acting body's scene in a sample at most; 0 leaves them out. They need camera and tracked hands."""
    shift: int = 0
    """Most that images are shifted by, and places with them, to each side, in 1/32 of the side. It needs the camera."""


@dataclass(frozen=True)
class _Moves:
    """What a body does in one episode, step by step."""

    rows: Int[np.ndarray, " T"]
    """Frames of the clip, one per control step."""
    actions: Float[np.ndarray, "T A"]
    valid: Bool[np.ndarray, " T"]
    """Which actions are known."""
    states: Float[np.ndarray, "T A"]
    """Where the body is, while an action is where it is told to go."""
    known: Bool[np.ndarray, " T"]
    """Which states are."""


@dataclass(frozen=True)
class _Episode:
    """One embodiment's doing in one layout."""

    root: Path
    actor: str
    index: int
    moves: _Moves
    skill: str
    label: str
    camera: Camera | None
    """That its images are of, if it is told."""


class ActedWindows:
    """A `SampleSource`: index = episode of a robot or of a person. It holds

    - `images` (M, 2, S, S, 3) uint8: earlier and present;
    - `actions` (M, K, A): the next targets, normalised; quaternions lie in the hemisphere of the robot's home;
    - `exists` (M, K) bool: false past the end and where the tracker saw nothing; `held` (M, K) bool: false only there,
      for past the end the last action stands in;
    - `states` (M, 2, A): of the acting body as the two images show it, normalised alike, and `known` (M, 2) bool: false
      where the tracker saw nothing, or the data set tells no state;
    - `progress` (M,): share of the episode that is over at the present image, 0 to 1;
    - `steps` () float32: control steps of the episode;
    - `path` (P, A): the actions of the whole episode at P even times, normalised;
    - `things` (K, 4) float32: `NUMBERS` of what stands on the table at first, the widest first, rows without one NaN;
      if asked for;
    - `skill`, `label` () int64: index into `skills` (names of tasks) and `labels`; `person` () bool;
    - `prompt` (N + 1, S, S, 3) uint8: the person's clip of the same layout, then the acting body's first image, which
      tells who is to act; if asked for.
    """

    def __init__(self, roots: Sequence[Path], config: ActedConfig, normalisation: Normalisation | None = None) -> None:
        """Open `root/human_hand` and, where it is there, `root/<robot>` of every root. Roots as in `Selection`.

        People act in the roots that were recorded with the tracker; in others they are prompts alone.
        `normalisation` is one to be kept; by default one is fitted to the data.

        Raises:
            UnderstudyError: a root without people or the chosen episodes, no root with the tracker where people are
                asked for, data sets that are not paired, are of a sealed split or of another action order, or nothing
                to learn from.
        """
        if not 0 <= config.things <= MOST:
            raise UnderstudyError(f"acted.things {config.things}: from 0 to {MOST}")
        self.config = config
        self._home = home_action(get_embodiment(config.robot))
        self._caches: dict[tuple[Path, str], FrameCache] = {}
        chosen = [Selection.of(root) for root in roots]
        found = [episode for selection in chosen for episode in self._open(selection)]
        if config.people and not any(self._tracked(EpisodeReader(some.root / _PERSON)) for some in chosen):
            where = ", ".join(str(some.root / _PERSON) for some in chosen)
            raise UnderstudyError(f"{where}: no {self._tracked_name}: record with --track and the robot {config.robot}")
        if not found:
            raise UnderstudyError(f"{', '.join(map(str, roots))}: no episode to learn from")
        self._episodes = found
        self.skills: Sequence[str] = sorted({episode.skill for episode in found})
        """Every task of the data, sorted."""
        self.labels: Sequence[str] = sorted({episode.label for episode in found})
        """Every label of the data, sorted."""
        names = get_embodiment(config.robot).action_space.names
        rows = [episode.moves.actions[episode.moves.valid] for episode in found]
        self.normalisation = (
            fit_normalisation(config.normalisation, rows, names) if normalisation is None else normalisation
        )
        """Joint over people and robots (A.4)."""
        self._position = [names.index(axis) for axis in "xyz" if axis in names]
        if config.shift and len(self._position) < 3:
            raise UnderstudyError(f"actions of {config.robot} have no x, y and z: set acted.shift=0")
        self._things = self._find_things(config.things) if config.things else None

    def __len__(self) -> int:
        return len(self._episodes)

    @property
    def num_people(self) -> int:
        """How many of the episodes are people's."""
        return sum(episode.actor == _PERSON for episode in self._episodes)

    def clips(self, index: int) -> tuple[Path, str, int]:
        """Recording, embodiment and number of an episode: where its scene is, and its prompt beside it."""
        episode = self._episodes[index]
        return episode.root, episode.actor, episode.index

    def label(self, index: int) -> int:
        """Index of an episode's label into `labels`."""
        return self.labels.index(self._episodes[index].label)

    def _normalised(
        self, rows: Float[np.ndarray, "T A"], shift: ImageShift, episode: _Episode
    ) -> Float[np.ndarray, "T A"]:
        """Actions or states of an episode, their positions where the shift takes them."""
        if shift != ImageShift():
            assert episode.camera is not None, "checked when the data set was opened"
            rows = rows.copy()
            rows[:, self._position] = shift.places(episode.camera, rows[:, self._position].astype(float))
        return self.normalisation.apply(rows)

    def sample(self, index: int, rng: np.random.Generator, shift: ImageShift | None = None) -> Sample:
        """One episode at `num_times` random steps whose own action is known; shifted by chance, or as is said."""
        config, episode = self.config, self._episodes[index]
        if shift is None:
            shift = random_shift(rng, config.shift) if config.shift else ImageShift()
        moves = episode.moves
        actions, states = (self._normalised(rows, shift, episode) for rows in (moves.actions, moves.states))
        steps = rng.choice(np.flatnonzero(moves.valid), config.num_times)
        ahead, inside = future(steps, config.chunk, len(actions))
        seen = past(steps, (config.history, 0))
        frames = self._cache(episode.root, episode.actor).episode(episode.index)
        sample: Sample = {
            "images": shift.images(frames[moves.rows[seen]]),
            "actions": actions[ahead],
            "exists": inside & moves.valid[ahead],
            "held": moves.valid[ahead],
            "states": states[seen],
            "known": moves.known[seen],
            "progress": (steps / max(len(actions) - 1, 1)).astype(np.float32),
            "steps": np.array(len(actions), dtype=np.float32),
            "path": self._path(actions),
            "skill": np.array(self.skill(index), dtype=np.int64),
            "label": np.array(self.label(index), dtype=np.int64),
            "person": np.array(episode.actor == _PERSON),
        }
        if config.things:
            sample["things"] = self._things_of(index, shift)
        if config.prompt_frames:
            clip = self._cache(episode.root, _PERSON).episode(episode.index)
            shown = clip[uneven_frames(len(clip), config.prompt_frames, rng)]
            sample["prompt"] = shift.images(np.concatenate([shown, frames[:1]]))
        return sample

    def _find_things(self, count: int) -> Float32[np.ndarray, "E K 4"]:
        readers = {key: EpisodeReader(key[0] / key[1]) for key in {(some.root, some.actor) for some in self._episodes}}
        seen = [
            SeenEpisode(readers[e.root, e.actor], e.index, self._cache(e.root, e.actor), e.actor == _PERSON)
            for e in self._episodes
        ]
        return cached_things(self.config.robot, seen, count)

    def _things_of(self, index: int, shift: ImageShift) -> Float32[np.ndarray, "K 4"]:
        assert self._things is not None
        things, camera = self._things[index].copy(), self._episodes[index].camera
        if shift != ImageShift():
            assert camera is not None, "checked when the data set was opened"
            # As far as the hand's lowest place moves, so that there it stays where it was from them.
            height = self._episodes[index].moves.actions[:, self._position[2]].min()
            above = np.column_stack([things[:, :2], np.full(len(things), height)]).astype(float)
            things[:, :2] = shift.places(camera, above)[:, :2]
        return things

    def path(self, index: int, shift: ImageShift) -> Float32[np.ndarray, "P A"]:
        """The actions of the whole episode at P even times, normalised."""
        episode = self._episodes[index]
        return self._path(self._normalised(episode.moves.actions, shift, episode))

    def _path(self, actions: Float[np.ndarray, "T A"]) -> Float32[np.ndarray, "P A"]:
        return np.ascontiguousarray(phases(actions, self.config.num_phases), dtype=np.float32)

    def skill(self, index: int) -> int:
        """Index of an episode's task into `skills`."""
        return self.skills.index(self._episodes[index].skill)

    def prompt(self, index: int, count: int) -> UInt8[np.ndarray, "N S S 3"]:
        """The person's clip of that layout at even times."""
        episode = self._episodes[index]
        clip = self._cache(episode.root, _PERSON).episode(episode.index)
        return np.asarray(clip[even_frames(len(clip), count)])

    def _cache(self, root: Path, name: str) -> FrameCache:
        key = root, name
        if key not in self._caches:
            self._caches[key] = FrameCache(EpisodeReader(root / name), _IMAGES, self.config.image_size)
        return self._caches[key]

    def _open(self, selection: Selection) -> list[_Episode]:
        root, person = selection.root, EpisodeReader(selection.root / _PERSON)
        readers = [person] if selection.shows(_PERSON) else []
        if selection.shows(self.config.robot) and (root / self.config.robot).is_dir():
            robot = EpisodeReader(root / self.config.robot)
            if robot.num_episodes != person.num_episodes:
                raise UnderstudyError(
                    f"{robot.root}: {robot.num_episodes} episodes, {person.root} has {person.num_episodes}: not paired"
                )
            readers.append(robot)
        found = []
        for reader in readers:
            self._cache(root, reader.root.name)
            for index in selection.episodes(person):
                episode, theirs = reader.episode(index), person.episode(index)
                if theirs.metadata.get("task") == WANDER:
                    raise UnderstudyError(f"{person.root}: of people without a task ({WANDER}): for video models only")
                if episode.metadata.get("seed") != theirs.metadata.get("seed"):
                    raise UnderstudyError(f"{reader.root}: episode {index} is not the pair of {person.root}'s")
                if (split := episode.metadata.get("split", "train")) != "train":
                    raise UnderstudyError(f"{reader.root}: episode {index} is of the split {split}: not for training")
                if episode.metadata.get("success", True):
                    made = self._of_person(reader, index) if reader is person else self._of_robot(reader, index)
                    found += [made] if made is not None else []
        return found

    @property
    def _tracked_name(self) -> str:
        return f"tracked.action.{self.config.robot}"

    def _tracked(self, reader: EpisodeReader) -> bool:
        return self._tracked_name in reader.features

    def _of_robot(self, reader: EpisodeReader, index: int) -> _Episode:
        actions = self._column(reader, "action", index)
        always = np.ones(len(actions), dtype=bool)
        told = _STATE in reader.features
        states = self._column(reader, _STATE, index) if told else np.zeros_like(actions)
        moves = _Moves(np.arange(len(actions)), actions, always, states, always & told)
        return self._episode(reader, index, moves)

    def _of_person(self, reader: EpisodeReader, index: int) -> _Episode | None:
        if not (self.config.people and self._tracked(reader)):
            return None
        name = self._tracked_name
        stride, rest = divmod(reader.fps, _STEPS_PER_S)
        if rest:
            raise UnderstudyError(f"{reader.root}: {reader.fps} frames a second: must be a multiple of {_STEPS_PER_S}")
        tracked = self._column(reader, name, index)
        valid = reader.column(f"{name}.valid", index).reshape(-1).astype(bool)
        rows = np.arange(0, len(tracked), int(stride))
        told = np.minimum(rows + _LEAD * int(stride), len(tracked) - 1)
        if valid[told].mean() < self.config.min_valid:
            return None
        return self._episode(reader, index, _Moves(rows, tracked[told], valid[told], tracked[rows], valid[rows]))

    def _column(self, reader: EpisodeReader, name: str, index: int) -> Float[np.ndarray, "T A"]:
        names, expected = reader.features[name].names, get_embodiment(self.config.robot).action_space.names
        if names != expected:
            raise UnderstudyError(f"{reader.root}: {name} is ordered {names}; {self.config.robot} has {expected}")
        actions = reader.column(name, index).copy()
        if "qw" in expected:
            four = slice(expected.index("qw"), expected.index("qw") + 4)
            actions[:, four] = in_hemisphere(actions[:, four], self._home[four])
        return actions

    def _episode(self, reader: EpisodeReader, index: int, moves: _Moves) -> _Episode:
        episode = reader.episode(index)
        skill, told = str(episode.metadata.get("task", episode.task)), episode.metadata.get("camera")
        camera = camera_from_json(told, f"{reader.root}: episode {index}: camera") if told else None
        if self.config.shift and (camera is None or camera.T_world_camera is None):
            raise UnderstudyError(
                f"{reader.root}: episode {index} does not tell its camera: images cannot be shifted, set acted.shift=0"
            )
        return _Episode(reader.root.parent, reader.root.name, index, moves, skill, episode.task, camera)
