"""What a policy is tested on must not be in what it learns from: seeds, layouts and episodes in more than one split.

Three ways to find out: the sealed ranges of this project's seeds; layouts that occur in two splits; and, for any data
set, episodes whose numbers are the same to the last digit. Bodies of one recording share seeds by design, so data sets
are compared with those of the same body.
"""

import hashlib
import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from understudy.episodes.check.finding import Finding
from understudy.episodes.check.subject import Subject
from understudy.episodes.problem import BadDataSet
from understudy.errors import UnderstudyError
from understudy.simulation.seeds import split_of

__all__ = ["find_leaks"]

_Place = tuple[Subject, int]


def find_leaks(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Episodes in a split that their seed does not belong to, and episodes or layouts that occur twice."""
    for subject in subjects:
        yield from _sealed_seeds(subject)
    bodies = sorted({subject.reader.robot_type for subject in subjects})
    for body in bodies:
        alike = [subject for subject in subjects if subject.reader.robot_type == body]
        yield from _repeated(alike)


def _sealed_seeds(subject: Subject) -> Iterator[Finding]:
    """Our own recordings: the seed tells the split, whatever the data set calls it."""
    for index in subject.episodes:
        about = subject.about[index]
        if not _is_ours(about):
            continue
        try:
            sealed = split_of(about["seed"])
        except UnderstudyError:
            message = f"seed {about['seed']} lies in no split"
            yield Finding("leaks", subject.root, index, "metadata.seed", message)
            continue
        named = _split(subject, index)
        if named != sealed:
            message = f"seed {about['seed']} belongs to {sealed}, the episode is in {named}"
            yield Finding("leaks", subject.root, index, "metadata.seed", message)


def _repeated(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Episodes, seeds and layouts that have occurred before, in another data set or another split."""
    seen: dict[Hashable, _Place] = {}
    for subject in subjects:
        unread: dict[int, UnderstudyError] = {}
        for index in subject.episodes:
            try:
                yield from _seen_before(seen, subject, index)
            except BadDataSet as error:  # what is known without the damaged file has been compared by now
                unread[index] = error
        if unread:
            first = min(unread)
            message = f"the numbers of {len(unread)} episodes could not be compared: {unread[first]}"
            yield Finding("leaks", subject.root, first, "", message)


def _seen_before(seen: dict[Hashable, _Place], subject: Subject, index: int) -> Iterator[Finding]:
    for what, key in _identities(subject, index):
        before = seen.setdefault(key, (subject, index))
        apart = before[0] is not subject or _split(*before) != _split(subject, index)
        if before != (subject, index) and (apart or what == "recording"):
            where = f"episode {before[1]} of {before[0].root} ({_split(*before)})"
            message = f"the same {what} as {where}; this one is in {_split(subject, index)}"
            yield Finding("leaks", subject.root, index, "" if what == "recording" else f"metadata.{what}", message)
            return


def _identities(subject: Subject, index: int) -> Iterator[tuple[str, Hashable]]:
    """(what, key) of everything that must not occur twice; the plainest first."""
    about = subject.about[index]
    if _is_ours(about):
        yield "seed", ("seed", json.dumps([about.get("task"), about["seed"]], sort_keys=True))
        # Without its seed: two seeds may give the same layout.
        layout = {key: value for key, value in about["layout"].items() if key != "seed"}
        yield "layout", ("layout", json.dumps([layout, about.get("goal")], sort_keys=True))
    digest, moving = hashlib.sha256(), False
    for name in subject.numbers:
        rows = np.ascontiguousarray(subject.column(name, index))
        digest.update(name.encode() + rows.tobytes())
        moving = moving or bool((np.ptp(rows, axis=0) > 0).any())
    if moving:
        yield "recording", ("recording", digest.hexdigest())


def _is_ours(about: Mapping[str, Any]) -> bool:
    """Whether the metadata are of our recordings; others may call anything a seed or a layout."""
    return isinstance(about.get("seed"), int) and isinstance(about.get("layout"), dict)


def _split(subject: Subject, index: int) -> str:
    """The split that the data set puts an episode in."""
    about = subject.about[index]
    named = next((name for name, places in subject.reader.splits.items() if index in places), "none")
    # Converted recordings keep their split in the metadata only. In our own, what counts is what a learner reads.
    return named if _is_ours(about) else str(about.get("split") or named)
