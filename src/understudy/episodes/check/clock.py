"""A frame rate that is not the one of the recording: clocks recorded beside the frames disagree with `fps`."""

import json
from collections.abc import Iterator, Sequence

import numpy as np

from understudy.episodes.check.finding import Finding
from understudy.episodes.check.hand_pixels import is_person
from understudy.episodes.check.subject import Subject

__all__ = ["find_wrong_rates"]

_TOLERANCE = 0.05
"""Share by which the usual period may differ from 1 / fps."""
_GAP = 1.5
"""A step of more than this many periods is a gap (dropped frames)."""
_PLAN = "recording.json"


def find_wrong_rates(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Features called `time_s` (or `....time_s`) whose steps are not 1 / fps, or which have gaps or run backwards."""
    for subject in subjects:
        clocks = [name for name in subject.reader.features if name.rpartition(".")[2] == "time_s"]
        for name in () if _thinned(subject) else clocks:
            steps = [np.diff(subject.column(name, index)[:, 0].astype(float)) for index in subject.episodes]
            yield from _look(subject, name, steps)


def _look(subject: Subject, name: str, steps: list[np.ndarray]) -> Iterator[Finding]:
    fps = subject.reader.fps
    usual = np.array([np.median(row) if len(row) else 1 / fps for row in steps])
    off = np.abs(usual * fps - 1) > _TOLERANCE
    if off.sum() > 1 and off.all():  # one fault of the whole data set
        apart = f"{usual.min():.4g} to {usual.max():.4g} s" if np.ptp(usual) > _TOLERANCE / fps else f"{usual[0]:.4g} s"
        message = f"frames are {apart} apart in all episodes, at {fps:g} fps they would be {1 / fps:.4g} s"
        yield Finding("clock", subject.root, None, name, message)
        return
    for index, (row, period) in enumerate(zip(steps, usual, strict=True)):
        message = ""
        if (row <= 0).any():
            message = f"stands still or runs backwards in frame {int(np.argmax(row <= 0)) + 1}"
        elif off[index]:
            message = f"frames are {period:.4g} s apart, at {fps:g} fps they would be {1 / fps:.4g} s"
        elif len(row) and row.max() > _GAP * period:
            place = int(np.argmax(row)) + 1
            message = f"{row.max():.4g} s pass before frame {place}, usually {period:.4g} s: frames are missing"
        if message:
            yield Finding("clock", subject.root, index, name, message)


def _thinned(subject: Subject) -> bool:
    """Whether `understudy record --human-frames` took only some frames of each clip, as its plan beside says."""
    plan = subject.root.parent / _PLAN
    if not is_person(subject) or not plan.is_file():
        return False
    try:
        content = json.loads(plan.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(content, dict) and content.get("human_frames") is not None
