# ruff: noqa: E402 - the number of threads must be set before numpy is imported
"""What scripted experts and recorded people reach: every task by everyone who does it, in the same test layouts.

A robot's episode counts by the task's own success test when its expert has finished; the person's by the same test of
the last frame's state. Nothing is rendered but for the contact sheet. Episodes that are done stand in a file of this
commit below `build/`, and the same command goes on from there.

    MUJOCO_GL=egl python benchmarks/experts.py --out results/experts.json
    MUJOCO_GL=egl python benchmarks/experts.py --sheet build/experts.png      (a row for each task and embodiment)
"""

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LP_NUM_THREADS"):
    os.environ[_variable] = "1"

import cv2
import numpy as np

from understudy.evaluation.result_file import make_report, rate_cell, write_report
from understudy.provenance import current_commit
from understudy.simulation.experts import scripted_expert
from understudy.simulation.human import RenderedFrames, record_human
from understudy.simulation.seeds import TEST
from understudy.simulation.tabletop import Tabletop
from understudy.simulation.tasks import TASKS, get_task

PERSON = "human_hand"
EMBODIMENTS = (PERSON, "xarm7_xhand", "xarm7_gripper")
FRAMES, SIZE = 8, 144
"""Of a row of the contact sheet."""

Job = tuple[str, str, int]
"""Task, embodiment, seed."""


def pairs() -> list[tuple[str, str]]:
    """Every task with everyone who does it."""
    return [(name, who) for name, task in TASKS.items() for who in EMBODIMENTS if who in task.embodiments]


def run_episode(job: Job) -> str:
    """Do one episode without rendering; what went wrong, in a word, or empty."""
    task, who, seed = job
    if who == PERSON:
        shown = record_human(task, seed)
        kind = get_task(task)
        reached = [kind.reached(shown.goal, shown.layout, shown.state(i)) for i in range(shown.track.num_frames)]
        ever = tuple(bool(stage) for stage in np.any(reached, axis=0))
        return "" if reached[-1][-1] else kind.failure(shown.goal, shown.layout, shown.final_state, ever)
    table = Tabletop(task, seed, who)
    table.reset(observe=False)
    for count, action in enumerate(scripted_expert(table), 1):
        table.step(action, observe=False)
        if table.lost() or count == table.max_steps:
            break
    return table.failure()


def read_done(path: Path) -> dict[Job, str]:
    """Episodes of an earlier run; a line that was cut off is none."""
    done: dict[Job, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        if line.endswith("]"):
            task, who, seed, failure = json.loads(line)
            done[task, who, seed] = failure
    return done


def run_missing(jobs: list[Job], path: Path, processes: int) -> dict[Job, str]:
    """Do what is not done yet; each result is on disk before the next is waited for."""
    done = read_done(path)
    missing = [job for job in jobs if job not in done]
    path.parent.mkdir(parents=True, exist_ok=True)
    # Forked processes would inherit OpenGL's locks.
    pool_of = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    with pool_of as pool, path.open("a", encoding="utf-8") as file:
        file.write("\n" if path.stat().st_size else "")
        futures = {pool.submit(run_episode, job): job for job in missing}
        for count, future in enumerate(as_completed(futures), 1):
            job = futures[future]
            done[job] = future.result()
            file.write(json.dumps([*job, done[job]]) + "\n")
            file.flush()
            if count % 100 == 0:
                print(f"{count} of {len(missing)} episodes", flush=True)
    return done


def frames_of(task: str, who: str, seed: int) -> Iterator[np.ndarray]:
    """Images evenly over an episode, first and last included."""
    if who == PERSON:
        shown = record_human(task, seed, size=SIZE)
        chosen = np.linspace(0, shown.track.num_frames - 1, FRAMES).round().astype(int)
        yield from RenderedFrames(shown, chosen=tuple(int(i) for i in chosen))
        return
    table = Tabletop(task, seed, who)
    table.reset(observe=False)
    actions = []
    for action in scripted_expert(table):
        table.step(action, observe=False)
        actions.append(action)
        if table.done:
            break
    table.reset(observe=False)
    chosen = np.linspace(0, len(actions), FRAMES).round().astype(int)
    for i in range(len(actions) + 1):
        if i in chosen:
            yield table.render(SIZE)
        if i < len(actions):
            table.step(actions[i], observe=False)
    table.close()


def write_sheet(path: Path, seed: int) -> None:
    """A row of frames for each task and embodiment."""
    rows = []
    for task, who in pairs():
        row = np.concatenate(list(frames_of(task, who, seed)), axis=1)
        text = f"{task}, {who}: {get_task(task).time_limit_s:.0f} s at most"
        cv2.putText(row, text, (6, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1, cv2.LINE_AA)
        rows.append(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.concatenate(rows)[..., ::-1])


def main() -> None:
    """Run, print why episodes failed, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="result file")
    parser.add_argument("--sheet", type=Path, help="image file of the contact sheet; renders one episode of each")
    parser.add_argument("--episodes", type=int, default=200, help="of each task and embodiment")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    begin = time.monotonic()
    if options.sheet:
        write_sheet(options.sheet, TEST.start)
    if not options.out:
        return
    jobs = [(task, who, TEST.start + i) for i in range(options.episodes) for task, who in pairs()]
    path = Path("build") / f"experts-{current_commit()}.jsonl"
    done = run_missing(jobs, path, options.processes)
    cells = []
    for task, who in pairs():
        failures = [done[job] for job in jobs if job[:2] == (task, who)]
        words = Counter(word for word in failures if word)
        print(f"{task:14} {who:14} {failures.count('')}/{len(failures)} {dict(words)}")
        cells.append(rate_cell(who, failures.count(""), len(failures), column=task, robot=who))
    command = f"MUJOCO_GL=egl python benchmarks/experts.py --episodes {options.episodes} --out {options.out}"
    write_report(make_report("experts", command, (time.monotonic() - begin) / 60, cells), options.out)


if __name__ == "__main__":
    main()
