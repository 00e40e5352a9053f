"""Prompt, imagined video and rollout in one film, each stretched over the same time, so that they can be compared."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from understudy.methods.prompt_frames import prompt_frames
from understudy.perception.video_writer import write_video
from understudy.records import HumanVideo

__all__ = ["SIDE_PX", "write_film"]

SIDE_PX = 256
"""Side of each picture."""
_GAP_PX = 4
_CRF = 23


def write_film(
    path: Path,
    prompt: HumanVideo | None,
    imagined: UInt8[np.ndarray, "T R R 3"] | None,
    rollout: Sequence[UInt8[np.ndarray, "S S 3"]],
    fps: float,
) -> None:
    """Write one film of two or three squares, from left to right: prompt, imagined, rollout; what is None is left out.

    Args:
        path: ends in .mp4.
        prompt: its middle square is shown, at even times.
        imagined: frames of the robot's video at even times.
        rollout: what the robot did; every frame is shown.
        fps: of the rollout [1/s].
    """
    shown = None if prompt is None else prompt_frames(prompt, len(rollout), SIDE_PX)
    columns = [list(frames) for frames in (shown, imagined, rollout) if frames is not None]
    write_video(path, _beside(columns, len(rollout)), fps, _CRF)


def _beside(
    columns: Sequence[Sequence[UInt8[np.ndarray, "_ _ 3"]]], length: int
) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
    gap = np.full((SIDE_PX, _GAP_PX, 3), 255, dtype=np.uint8)
    for index in range(length):
        row = []
        for frames in columns:
            image = frames[min(index * len(frames) // length, len(frames) - 1)]
            kind = cv2.INTER_AREA if image.shape[0] > SIDE_PX else cv2.INTER_CUBIC
            row += [gap, cv2.resize(image, (SIDE_PX, SIDE_PX), interpolation=kind)]
        yield np.concatenate(row[1:], axis=1)
