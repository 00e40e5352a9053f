"""The moving picture of the README, from a demo folder: a row a task.

From the demo of `kinematic` the tracked person and the robots stand side by side, from that of a trained policy the
films of the right and of the wrong video.

Run `python -m understudy.evaluation.moving_picture demo docs/media/demo.webp` from the project's root.
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from understudy.errors import UnderstudyError
from understudy.evaluation.demo_folder import REPLAY, kind_of_demo
from understudy.perception.video import open_video, read_frames

__all__ = ["moving_picture"]

_CELL = 208
_NUM_FRAMES = 64
_FRAME_MS = 90


def _frames(path: Path) -> list[UInt8[np.ndarray, "H W 3"]]:
    """The video at a height of `_CELL` px, sampled to `_NUM_FRAMES`."""
    video = open_video(path)
    size = (round(video.width * _CELL / video.height), _CELL)
    frames = [cv2.resize(image, size, interpolation=cv2.INTER_AREA) for _, image in read_frames(video)]
    return [frames[round(i)] for i in np.linspace(0, len(frames) - 1, _NUM_FRAMES)]


def _replays(demo: Path) -> list[list[Path]]:
    """Videos of every task: the tracked person, then the robots."""
    tasks = sorted(path.parent for path in demo.glob("*/tracking.mp4"))
    return [[task / "tracking.mp4", *sorted(task.glob("*/rollout.mp4"))] for task in tasks]


def _two_videos(demo: Path) -> list[list[Path]]:
    """Films of every task: under the right video, then under the wrong one.

    Raises:
        UnderstudyError: a demo that was broken off.
    """
    path = demo / "cases.json"
    if not path.is_file():
        raise UnderstudyError(f"{path}: no such file: the demo is not whole; run it again")
    tasks = dict.fromkeys(case["task"] for case in json.loads(path.read_text(encoding="utf-8")))
    return [[demo / f"{task}-{prompt}" / "film.mp4" for prompt in ("right", "wrong")] for task in tasks]


def moving_picture(demo: Path, out: Path) -> None:
    """Write an endless WebP of every task in `demo`.

    Args:
        demo: folder of `understudy demo`.
        out: ends in .webp.

    Raises:
        UnderstudyError: no demo there.
    """
    kind = kind_of_demo(demo)
    if kind is None:
        raise UnderstudyError(f"{demo}: no demo here; run `understudy demo --out {demo}` first")
    rows = [[_frames(path) for path in row] for row in (_replays(demo) if kind == REPLAY else _two_videos(demo))]
    images = [
        Image.fromarray(np.concatenate([np.concatenate([cell[i] for cell in row], axis=1) for row in rows]))
        for i in range(_NUM_FRAMES)
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    images[0].save(out, save_all=True, append_images=images[1:], duration=_FRAME_MS, loop=0, quality=55, method=4)


if __name__ == "__main__":
    moving_picture(Path(sys.argv[1]), Path(sys.argv[2]))
