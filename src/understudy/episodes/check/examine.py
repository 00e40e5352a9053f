"""Runs the checks over data sets that are used together."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from understudy.episodes.check import CHECKS
from understudy.episodes.check.detected_hand import find_with_detector
from understudy.episodes.check.file_format import find_format_problems
from understudy.episodes.check.finding import Finding
from understudy.episodes.check.subject import Subject, find_data_sets
from understudy.errors import UnderstudyError

__all__ = ["examine"]


def examine(
    paths: Sequence[Path],
    *,
    decode: bool = True,
    detect_hands: bool = False,
    progress: Callable[[str], None] = lambda what: None,
) -> list[Finding]:
    """Everything that trips people in these data sets, in the order of the checks; empty if they are clean.

    Args:
        paths: data sets, or folders with some directly below; all are taken as used together.
        decode: also decode every frame of every video.
        detect_hands: run the hand detector where nothing else tells whether a hand is seen (extra `hands`).
        progress: called with what is being done, in words.

    Raises:
        UnderstudyError: a path without a data set, or the detector is not installed.
    """
    roots = list(dict.fromkeys(root for path in paths for root in find_data_sets(path)))
    findings: list[Finding] = []
    for root in roots:
        progress(f"reading {root}")
        findings += find_format_problems(root, decode=decode)
    # A data set that cannot be read has its line by now; the others are examined all the same.
    unreadable = {root for root in roots if not _opens(root)}
    subjects = [Subject(root) for root in roots if root not in unreadable]
    for name, check in CHECKS.items():
        progress(f"looking for {name.replace('_', ' ')}")
        findings += _run(name, check, subjects)
    if detect_hands:
        progress("detecting hands")
        findings += find_with_detector(subjects)
    return findings


def _opens(root: Path) -> bool:
    try:
        Subject(root)
    except UnderstudyError:
        return False
    return True


def _run(name: str, check: Callable[[Sequence[Subject]], Iterator[Finding]], subjects: list[Subject]) -> list[Finding]:
    """What a check finds; a damaged file ends it for the data set, not for the others."""
    try:
        return list(check(subjects))
    except UnderstudyError as error:
        if len(subjects) > 1:
            return [finding for subject in subjects for finding in _run(name, check, [subject])]
        return [Finding(name, subjects[0].root, None, "", f"could not be looked at: {error}")]
