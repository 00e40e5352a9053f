"""One thing about a data set that trips people."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from understudy.episodes.check.subject import Subject

__all__ = ["Check", "Finding"]


@dataclass(frozen=True)
class Finding:
    """What is wrong, and where."""

    check: str
    """Name of the check that found it."""
    file: Path
    """The data set, or the file in it."""
    episode: int | None
    """None: the data set as a whole."""
    field: str
    """Column, video or key; empty where it is none."""
    message: str

    def as_json(self) -> dict:
        """Plain words and numbers."""
        return asdict(self) | {"file": str(self.file)}


Check = Callable[[Sequence[Subject]], Iterator[Finding]]
"""Looks at data sets that are used together and yields what it finds; most checks look at each alone."""
