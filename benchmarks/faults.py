# ruff: noqa: E402 - the number of threads must be set before numpy is imported
"""Random kills (SIGKILL) of a process that adds episodes to a data set: what was acknowledged must be there, unharmed.

A process opens a data set, adds a few tiny episodes (16 px, 4 frames) and finalizes, again and again; after a random
time it is killed, wherever it is: opening, encoding, inside a commit, joining files. Then the data set is opened with
the reader and the validator, every acknowledged episode is compared with what was given, and a new process goes on
where the last one was.

    python benchmarks/faults.py --kills 500 --out results/faults.json
"""

import argparse
import os
import random
import select
import shutil
import signal
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np

from understudy.episodes.features import scalar, vector, video
from understudy.episodes.layout import Limits
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.validator import find_problems
from understudy.episodes.writer import EpisodeWriter
from understudy.errors import UnderstudyError
from understudy.evaluation.result_file import make_report, merge_cells
from understudy.records import EvalCell

ROW = "writer_append"
FPS, SIZE, LENGTH = 10, 16, 4
IMAGE = "observation.images.front"
FEATURES = {
    "action": vector(("x", "y", "z"), mask="action.valid"),
    "action.valid": scalar("bool"),
    IMAGE: video(SIZE, SIZE),
}
LIMITS = Limits(data_mb=0.02, video_mb=0.02, files_per_chunk=4)
"""Small, so that joining makes several files and chunks."""
EPISODES_OF_A_ROUND = 40
"""Then the next data set is begun: the whole of it is checked after each kill."""
LONGEST_S, LONGEST_WAIT_S = 0.4, 0.03
"""Kills come up to so long after the process has begun: so much of its processor time, and then so much time [s]."""


def episode(index: int) -> tuple[dict, np.ndarray]:
    """Numbers and frames of an episode; they follow from its index."""
    rng = np.random.default_rng(index)
    frames = np.repeat(rng.integers(0, 256, (LENGTH, 2, 2, 3)), SIZE // 2, axis=1).repeat(SIZE // 2, axis=2)
    data = {"action": rng.normal(size=(LENGTH, 3)).astype(np.float32), "action.valid": np.arange(LENGTH) != index % 4}
    return data, frames.astype(np.uint8)


def record(root: Path, acknowledge: int, seed: int) -> None:
    """Add episodes for ever, telling each one's index when it is acknowledged."""
    rng = random.Random(seed)
    while True:
        writer = EpisodeWriter.append(root, FPS, FEATURES, "robot", limits=LIMITS)
        for _ in range(rng.randint(1, 4)):
            index = writer.num_episodes
            data, frames = episode(index)
            writer.add_episode(data, {IMAGE: frames}, f"task {index % 3}", {"index": index})
            os.write(acknowledge, index.to_bytes(4, "little"))
        writer.finalize()


def killed_run(root: Path, after_s: float, seed: int) -> list[int]:
    """Indices that were acknowledged by a recording process killed after that time."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            record(root, writing, seed)
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    os.close(writing)
    clock = (~child << 3) | 2  # Linux: the processor time of another process, so that a busy machine changes nothing
    while time.clock_gettime(clock) < after_s:
        time.sleep(0.002)
        if os.waitpid(child, os.WNOHANG) != (0, 0):
            raise SystemExit(f"{root}: the recording process ended by itself")
    time.sleep(random.Random(seed).uniform(0, LONGEST_WAIT_S))  # it may also be waiting for the disk
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told = b""
    while select.select([reading], [], [], 0)[0] and (part := os.read(reading, 65536)):
        told += part
    os.close(reading)
    return np.frombuffer(told, dtype="<u4").tolist()


def is_whole(reader: EpisodeReader, index: int) -> bool:
    """Whether the episode is there and is what was given."""
    if index >= reader.num_episodes:
        return False
    data, frames = episode(index)
    told = reader.episode(index)
    return (
        (told.task, told.length, told.metadata) == (f"task {index % 3}", LENGTH, {"index": index})
        and all(np.array_equal(reader.column(name, index).reshape(v.shape), v) for name, v in data.items())
        and float(np.abs(reader.frames(IMAGE, index).astype(int) - frames).mean()) < 12
    )


def look(root: Path, acknowledged: list[int]) -> tuple[list[int], list[str]]:
    """Acknowledged episodes that are not there or not what was given, and what is wrong with the data set."""
    try:
        reader = EpisodeReader(root)
        problems = [str(problem) for problem in find_problems(root)]
    except UnderstudyError as error:
        return [], [str(error)]
    return [index for index in acknowledged if not is_whole(reader, index)], problems


def kill_and_look(folder: Path, kills: int, seed: int) -> Counter:
    """Count kills, acknowledged episodes, lost ones and unreadable data sets."""
    rng, counts = random.Random(seed), Counter(episodes_lost=0, datasets_unreadable=0)
    root, acknowledged = folder / "data", list[int]()
    for kill in range(kills):
        if len(acknowledged) >= EPISODES_OF_A_ROUND:
            shutil.rmtree(root)
            acknowledged = []
        new = killed_run(root, rng.uniform(0, LONGEST_S), rng.getrandbits(32))
        acknowledged += new
        counts.update(kills=1, episodes_acknowledged=len(new))
        if not acknowledged and not root.exists():
            continue
        lost, problems = look(root, acknowledged)
        if lost or problems:
            print(f"kill {kill}: lost {lost}; {'; '.join(problems)}", flush=True)
        counts.update(episodes_lost=len(lost), datasets_unreadable=bool(problems))
        if problems:
            shutil.rmtree(root, ignore_errors=True)
            acknowledged = []
        else:  # an episode may be committed and its process killed before it could say so
            acknowledged = list(range(EpisodeReader(root).num_episodes))
    return counts


def main() -> None:
    """Kill, look, go on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("results/faults.json"))
    arguments = parser.parse_args()
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        counts = kill_and_look(Path(folder), arguments.kills, arguments.seed)
    cells = [EvalCell(ROW, metric, value) for metric, value in counts.items()]
    print(", ".join(f"{cell.metric} {cell.value}" for cell in cells))
    command = f"python benchmarks/faults.py --kills {arguments.kills}"
    merge_cells(arguments.out, make_report("faults", command, (time.monotonic() - began_s) / 60, cells))


if __name__ == "__main__":
    main()
