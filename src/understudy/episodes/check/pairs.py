"""Pairs that are none: data sets of one recording whose episodes do not belong together.

Data sets of different bodies in one folder are the halves of pairs, episode by episode. Compared is what they say of
themselves: task, seed and layout; and where pairs are frame-aligned, their duration. What only the pictures tell (the
same layout played wrongly, say) is not seen.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from understudy.episodes.check.finding import Finding
from understudy.episodes.check.subject import Subject

__all__ = ["find_unsynchronised_pairs"]

_COMPARED = ("task", "label", "seed", "axis", "goal", "layout")
_FRAME_SLACK = 1.01
"""Frames (of the slower data set) by which the duration of aligned episodes may differ."""


def find_unsynchronised_pairs(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Episodes whose counterpart in the data set beside is of another task, seed, layout or, if aligned, length."""
    ordered = sorted(subjects, key=lambda subject: (str(subject.root.parent), str(subject.root)))
    for _, group in groupby(ordered, key=lambda subject: subject.root.parent):
        first, *others = group
        for other in others:
            if other.reader.robot_type != first.reader.robot_type:
                yield from _compare(first, other)


def _compare(first: Subject, other: Subject) -> Iterator[Finding]:
    counts = first.reader.num_episodes, other.reader.num_episodes
    if counts[0] != counts[1]:
        message = f"has {counts[1]} episodes, {first.root.name} beside it {counts[0]}"
        yield Finding("pairs", other.root, None, "", message)
    for index in range(min(counts)):
        ours, theirs = first.about[index], other.about[index]
        known = [key for key in _COMPARED if key in ours and key in theirs]
        different = [key for key in known if ours[key] != theirs[key]]
        if first.tasks[index] != other.tasks[index]:
            message = f"is {other.tasks[index]!r}, in {first.root.name} it is {first.tasks[index]!r}"
            yield Finding("pairs", other.root, index, "task", message)
        elif different:
            values = f": {theirs[different[0]]}, not {ours[different[0]]}" if different[0] == "seed" else ""
            message = f"differs from {first.root.name} in {', '.join(different)}{values}"
            yield Finding("pairs", other.root, index, f"metadata.{different[0]}", message)
        elif ours.get("aligned") or theirs.get("aligned"):
            yield from _lengths(first, other, index)


def _lengths(first: Subject, other: Subject, index: int) -> Iterator[Finding]:
    seconds = [(subject.reader.lengths[index] - 1) / subject.reader.fps for subject in (first, other)]
    if abs(seconds[0] - seconds[1]) * min(first.reader.fps, other.reader.fps) > _FRAME_SLACK:
        message = f"takes {seconds[1]:.2f} s, in {first.root.name} {seconds[0]:.2f} s, although the pair is aligned"
        yield Finding("pairs", other.root, index, "length", message)
