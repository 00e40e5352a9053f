"""A frame rate that is not the one of the recording: clocks recorded beside the frames disagree with `fps`."""

from collections.abc import Iterator, Sequence

import numpy as np

from understudy.episodes.check.finding import Finding
from understudy.episodes.check.subject import Subject

__all__ = ["find_wrong_rates"]

_TOLERANCE = 0.05
"""Share by which the mean period may differ from 1 / fps."""
_GAP = 1.5
"""A step of more than this many periods is a gap (dropped frames)."""


def find_wrong_rates(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Features called `time_s` (or `....time_s`) whose steps are not 1 / fps, or which have gaps or run backwards."""
    for subject in subjects:
        clocks = [name for name in subject.reader.features if name.rpartition(".")[2] == "time_s"]
        for name in clocks:
            for index in subject.episodes:
                steps = np.diff(subject.column(name, index)[:, 0].astype(float))
                if not len(steps):
                    continue
                message = _complaint(steps, subject.reader.fps)
                if message:
                    yield Finding("clock", subject.root, index, name, message)


def _complaint(steps: np.ndarray, fps: float) -> str:
    if (steps <= 0).any():
        return f"stands still or runs backwards in frame {int(np.argmax(steps <= 0)) + 1}"
    usual = float(np.median(steps))
    if abs(usual * fps - 1) > _TOLERANCE:
        return f"frames are {usual:.4g} s apart, at {fps:g} fps they would be {1 / fps:.4g} s"
    if steps.max() > _GAP * usual:
        place = int(np.argmax(steps)) + 1
        return f"{steps.max():.4g} s pass before frame {place}, usually {usual:.4g} s: frames are missing"
    return ""
