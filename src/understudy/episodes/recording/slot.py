"""One episode of a plan in all its embodiments, staged for the data sets: the unit of work of a recording process."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from understudy.episodes.features import Feature
from understudy.episodes.recording.human_episode import human_features, record_person
from understudy.episodes.recording.plan import PERSON, ROBOT_FPS, TRIES, RecordingPlan
from understudy.episodes.recording.recorded import IMAGE, RecordedEpisode
from understudy.episodes.recording.robot_episode import record_robot, robot_features
from understudy.episodes.staged_episode import stage_episode
from understudy.errors import UnderstudyError

__all__ = ["Failure", "StagedSlot", "features_of", "fps_of", "stage_slot"]


@dataclass(frozen=True)
class Failure:
    """An expert that did not do its task."""

    task: str
    seed: int
    robot: str
    failure: str
    """Why not, in a word."""


@dataclass(frozen=True)
class StagedSlot:
    """The same layout in the embodiments that were asked for, each in a folder of its own."""

    folders: Mapping[str, Path]
    num_frames: int
    """Over all of them."""
    failures: tuple[Failure, ...]
    """What happened in this seed and in those given up before it."""


def features_of(plan: RecordingPlan, embodiment: str) -> dict[str, Feature]:
    """Columns of one data set of the plan."""
    return human_features(plan) if embodiment == PERSON else robot_features(plan, embodiment)


def fps_of(plan: RecordingPlan, embodiment: str) -> int:
    """Frames a second of one data set of the plan."""
    return plan.human_fps if embodiment == PERSON and not plan.aligned else ROBOT_FPS


def stage_slot(plan: RecordingPlan, slot: int, folders: Mapping[str, Path]) -> StagedSlot:
    """Record episode `slot` of the plan, and stage it in the folders given by embodiment.

    Raises:
        UnderstudyError: the experts failed in every seed of the slot, or a folder cannot be written.
    """
    episodes, failures = _record(plan, slot)
    for name, folder in folders.items():
        episode, features, fps = episodes[name], features_of(plan, name), fps_of(plan, name)
        columns = {column: episode.columns[column] for column in features if column != IMAGE}
        stage_episode(
            folder, fps, features, columns, {IMAGE: episode.frames}, episode.label, episode.metadata, split=plan.split
        )
    return StagedSlot(folders, sum(len(episodes[name].frames) for name in folders), failures)


def _record(plan: RecordingPlan, slot: int) -> tuple[dict[str, RecordedEpisode], tuple[Failure, ...]]:
    """All embodiments in the first seed in which all experts succeed."""
    failures: list[Failure] = []
    for seed in plan.seeds(slot):
        episodes: dict[str, RecordedEpisode] = {}
        for robot in plan.robots:
            episode = episodes[robot] = record_robot(plan, slot, seed, robot)
            if not episode.success:
                failures.append(Failure(plan.task(slot), seed, robot, episode.failure))
                if not plan.keep_failures:
                    break
        else:
            if PERSON in plan.embodiments:
                leader = episodes[plan.robots[0]] if plan.aligned else None
                episodes[PERSON] = record_person(plan, slot, seed, leader)
            return episodes, tuple(failures)
    words = ", ".join(f"seed {failure.seed}: {failure.failure}" for failure in failures)
    raise UnderstudyError(f"{plan.task(slot)}: the expert failed in all {TRIES} seeds of episode {slot} ({words})")
