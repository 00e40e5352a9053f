# ruff: noqa: E402 - the number of threads must be set before numpy is imported
"""Random frames from a data set of ours (96 px, H.264, a key frame every second frame), one core, one at a time.

Every frame carries its number in the data set as 16 blocks of 8x8 px, black or white, over a picture that moves; the
blocks survive compression, so that a wrong frame is seen. Times are those of the processor, reading alone: other
processes and the comparison do not count. The row `frame_cache` reads the same frames from the decoded cache.

    python benchmarks/frames.py --reads 100000 --out results/throughput.json
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np

from understudy.episodes.features import scalar, video
from understudy.episodes.frame_cache import FrameCache
from understudy.episodes.layout import Limits
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.writer import EpisodeWriter
from understudy.evaluation.result_file import make_report, merge_cells
from understudy.records import EvalCell

SIZE, BLOCK, NUM_BITS = 96, 8, 16
FPS, IMAGE = 10, "observation.images.front"
NUM_EPISODES, SHORTEST, LONGEST = 200, 60, 140
"""Lengths are random between these [frames], odd ones among them."""
LIMITS = Limits(video_mb=4)
"""Several video files, so that readers must change between them."""


def picture(number: int, background: np.ndarray) -> np.ndarray:
    """A frame that carries its number, one bit a block, least first, in two rows of eight."""
    frame = np.roll(background, 2 * number, axis=1)
    bits = (number >> np.arange(NUM_BITS) & 1).reshape(2, -1).astype(np.uint8)
    frame[: 2 * BLOCK, : BLOCK * NUM_BITS // 2] = bits.repeat(BLOCK, 0).repeat(BLOCK, 1)[..., None] * 255
    return frame


def number_in(frame: np.ndarray) -> int:
    """The number that a frame carries."""
    blocks = frame[: 2 * BLOCK, : BLOCK * NUM_BITS // 2].reshape(2, BLOCK, -1, BLOCK, 3).mean((1, 3, 4))
    return int(((blocks.ravel() > 127).astype(np.int64) << np.arange(NUM_BITS)).sum())


def write_data_set(root: Path, rng: np.random.Generator) -> None:
    """A data set whose frames are numbered through."""
    background = rng.integers(0, 256, (12, 12, 3)).repeat(BLOCK, 0).repeat(BLOCK, 1).astype(np.uint8)
    with EpisodeWriter(root, FPS, {"action": scalar("float32"), IMAGE: video(SIZE, SIZE)}, "robot", limits=LIMITS) as w:
        first = 0
        for length in rng.integers(SHORTEST, LONGEST, NUM_EPISODES):
            numbers = range(first, first + int(length))
            frames: Iterator[np.ndarray] = (picture(number, background) for number in numbers)
            w.add_episode({"action": np.zeros(len(numbers))}, {IMAGE: frames}, "count")
            first += len(numbers)


def measure(
    read: Callable[[int, int], np.ndarray], lengths: np.ndarray, reads: int, rng: np.random.Generator
) -> tuple[float, int]:
    """Frames a second and number of wrong frames over random reads `read(episode, place)`."""
    starts = np.cumsum(lengths) - lengths
    numbers = rng.integers(0, lengths.sum(), reads)
    episodes = np.searchsorted(starts, numbers, side="right") - 1
    seconds, wrong = 0.0, 0
    for episode, number in zip(episodes.tolist(), numbers.tolist(), strict=True):
        place = number - int(starts[episode])
        began_s = time.process_time()
        frame = read(episode, place)
        seconds += time.process_time() - began_s
        wrong += number_in(frame) != number
    return reads / seconds, wrong


def main() -> None:
    """Write, read, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=100_000)
    parser.add_argument("--out", type=Path, default=Path("results/throughput.json"))
    arguments = parser.parse_args()
    began_s, rng = time.monotonic(), np.random.default_rng(0)
    cells = []
    with tempfile.TemporaryDirectory() as folder:
        write_data_set(Path(folder, "data"), rng)
        reader = EpisodeReader(Path(folder, "data"))
        lengths = np.array(reader.lengths)
        cache = FrameCache(reader, IMAGE, SIZE, Path(folder, "cache"))
        ways = {
            "episode_reader": lambda episode, place: reader.frames(IMAGE, episode, [place])[0],
            "frame_cache": lambda episode, place: np.array(cache.episode(episode)[place]),
        }
        for row, read in ways.items():
            rate, wrong = measure(read, lengths, arguments.reads, rng)
            print(f"{row}: {rate:.0f} frames a second, {wrong} of {arguments.reads} wrong", flush=True)
            cells += [EvalCell(row, "frames_per_s", round(rate, 1)), EvalCell(row, "wrong_frames", wrong)]
    minutes = (time.monotonic() - began_s) / 60
    command = f"python benchmarks/frames.py --reads {arguments.reads}"
    merge_cells(arguments.out, make_report("throughput", command, minutes, cells))


if __name__ == "__main__":
    main()
