"""Suites by name: run in parallel, resumable episode by episode, one result file each."""

import multiprocessing
import os
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from types import ModuleType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from understudy.errors import UnknownName
from understudy.evaluation import watch_suite
from understudy.evaluation.result_file import make_report, write_report
from understudy.records import EvalReport

__all__ = ["SUITES", "run_suite"]

SUITES: dict[str, ModuleType] = {"watch": watch_suite}
"""Name -> module with `jobs(episodes, first_seed)`, `run_job(job, folder)` and `summarise(episodes, seed)`."""


def run_suite(
    name: str,
    *,
    episodes: int = 100,
    out: Path = Path("results"),
    runs: Path = Path("runs"),
    first_seed: int | None = None,
    processes: int = 2,
) -> EvalReport:
    """Run suite `name` with `episodes` layouts a task and write `out/<name>.json` and `.md`.

    Finished episodes are kept in `runs/<name>/` and are not run again. The failure labels of every row are printed.
    """
    if name not in SUITES:
        raise UnknownName("suite", name, SUITES)
    suite = SUITES[name]
    todo = suite.jobs(episodes, first_seed)
    results: list[dict] = []
    started = time.monotonic()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with (
        Progress(*columns) as progress,
        ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        bar = progress.add_task(f"evaluate {name}", total=len(todo))
        waiting = [pool.submit(suite.run_job, job, runs / name) for job in todo]
        for finished in as_completed(waiting):
            results += finished.result()
            progress.advance(bar)
    command = f"understudy evaluate {name} --episodes {episodes}"
    if first_seed is not None:
        command += f" --first-seed {first_seed}"
    cells = suite.summarise(results, todo[0][-1])
    finished_s = [path.stat().st_mtime for path in (runs / name).glob("*.json")]
    seconds = max(
        time.monotonic() - started, max(finished_s) - min(finished_s)
    )  # an earlier part of the run counts too
    report = make_report(name, command, seconds / 60, cells)
    write_report(report, out / f"{name}.json")
    for (row, robot, task, failure), count in sorted(Counter(_failure(e) for e in results if not e["success"]).items()):
        progress.console.print(f"{row:10} {robot:14} {task:13} {count:4d}  {failure}")
    return report


def _failure(episode: dict) -> tuple[str, str, str, str]:
    return episode["row"], episode["robot"], episode["task"], episode["failure"]
