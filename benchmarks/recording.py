# ruff: noqa: E402 - the number of threads must be set before numpy is imported
"""Paired episodes a minute on two cores: everything from the layout to the data set, tracker and retargeting included.

Two processes record pairs as the command does; times are those of the processor, over all processes, starting them
not counted (`cpu_s_per_episode`): what two free cores do in a minute follows, and what others do on the machine at
the same time does not matter. Each row is one pair of embodiments; `quick` is what learners of small images take: no
tracker, no point tracks, 20 frames of the person's clip at 96 px.

    python benchmarks/recording.py --episodes 6 --out results/throughput.json
"""

import argparse
import os
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LP_NUM_THREADS"):
    os.environ[_variable] = "1"

from understudy.episodes.recording.plan import RecordingPlan
from understudy.episodes.recording.recorder import record
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


def processor_s() -> float:
    """Seconds of processor time of this process and of those that it has waited for."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in usage)


def recording_s(plan: RecordingPlan, episodes: int) -> tuple[float, float]:
    """Processor time and wall time of recording so many episodes from nothing [s]."""
    with tempfile.TemporaryDirectory() as folder:
        began = processor_s(), time.monotonic()
        record(plan, Path(folder, "data"), episodes, processes=CORES)
        return processor_s() - began[0], time.monotonic() - began[1]


def main() -> None:
    """Time a short and a longer recording of each plan; their difference is free of what starting costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=6)
    parser.add_argument("--out", type=Path, default=Path("results/throughput.json"))
    arguments = parser.parse_args()
    began_s, cells = time.monotonic(), []
    for row, plan in PLANS.items():
        short_s, _ = recording_s(plan, CORES)
        long_s, wall_s = recording_s(plan, CORES + arguments.episodes)
        each_s = (long_s - short_s) / arguments.episodes
        print(
            f"{row}: {each_s:.1f} s of processor time each; {CORES + arguments.episodes} took {wall_s:.0f} s",
            flush=True,
        )
        cells += [
            EvalCell(row, "episodes_per_minute", 60 * CORES / each_s, n=arguments.episodes),
            EvalCell(row, "cpu_s_per_episode", each_s, n=arguments.episodes),
        ]
    command = f"python benchmarks/recording.py --episodes {arguments.episodes}"
    minutes = (time.monotonic() - began_s) / 60
    merge_cells(arguments.out, make_report("throughput", command, minutes, cells))


if __name__ == "__main__":
    main()
