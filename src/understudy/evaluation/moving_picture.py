"""The moving picture of the README, from a demo folder: a row a task.

From the demo of `kinematic` the tracked person and the robots stand side by side, from that of a trained policy the
films of the right and of the wrong video.

Run `python -m understudy.evaluation.moving_picture demo docs/media/demo.webp` from the project's root.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from understudy.errors import UnderstudyError
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


def moving_picture(demo: Path, out: Path) -> None:
    """Write an endless WebP of every task in `demo`.

    Args:
        demo: folder of `understudy demo`.
        out: ends in .webp.

    Raises:
        UnderstudyError: no demo there.
    """
    rows = []
    for task in sorted(path.parent for path in demo.glob("*/tracking.mp4")):
        robots = sorted(task.glob("*/rollout.mp4"))
        rows.append([_frames(path) for path in (task / "tracking.mp4", *robots)])
    for right in sorted(demo.glob("*-right/film.mp4")):
        wrong = right.parent.with_name(right.parent.name.replace("-right", "-wrong")) / "film.mp4"
        rows.append([_frames(right), _frames(wrong)])
    if not rows:
        raise UnderstudyError(f"{demo}: no demo here; run `understudy demo --out {demo}` first")
    images = [
        Image.fromarray(np.concatenate([np.concatenate([cell[i] for cell in row], axis=1) for row in rows]))
        for i in range(_NUM_FRAMES)
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    images[0].save(out, save_all=True, append_images=images[1:], duration=_FRAME_MS, loop=0, quality=55, method=4)


if __name__ == "__main__":
    moving_picture(Path(sys.argv[1]), Path(sys.argv[2]))
