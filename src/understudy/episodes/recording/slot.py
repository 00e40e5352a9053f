"""One episode of a plan in all its embodiments: the unit of work of a recording process."""

from dataclasses import dataclass

from understudy.episodes.recording.human_episode import record_person
from understudy.episodes.recording.plan import PERSON, TRIES, RecordingPlan
from understudy.episodes.recording.recorded import RecordedEpisode
from understudy.episodes.recording.robot_episode import record_robot
from understudy.errors import UnderstudyError

__all__ = ["Failure", "RecordedSlot", "record_slot"]


@dataclass(frozen=True)
class Failure:
    """An expert that did not do its task."""

    task: str
    seed: int
    robot: str
    failure: str
    """Why not, in a word."""


@dataclass(frozen=True)
class RecordedSlot:
    """The same layout in all embodiments of the plan."""

    seed: int
    episodes: dict[str, RecordedEpisode]
    failures: tuple[Failure, ...]
    """What happened in this seed and in those given up before it."""


def record_slot(plan: RecordingPlan, slot: int) -> RecordedSlot:
    """Record episode `slot` of the plan.

    Raises:
        UnderstudyError: the experts failed in every seed of the slot.
    """
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
                episodes[PERSON] = record_person(plan, slot, seed)
            return RecordedSlot(seed, episodes, tuple(failures))
    words = ", ".join(f"{failure.seed}: {failure.failure}" for failure in failures)
    raise UnderstudyError(f"{plan.task(slot)}: the expert failed in all {TRIES} seeds of episode {slot} ({words})")
