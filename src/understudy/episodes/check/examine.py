"""Runs the checks over data sets that are used together."""

from collections.abc import Callable, Sequence
from pathlib import Path

from understudy.episodes.check import CHECKS
from understudy.episodes.check.detected_hand import find_with_detector
from understudy.episodes.check.file_format import find_format_problems
from understudy.episodes.check.finding import Check, Finding
from understudy.episodes.check.subject import Subject, find_data_sets
from understudy.episodes.problem import BadDataSet
from understudy.errors import BadVideo, UnderstudyError

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
        for subject in subjects:
            findings += _look_for_hands(subject)
    return findings


def _opens(root: Path) -> bool:
    try:
        Subject(root)
    except UnderstudyError:
        return False
    return True


def _run(name: str, check: Check, subjects: list[Subject]) -> list[Finding]:
    """What a check finds; a damaged file ends it for its data set, and the others are still compared."""
    try:
        return list(check(subjects))
    except UnderstudyError:  # tells the file, not in which data set it lies
        alone = {subject: _until_damage(check, subject) for subject in subjects}
    findings = []
    for subject, (found, error) in alone.items():
        if error is not None:
            findings += [*found, _not_looked_at(name, subject, error)]
    return findings + list(check([subject for subject, (_, error) in alone.items() if error is None]))


def _until_damage(check: Check, subject: Subject) -> tuple[list[Finding], UnderstudyError | None]:
    """What a check finds in one data set, and the error that ended it, if one did."""
    found: list[Finding] = []
    try:
        found.extend(check([subject]))
    except UnderstudyError as error:
        return found, error
    return found, None


def _look_for_hands(subject: Subject) -> list[Finding]:
    """What the detector finds; it is slow, so it is not run a second time as `_run` runs checks."""
    found: list[Finding] = []
    try:
        found.extend(find_with_detector([subject]))
    except (BadDataSet, BadVideo) as error:  # but not where the detector itself is missing
        found.append(_not_looked_at("hidden_hand", subject, error))
    return found


def _not_looked_at(name: str, subject: Subject, error: UnderstudyError) -> Finding:
    return Finding(name, subject.root, None, "", f"could not be looked at: {error}")
