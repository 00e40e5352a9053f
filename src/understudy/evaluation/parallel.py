"""Jobs side by side in processes that have one thread each, and that end when the process that started them does."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import TypeVar

from understudy.errors import UnderstudyError

__all__ = ["run_parallel"]

Work = TypeVar("Work")
Result = TypeVar("Result")

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "LP_NUM_THREADS")
"""NumPy, PyTorch, Numba and the software renderer read these when they are loaded."""
_KILLED = "a worker process was killed (out of memory, or a fault of a native library?)"


def run_parallel(function: Callable[[Work], Result], jobs: Sequence[Work], processes: int) -> Iterator[Result]:
    """Results in the order in which jobs finish.

    A process that is killed, or ended by a fault of a library, takes those beside it along: what they had not finished
    is begun anew in other processes, as long as jobs are finished between one such end and the next.

    Args:
        function: of a module, so that a new process can import it; a job may be given to it again.
        jobs: handed to it one by one.
        processes: how many run side by side; 0 runs the jobs in this process, with the threads that it has.

    Raises:
        UnderstudyError: what a job raises, or that a process was killed before any job was finished since the last
            such end. Jobs that run are then stopped, too.
    """
    if processes < 0:
        raise UnderstudyError(f"{processes} processes: needs at least 1, or 0 to work in this one")
    if processes == 0:
        yield from map(function, jobs)
        return
    left = list(jobs)
    while left:
        finished: set[int] = set()
        try:
            for index, result in _in_one_pool(function, left, processes):
                finished.add(index)
                yield result
        except BrokenProcessPool as error:
            if not finished:
                raise UnderstudyError(f"{_KILLED}; what is finished is kept") from error
            print(f"{_KILLED}: what it had not finished is begun anew", file=sys.stderr)
        left = [job for index, job in enumerate(left) if index not in finished]


def _in_one_pool(
    function: Callable[[Work], Result], jobs: Sequence[Work], processes: int
) -> Iterator[tuple[int, Result]]:
    """Number of a job and its result; raises BrokenProcessPool if a process ends before it should."""
    others = set(multiprocessing.active_children())
    with _environment():
        pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _end_with_parent)
        waiting = {pool.submit(function, job): index for index, job in enumerate(jobs)}
    finished = False
    try:
        for future in as_completed(waiting):
            yield waiting[future], future.result()
        finished = True
    except BrokenProcessPool:
        pool.shutdown(wait=True)  # whoever goes on must not meet one that still writes
        raise
    finally:
        pool.shutdown(wait=finished, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - others if not finished else ():
            child.terminate()


@contextmanager
def _environment() -> Iterator[None]:
    """Settings that processes started in this block inherit."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _end_with_parent() -> None:
    """Runs first in a worker. Ctrl-C is the parent's to handle; if the parent is killed, nobody else would stop us."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        sys.stderr.flush()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
