# ruff: noqa: E402 - the number of threads must be set before numpy is imported
"""Random kills (SIGKILL) of a process that saves checkpoints in a loop: what was acknowledged must load.

A process saves checkpoints of 8 MB as fast as it can, keeps the newest two, and acknowledges each by its step through a
pipe; after a random time it is killed, most likely within a write, a sync, a rename or a removal. Then every file of a
checkpoint's name must load, with its hash and with the numbers of its step, and the newest must be at least as new as
the last one that was acknowledged. The next process goes on from there. Kills that landed within a write are told by
the folder of parts that they leave.

    python benchmarks/checkpoint_kills.py --kills 100 --out results/faults.json
"""

import argparse
import os
import random
import select
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import torch

from understudy.errors import UnderstudyError
from understudy.evaluation.result_file import make_report, merge_cells
from understudy.records import EvalCell
from understudy.training.checkpoint import Checkpoint, checkpoint_paths, load_checkpoint, remove_parts, save_checkpoint

ROW = "checkpoint"
NUM_TENSORS, NUM_VALUES = 8, 250_000
"""8 x 1 MB of float32."""
LONGEST_S = 0.4
"""Kills come up to so long after the first acknowledgement of a process."""
STEP_BYTES = 4


def tensors_of(step: int) -> dict[str, torch.Tensor]:
    """Numbers that follow from the step."""
    return {f"model.{i}": torch.full((NUM_VALUES,), float(step * NUM_TENSORS + i)) for i in range(NUM_TENSORS)}


def save_for_ever(folder: Path, acknowledge: Callable[[int], None]) -> None:
    """What the process does that is killed."""
    remove_parts(folder)
    paths = checkpoint_paths(folder)
    step = load_checkpoint(paths[-1]).step if paths else 0
    tensors = tensors_of(step)
    while True:
        step += 1
        for i, tensor in enumerate(tensors.values()):
            tensor.fill_(step * NUM_TENSORS + i)
        save_checkpoint(folder, Checkpoint(step, tensors, {"elapsed_s": step / 3}))
        acknowledge(step)


def kill_once(folder: Path, rng: random.Random) -> tuple[int, int]:
    """Start, wait, kill; returns the number of acknowledgements and the last acknowledged step."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            save_for_ever(folder, lambda step: os.write(writing, step.to_bytes(STEP_BYTES, "little")) and None)
        finally:
            os._exit(1)
    os.close(writing)
    select.select([reading], [], [])  # the first acknowledgement, or the end
    time.sleep(rng.uniform(0.0, LONGEST_S))
    os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status):
        raise SystemExit("the process ended by itself: see its error above")
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    steps = [int.from_bytes(said[i : i + STEP_BYTES], "little") for i in range(0, len(said), STEP_BYTES)]
    return len(steps), steps[-1]


def unreadable_files(folder: Path) -> int:
    """Files of a checkpoint's name that do not load, or not with the numbers of their step."""
    count = 0
    for path in checkpoint_paths(folder):
        try:
            checkpoint = load_checkpoint(path)
        except UnderstudyError as error:
            print(error)
            count += 1
            continue
        expected = tensors_of(int(path.stem.removeprefix("step_")))
        right = checkpoint.tensors.keys() == expected.keys() and all(
            torch.equal(checkpoint.tensors[name], value) for name, value in expected.items()
        )
        count += not right
    return count


def main() -> None:
    """Kill, check, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="result file to write to")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    begin = time.perf_counter()
    rng = random.Random(arguments.seed)
    saved = unreadable = lost = within = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(arguments.kills):
            acknowledged, last = kill_once(folder, rng)
            saved += acknowledged
            within += (folder / ".writing").exists()
            unreadable += unreadable_files(folder)
            newest = checkpoint_paths(folder)
            lost += not newest or int(newest[-1].stem.removeprefix("step_")) < last
    counts = {
        "checkpoints_unreadable": unreadable,
        "checkpoints_lost": lost,
        "kills": arguments.kills,
        "kills_within_a_write": within,
        "checkpoints_acknowledged": saved,
    }
    for metric, value in counts.items():
        print(f"{metric:26s} {value}")
    if arguments.out:
        command = f"python benchmarks/checkpoint_kills.py --kills {arguments.kills} --out {arguments.out}"
        minutes = (time.perf_counter() - begin) / 60
        cells = [EvalCell(ROW, metric, value) for metric, value in counts.items()]
        merge_cells(arguments.out, make_report("faults", command, minutes, cells))


if __name__ == "__main__":
    main()
