# ruff: noqa: E402 - the number of threads must be set before numpy is imported
"""Paired episodes a minute on two cores: everything from the layout to the data set, tracker and retargeting included.

One process does what the processes of the command do, one episode after another: experts, drawing, tracking, encoding,
adding to the data sets. Times are those of the processor, all threads, without starting and without the first episode,
which compiles: two free cores do twice as much, and what others do on the machine at the same time does not matter
(much). Each row is one pair of embodiments; `quick` is what learners of small images take: no tracker, no point
tracks, 20 frames of the person's clip at 96 px.

    python benchmarks/recording.py --episodes 6 --out results/throughput.json
"""

import argparse
import os
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LP_NUM_THREADS"):
    os.environ[_variable] = "1"

from understudy.episodes.recording.plan import RecordingPlan
from understudy.episodes.recording.slot import features_of, fps_of, stage_slot
from understudy.episodes.writer import EpisodeWriter
from understudy.evaluation.result_file import make_report, merge_cells
from understudy.records import EvalCell

CORES = 2
TASKS = ("pick_place", "push", "press_button")
PAIRED = RecordingPlan(TASKS, ("human_hand", "xarm7_gripper"))
PLANS = {
    "record_xarm7_gripper": PAIRED,
    "record_xarm7_xhand": replace(PAIRED, embodiments=("human_hand", "xarm7_xhand")),
    "record_quick": replace(PAIRED, track=False, points=False, human_size=96, human_frames=20, disturb=0.15),
}


def seconds_each(plan: RecordingPlan, episodes: int) -> float:
    """Processor time of a pair, the first one left out [s]."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        writers = {
            name: stack.enter_context(
                EpisodeWriter.append(Path(folder, name), fps_of(plan, name), features_of(plan, name), name)
            )
            for name in plan.embodiments
        }
        began_s = 0.0
        for slot in range(1 + episodes):
            if slot == 1:
                began_s = time.process_time()
            folders = {name: writer.staging_folder / f"slot-{slot}" for name, writer in writers.items()}
            for name, staged in stage_slot(plan, slot, folders).folders.items():
                writers[name].adopt(staged)
        return (time.process_time() - began_s) / episodes


def main() -> None:
    """Time each plan."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=6)
    parser.add_argument("--out", type=Path, default=Path("results/throughput.json"))
    arguments = parser.parse_args()
    began_s, cells = time.monotonic(), []
    for row, plan in PLANS.items():
        each_s = seconds_each(plan, arguments.episodes)
        print(f"{row}: {each_s:.1f} s of processor time each", flush=True)
        cells += [
            EvalCell(row, "episodes_per_minute", 60 * CORES / each_s, n=arguments.episodes),
            EvalCell(row, "cpu_s_per_episode", each_s, n=arguments.episodes),
        ]
    command = f"python benchmarks/recording.py --episodes {arguments.episodes}"
    minutes = (time.monotonic() - began_s) / 60
    merge_cells(arguments.out, make_report("throughput", command, minutes, cells))


if __name__ == "__main__":
    main()
