"""Data sets of one body that do not fit together: other frame rates, sizes, types, or another order of the numbers.

Bodies differ by design, so only data sets of the same body are compared, feature by feature that both have.
"""

from collections.abc import Iterator, Sequence

from understudy.episodes.check.finding import Finding
from understudy.episodes.check.subject import Subject
from understudy.episodes.validator import find_disagreements

__all__ = ["find_mismatched_data_sets"]


def find_mismatched_data_sets(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """What keeps data sets of one body from being used together; the others are compared with the first."""
    for body in sorted({subject.reader.robot_type for subject in subjects}):
        roots = [subject.root for subject in subjects if subject.reader.robot_type == body]
        for problem in find_disagreements(roots):
            yield Finding("disagreements", problem.file, None, problem.field, problem.message)
