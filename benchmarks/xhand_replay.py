"""The real XHand episodes against our model: joints, limits, conventions and reach, and a replay beside each video.

UNDERSTUDY_DATA=... python benchmarks/xhand_replay.py --out results/xhand_replay.json
"""

import os
import time
from dataclasses import replace
from pathlib import Path

import tyro

from understudy.embodiments.xhand_replay import write_replay
from understudy.errors import UnderstudyError
from understudy.evaluation.result_file import make_report, write_report
from understudy.evaluation.statistics import clopper_pearson

EPISODES = ("episode_0", "episode_50")


def main(out: Path = Path("results/xhand_replay.json"), videos: Path = Path("build/xhand_replay")) -> None:
    """Measure the episodes of $UNDERSTUDY_DATA.

    Args:
        out: result file.
        videos: folder for the replays.
    """
    if not os.environ.get("UNDERSTUDY_DATA"):
        raise UnderstudyError("UNDERSTUDY_DATA is not set: it names the folder that holds robot_xhand/")
    start = time.monotonic()
    folder = Path(os.environ["UNDERSTUDY_DATA"]) / "robot_xhand"
    cells = []
    for cell in write_replay([folder / name for name in EPISODES], videos).cells:
        if cell.k is not None and cell.n is not None:
            low, high = clopper_pearson(cell.k, cell.n)
            cell = replace(cell, low=low, high=high)
        cells.append(cell)
    minutes = (time.monotonic() - start) / 60
    write_report(make_report("xhand_replay", "python benchmarks/xhand_replay.py", minutes, cells), out)


if __name__ == "__main__":
    tyro.cli(main)
