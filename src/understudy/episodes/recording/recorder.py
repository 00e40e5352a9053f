"""Records a plan: processes make episodes, this one writes them in order."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from understudy.episodes.features import Feature
from understudy.episodes.recording.human_episode import human_features
from understudy.episodes.recording.plan import PERSON, RecordingPlan
from understudy.episodes.recording.recorded import IMAGE
from understudy.episodes.recording.robot_episode import ROBOT_FPS, robot_features
from understudy.episodes.recording.slot import Failure, RecordedSlot, record_slot
from understudy.episodes.writer import EpisodeWriter

__all__ = ["RecordingReport", "record"]

_WAITING_PER_PROCESS = 2
"""Episodes made ahead of the one that is written: more would only fill the memory."""


@dataclass(frozen=True)
class RecordingReport:
    """What came of a recording."""

    episodes: int
    """In each data set."""
    frames: int
    """In all data sets."""
    failures: tuple[Failure, ...]
    """Experts that did not do their task, in the order of their episodes."""


def record(
    plan: RecordingPlan,
    out: Path,
    episodes: int,
    *,
    processes: int = 2,
    advance: Callable[[int], None] = lambda _: None,
) -> RecordingReport:
    """Record the first `episodes` of a plan into `out/EMBODIMENT`, one data set each.

    Args:
        plan: what is recorded.
        out: folder of the data sets.
        episodes: in each data set.
        processes: how many make episodes side by side.
        advance: called with 1 after each episode that is on disk.

    Raises:
        UnderstudyError: a folder that cannot be written, an expert that fails everywhere.
    """
    failures: list[Failure] = []
    frames = 0
    with ExitStack() as stack:
        writers = {name: stack.enter_context(_writer(plan, out, name)) for name in plan.embodiments}
        for recorded in _in_order(plan, episodes, processes):
            for name, writer in writers.items():
                episode = recorded.episodes[name]
                writer.add_episode(episode.columns, {IMAGE: episode.frames}, episode.label)
                frames += len(episode.frames)
            failures += recorded.failures
            advance(1)
    return RecordingReport(episodes, frames, tuple(failures))


def features_of(plan: RecordingPlan, embodiment: str) -> dict[str, Feature]:
    """Columns of one data set of the plan."""
    return human_features(plan) if embodiment == PERSON else robot_features(plan, embodiment)


def _writer(plan: RecordingPlan, out: Path, embodiment: str) -> EpisodeWriter:
    fps = plan.human_fps if embodiment == PERSON else ROBOT_FPS
    return EpisodeWriter(out / embodiment, fps, features_of(plan, embodiment), embodiment)


def _in_order(plan: RecordingPlan, episodes: int, processes: int) -> Iterator[RecordedSlot]:
    """Episodes in the plan's order, made side by side."""
    for variable in ("OMP_NUM_THREADS", "LP_NUM_THREADS"):  # read by a process when it starts
        os.environ.setdefault(variable, "1")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        waiting: deque[Future[RecordedSlot]] = deque()
        try:
            for slot in range(episodes):
                waiting.append(pool.submit(record_slot, plan, slot))
                if len(waiting) > _WAITING_PER_PROCESS * processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
