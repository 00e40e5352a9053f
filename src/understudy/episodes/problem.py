"""What is wrong with a data set: always a file, a field in it and one line."""

from dataclasses import dataclass
from pathlib import Path

from understudy.errors import UnderstudyError

__all__ = ["BadDataSet", "Problem"]


@dataclass(frozen=True)
class Problem:
    """One thing that does not fit the format."""

    file: Path
    field: str
    """Column, key or feature; empty where it is the file as a whole."""
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.file), self.field, self.message) if part)


class BadDataSet(UnderstudyError):
    """A data set that cannot be read; `problem` says what is wrong."""

    def __init__(self, file: Path, field: str, message: str) -> None:
        self.problem = Problem(file, field, message)
        super().__init__(str(self.problem))

    def __reduce__(self) -> tuple[type["BadDataSet"], tuple[Path, str, str]]:
        return BadDataSet, (self.problem.file, self.problem.field, self.problem.message)
