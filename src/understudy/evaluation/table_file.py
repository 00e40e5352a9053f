"""The result file of a suite: one table a file. Rows of another run join it only if they were measured alike."""

import shlex
from collections.abc import Collection
from pathlib import Path

from understudy.errors import UnderstudyError
from understudy.evaluation.result_file import commands_of, merge_cells, read_report
from understudy.evaluation.suites import Suite
from understudy.records import EvalCell, EvalReport
from understudy.simulation.seeds import TEST, split_of

__all__ = ["refuse_other_table", "table_name", "write_table"]

_OF_ROWS = ("policy", "robots", "row-episodes", "row-prompts")
"""Options that say which rows a run is about; all others are of the whole table."""


def table_name(suite: str, axis: str | None, first_seed: int) -> str:
    """Name of the result file: `SUITE`, then the axis if there is one, then the split if it is not the test split."""
    split = split_of(first_seed)
    return "_".join([suite, *([axis] if axis else []), *([split] if split != "test" else [])])


def refuse_other_table(path: Path, suite: Suite, command: str) -> None:
    """Make sure that what `command` measures may be written to `path`: nothing there, or the same table.

    Raises:
        UnderstudyError: a table of other layouts, tasks or prompts, or no table of that name; says what to pass.
    """
    if not path.exists():
        return
    before = read_report(path)
    if before.name != path.stem:
        raise UnderstudyError(f"{path}: holds the report {before.name!r}, not {path.stem!r}: choose another --out")
    now = _settings(command, suite)
    for earlier in commands_of(before):
        was = _settings(earlier, suite)
        flags = [flag for flag in was | now if was.get(flag) != now.get(flag)]
        if flags:
            raise UnderstudyError(
                f"{path}: holds a table with {_said(flags, was)}, this run has {_said(flags, now)}: "
                "pass the same, choose another --out, or remove the file"
            )


def write_table(path: Path, report: EvalReport, suite: Suite, ran: Collection[tuple[str, str, str]]) -> EvalReport:
    """Write the report of a run, or put its rows into the table that is there; returns what was written.

    Of a row, its robots and its comparisons, the columns of the tasks that were run are replaced, and so is whatever
    was made over several tasks, `all` and the axes. What else the file holds is kept.

    Args:
        path: of the result file, which `refuse_other_table` let pass.
        report: of the run.
        suite: says which columns are tasks.
        ran: (row, robot, task) of the run.
    """

    def goes(cell: EvalCell) -> bool:
        return any(
            _is_about(cell, row, robot) and (cell.column == task or cell.column not in suite.tasks)
            for name, robot, task in ran
            for row in (name, f"{name}@{task}")
        )

    return merge_cells(path, report, goes)


def _is_about(cell: EvalCell, row: str, robot: str) -> bool:
    compared = cell.row.startswith(f"{row}_minus_") or cell.row.endswith(f"_minus_{row}")
    return cell.robot == robot and (cell.row == row or compared)


def _settings(command: str, suite: Suite) -> dict[str, tuple[str, ...]]:
    """What a command line says of the whole table: option -> its values, in order of name; defaults filled in."""
    given: dict[str, list[str]] = {}
    flag = ""
    for word in shlex.split(command):
        if word.startswith("--"):
            flag = word.removeprefix("--")
            given[flag] = []
        elif flag:
            given[flag].append(word)
    usual = {"episodes": [str(suite.episodes)], "first-seed": [str(TEST.start)], "tasks": list(suite.tasks)}
    return {flag: tuple(sorted(values)) for flag, values in {**usual, **given}.items() if flag not in _OF_ROWS}


def _said(flags: Collection[str], settings: dict[str, tuple[str, ...]]) -> str:
    """The options as one would pass them."""
    return " ".join(f"--{flag} {' '.join(settings[flag])}" if flag in settings else f"no --{flag}" for flag in flags)
