# ruff: noqa: E402 - the number of threads must be set before numpy is imported
"""Random kills (SIGKILL) of a whole recording, with its processes: what was acknowledged must be there, unharmed.

Pairs of tiny episodes (16 px, person and gripper) are recorded into two data sets by two processes, until after a
random time the process that writes is killed alone (its helpers must end by themselves), or all of them are. Then both
data sets are opened with the reader and the validator, every acknowledged episode is compared with the same one of an
undisturbed recording, and the next run goes on from there.

    python benchmarks/recording_kills.py --kills 40 --out results/faults.json
"""

import argparse
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LP_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np

from understudy.episodes.reader import EpisodeReader
from understudy.episodes.recording.plan import RecordingPlan
from understudy.episodes.recording.recorder import record
from understudy.episodes.validator import find_problems
from understudy.errors import UnderstudyError
from understudy.evaluation.result_file import make_report, merge_cells
from understudy.records import EvalCell

ROW = "record"
PAIR = ("human_hand", "xarm7_gripper")
PLAN = RecordingPlan(
    ("press_button",), PAIR, size=16, human_size=16, human_frames=2, track=False, points=False, disturb=0.15
)
EPISODES = 12
"""Of a round; then the next recording is begun."""
LONGEST_S = 3.0
"""Kills come up to so long after the recording has opened its data sets, or has added one or two episodes."""
COMPRESSION = 8.0
"""Mean difference of two encodings of the same image: converting colours rounds by where an image lies in memory."""
ENDS_WITHIN_S = 30.0
"""Processes that lost their parent must be gone by then."""


def run_until_killed(out: Path) -> None:
    """Record, telling on standard output how many episodes are acknowledged."""

    def tell(done: int) -> None:
        os.write(1, bytes([done]))

    record(PLAN, out, EPISODES, processes=2, advance=tell)


def killed_run(out: Path, episodes: int, after_s: float, everyone: bool) -> tuple[int, bool]:
    """Episodes acknowledged by a recording killed some time after so many, and whether it had come to its end."""
    command = [sys.executable, __file__, "--run", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    told = b""
    while len(told) <= episodes and (part := os.read(pipe, 1)):  # the first says that the data sets are open
        told += part
    if not told:
        raise SystemExit(f"{out}: the recording ended by itself with {process.wait()}")
    ended = True
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        ended = False
        (os.killpg if everyone else os.kill)(process.pid, signal.SIGKILL)
        process.wait()
    while select.select([pipe], [], [], 0)[0] and (part := os.read(pipe, 4096)):
        told += part
    wait_for_helpers(process.pid)
    return told[-1], ended


def wait_for_helpers(group: int) -> None:
    """Until no process of the recording is left."""
    deadline_s = time.monotonic() + ENDS_WITHIN_S
    while time.monotonic() < deadline_s:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.killpg(group, signal.SIGKILL)
    raise SystemExit("a process went on for long without the recording it belonged to")


def harmed(out: Path, reference: Path, acknowledged: int) -> list[str]:
    """Acknowledged episodes that are missing or not those of the undisturbed recording, in either data set."""
    gone = []
    for name in PAIR:
        reader, wanted = EpisodeReader(out / name), EpisodeReader(reference / name)
        gone += [f"{name} {i}" for i in range(acknowledged) if not is_same(reader, wanted, i)]
    return gone


def is_same(reader: EpisodeReader, wanted: EpisodeReader, index: int) -> bool:
    """Whether the episode is there and is the one that was wanted: every number, and images drawn alike."""
    if index >= reader.num_episodes or reader.episode(index) != wanted.episode(index):
        return False
    for name, feature in wanted.features.items():
        if feature.is_video:
            images, others = (source.frames(name, index).astype(int) for source in (reader, wanted))
            drawn, wanted_drawn = (source.episode_statistics(name, index) for source in (reader, wanted))
            if any(not np.array_equal(drawn[key], value) for key, value in wanted_drawn.items()):
                return False
            if images.shape != others.shape or np.abs(images - others).mean() > COMPRESSION:
                return False
        elif not np.array_equal(reader.column(name, index), wanted.column(name, index)):
            return False
    return True


def main() -> None:
    """Kill, look, go on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("results/faults.json"))
    parser.add_argument("--run", type=Path)
    arguments = parser.parse_args()
    if arguments.run is not None:
        run_until_killed(arguments.run)
        return
    began_s, rng = time.monotonic(), random.Random(arguments.seed)
    lost = unreadable = total = kills = rounds = 0
    with tempfile.TemporaryDirectory() as folder:
        reference, acknowledged = Path(folder, "reference"), 0
        record(PLAN, reference, EPISODES, processes=2)
        while kills < arguments.kills:
            out = Path(folder, f"round-{rounds}")
            told, ended = killed_run(out, rng.randint(0, 2), rng.uniform(0, LONGEST_S), rng.random() < 0.5)
            total += max(told - acknowledged, 0)
            acknowledged = max(told, acknowledged)
            kills += not ended
            there = [out / name for name in PAIR if (out / name).exists()]
            try:
                problems: list = [problem for root in there for problem in find_problems(root)]
                gone = harmed(out, reference, acknowledged) if acknowledged and not problems else []
            except UnderstudyError as error:
                problems, gone = [error], []
            unreadable += bool(problems)
            lost += len(gone)
            for trouble in (*problems[:1], *gone):
                print(f"kill {kills}: {trouble}", flush=True)
            if problems or ended or acknowledged == EPISODES:
                rounds, acknowledged = rounds + 1, 0
    minutes = (time.monotonic() - began_s) / 60
    print(f"{kills} kills, {total} episodes acknowledged, {lost} lost, {unreadable} unreadable, {minutes:.1f} min")
    values = {"episodes_lost": lost, "datasets_unreadable": unreadable, "kills": kills, "episodes_acknowledged": total}
    command = f"python benchmarks/recording_kills.py --kills {arguments.kills}"
    cells = [EvalCell(ROW, metric, value) for metric, value in values.items()]
    merge_cells(arguments.out, make_report("faults", command, minutes, cells))


if __name__ == "__main__":
    main()
