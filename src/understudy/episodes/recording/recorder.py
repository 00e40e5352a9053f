"""Records a plan: processes make and stage episodes, this one puts them into the data sets in order.

What is in a data set when `advance` is called stays there, whatever is killed afterwards; the same call goes on from
there. Data sets of one recording differ by at most one episode in between.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from understudy.episodes.recording.plan import MOST_EPISODES, RecordingPlan
from understudy.episodes.recording.plan_file import claim_folder
from understudy.episodes.recording.slot import Failure, StagedSlot, features_of, fps_of, stage_slot
from understudy.episodes.writer import EpisodeWriter
from understudy.errors import UnderstudyError

__all__ = ["RecordingReport", "record"]

_WAITING_PER_PROCESS = 2
"""Episodes made ahead of the one that is written: more would only fill the disk."""


@dataclass(frozen=True)
class RecordingReport:
    """What came of a recording."""

    episodes: int
    """In each data set."""
    new_episodes: int
    """Of this call."""
    new_frames: int
    """Of this call, in all data sets."""
    failures: tuple[Failure, ...]
    """Experts that did not do their task in this call, in the order of their episodes."""


def record(
    plan: RecordingPlan,
    out: Path,
    episodes: int,
    *,
    processes: int = 2,
    advance: Callable[[int], None] = lambda done: None,
) -> RecordingReport:
    """Record the first `episodes` of a plan into `out/EMBODIMENT`, one data set each; what is there is kept.

    Args:
        plan: what is recorded.
        out: folder of the data sets: new, empty, or of the same plan.
        episodes: in each data set.
        processes: how many make episodes side by side.
        advance: called with the number of episodes that are on disk in all data sets, at the start and after each one.

    Raises:
        UnderstudyError: the folder holds something else, cannot be written or is being written; an expert fails in
            every seed of an episode; a process was killed.
    """
    if not 1 <= episodes <= MOST_EPISODES:
        raise UnderstudyError(f"{episodes} episodes: must lie in 1 to {MOST_EPISODES}")
    if processes < 1:
        raise UnderstudyError(f"{processes} processes: must be at least 1")
    claim_folder(out, plan)
    failures: list[Failure] = []
    frames = 0
    with ExitStack() as stack:
        writers = {name: stack.enter_context(_writer(plan, out, name)) for name in plan.embodiments}
        done = first = min(writer.num_episodes for writer in writers.values())
        advance(done)
        # Closed before the writers, also by an error of theirs: no process outlives this call.
        made = stack.enter_context(closing(_in_order(plan, range(first, episodes), writers, processes)))
        for staged in made:
            for name, folder in staged.folders.items():
                writers[name].adopt(folder)
            done += 1
            frames += staged.num_frames
            failures += staged.failures
            advance(done)
    return RecordingReport(done, done - first, frames, tuple(failures))


def _writer(plan: RecordingPlan, out: Path, embodiment: str) -> EpisodeWriter:
    return EpisodeWriter.append(out / embodiment, fps_of(plan, embodiment), features_of(plan, embodiment), embodiment)


def _in_order(
    plan: RecordingPlan, slots: range, writers: Mapping[str, EpisodeWriter], processes: int
) -> Generator[StagedSlot, None, None]:
    """Staged episodes in the plan's order, made side by side; only of the data sets that do not have them yet."""
    if not slots:
        return
    for variable in ("OMP_NUM_THREADS", "LP_NUM_THREADS"):  # read by a process when it starts
        os.environ.setdefault(variable, "1")
    there = {name: writer.num_episodes for name, writer in writers.items()}
    strangers = set(multiprocessing.active_children())
    waiting: deque[Future[StagedSlot]] = deque()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_follow_parent) as pool:
        try:
            for slot in slots:
                folders = {
                    name: writer.staging_folder / f"slot-{slot:06d}"
                    for name, writer in writers.items()
                    if there[name] <= slot
                }
                waiting.append(pool.submit(stage_slot, plan, slot, folders))
                if len(waiting) > _WAITING_PER_PROCESS * processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise UnderstudyError(
                "a recording process was killed, perhaps for lack of memory: the same command goes on from here"
            ) from error
        finally:
            if waiting:  # stopped before the end: nobody wants what is being made
                for process in set(multiprocessing.active_children()) - strangers:
                    process.terminate()
                pool.shutdown(cancel_futures=True)


def _follow_parent() -> None:
    """A recording process leaves Ctrl-C to its parent, and ends with it, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
