"""What a control step costs beside the physics in it: control steps a second x substeps over raw `mj_step`.

Scripted experts do tasks without rendering. Before each control step of `Tabletop.step(action, observe=False)` the same
number of `mj_step`, in C and under a constant command, runs from the same state and is undone: both meet the same
contacts, turn and turn about. Times are those of the thread's processor, so that other processes do not count as such;
an episode's ratio is that of its sums. Cells: the median over episodes for each robot and task, then over all.

    MUJOCO_GL=egl python benchmarks/step_ratio.py --out results/throughput.json
"""

import argparse
import time
from pathlib import Path

import mujoco
import numpy as np

from understudy.evaluation.result_file import make_report, merge_cells
from understudy.records import EvalCell
from understudy.simulation.controller import CONTROL_DT_S
from understudy.simulation.experts import scripted_expert
from understudy.simulation.seeds import VALIDATION
from understudy.simulation.tabletop import Tabletop
from understudy.simulation.tasks import TASKS

ROBOTS = ("xarm7_gripper", "xarm7_xhand")
STATE = mujoco.mjtState.mjSTATE_INTEGRATION
FIRST_SEED = VALIDATION.start + 700_000


def episode_seconds(task: str, seed: int, robot: str) -> tuple[float, float, int]:
    """Seconds in our steps, seconds in raw steps, control steps."""
    table = Tabletop(task, seed, robot)
    table.reset(observe=False)
    model, data = table.scene.model, table.data
    substeps = round(CONTROL_DT_S / model.opt.timestep)
    state = np.zeros(mujoco.mj_stateSize(model, STATE))
    ours = raw = 0.0
    count = 0
    for action in scripted_expert(table):
        mujoco.mj_getState(model, data, state, STATE)
        start = time.thread_time()
        mujoco.mj_step(model, data, substeps)
        raw += time.thread_time() - start
        mujoco.mj_setState(model, data, state, STATE)
        start = time.thread_time()
        table.step(action, observe=False)
        ours += time.thread_time() - start
        count += 1
        if table.lost() or count == table.max_steps:
            break
    return ours, raw, count


def main() -> None:
    """Measure, and put the cells into the result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="result file; other cells of it are kept")
    parser.add_argument("--episodes", type=int, default=10, help="of each robot and task")
    options = parser.parse_args()
    begin = time.monotonic()
    cells, ratios, rates = [], [], []
    for robot in ROBOTS:
        for name in [name for name, task in TASKS.items() if robot in task.embodiments]:
            episode_seconds(name, FIRST_SEED, robot)  # compiled code is loaded, memory is warm
            runs = [episode_seconds(name, FIRST_SEED + i, robot) for i in range(options.episodes)]
            ratios += [raw / ours for ours, raw, _ in runs]
            rates += [count / ours for ours, _, count in runs]
            own = float(np.median(ratios[-len(runs) :]))
            cells.append(EvalCell(robot, "step_ratio", round(own, 3), column=name, robot=robot, n=len(runs)))
            print(f"{robot} {name}: {own:.3f}", flush=True)
    cells.append(EvalCell("all", "step_ratio", round(float(np.median(ratios)), 3), n=len(ratios)))
    cells.append(EvalCell("all", "control_steps_per_s", round(float(np.median(rates)), 1), n=len(rates)))
    print(f"all: {np.median(ratios):.3f}, {np.median(rates):.0f} control steps a second")
    command = f"MUJOCO_GL=egl python benchmarks/step_ratio.py --episodes {options.episodes} --out {options.out}"
    merge_cells(options.out, make_report(options.out.stem, command, (time.monotonic() - begin) / 60, cells))


if __name__ == "__main__":
    main()
