"""The format itself: every file there, of its version, finite, with right statistics and times; see `validator`."""

from collections.abc import Iterator
from pathlib import Path

from understudy.episodes.check.finding import Finding
from understudy.episodes.validator import find_problems

__all__ = ["find_format_problems"]

_STATISTICS = "stats.json"


def find_format_problems(root: Path, *, decode: bool) -> Iterator[Finding]:
    """What the validator says about a data set, named by kind: `not_finite`, `statistics`, `clock` or `format`.

    Args:
        root: folder of the data set; it need not be readable.
        decode: also decode every frame of every video.
    """
    for problem in find_problems(root, decode=decode):
        kind = "format"
        if problem.message.startswith("is not finite"):
            kind = "not_finite"
        elif problem.file.name == _STATISTICS:
            kind = "statistics"
        elif problem.field == "timestamp":
            kind = "clock"
        yield Finding(kind, problem.file, None, problem.field, problem.message)
