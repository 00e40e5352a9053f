"""Result files: one JSON form for every table, and the Markdown that README and docs quote from it."""

import json
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from itertools import product, takewhile
from pathlib import Path
from typing import Any

from understudy.errors import UnderstudyError
from understudy.evaluation.comparison import is_separated
from understudy.evaluation.statistics import clopper_pearson
from understudy.files import write_text
from understudy.provenance import code_commit, machine_name
from understudy.records import EvalCell, EvalReport

__all__ = [
    "PAPER_NOTE",
    "beside_paper",
    "cell_words",
    "commands_of",
    "make_report",
    "markdown_page",
    "markdown_table",
    "markdown_tables",
    "merge_cells",
    "paper_words",
    "rate_cell",
    "read_report",
    "refuse_other_settings",
    "write_report",
]

PAPER_NOTE = "Other robots and scenes than the paper's: no comparison of skill."
"""What is said wherever its numbers are shown beside ours."""
_ALWAYS = ("row", "metric", "value")
_AND = " && "


def rate_cell(
    row: str,
    successes: int,
    trials: int,
    *,
    metric: str = "success_rate",
    column: str | None = None,
    robot: str | None = None,
    prompt: str | None = None,
    seed: int | None = None,
    paper: float | None = None,
) -> EvalCell:
    """A rate with its count and exact 95 % interval."""
    low, high = clopper_pearson(successes, trials)
    rate = successes / trials
    return EvalCell(row, metric, rate, column, robot, prompt, successes, trials, low, high, seed, paper)


def make_report(name: str, command: str, minutes: float, cells: Iterable[EvalCell]) -> EvalReport:
    """A report stamped with this commit, today's date and this machine; cells of this commit need not say so."""
    today, commit = datetime.now(UTC).date().isoformat(), code_commit()
    made = tuple(replace(cell, commit=None) if cell.commit == commit else cell for cell in cells)
    return EvalReport(name, command, commit, today, machine_name(), round(minutes, 1), made)


def write_report(report: EvalReport, path: Path) -> None:
    """Write `path` (JSON) and the table beside it (.md); each appears whole or not at all."""
    head = {key: value for key, value in asdict(report).items() if key != "cells"}
    cells = [
        {key: value for key, value in asdict(cell).items() if value is not None or key in _ALWAYS}
        for cell in report.cells
    ]
    body = json.dumps(head, ensure_ascii=False, indent=1)[:-2] + ',\n "cells": [\n  '
    body += ",\n  ".join(json.dumps(cell, ensure_ascii=False) for cell in cells) + "\n ]}\n"
    write_text(path, body)
    write_text(path.with_suffix(".md"), markdown_page(report))


def commands_of(report: EvalReport) -> list[str]:
    """The commands that made its cells: one, or more where cells were merged."""
    return report.command.split(_AND)


def merge_cells(path: Path, report: EvalReport, replaces: Callable[[EvalCell], bool] | None = None) -> EvalReport:
    """Put the cells of `report` into the result file `path`, which is made if there is none; returns what was written.

    The head becomes that of `report`, but names the commands of both and the minutes of both together; kept cells of
    another commit say so.

    Args:
        path: the result file.
        report: what was measured now.
        replaces: which cells of the file go; all others are kept. By default those with a row and metric that `report`
            has too, whatever their column, robot or prompt.

    Raises:
        UnderstudyError: `path` holds something else, or a report of another name.
    """
    if not path.exists():
        write_report(report, path)
        return report
    before = read_report(path)
    if before.name != report.name:
        raise UnderstudyError(f"{path}: holds the report {before.name!r}, not {report.name!r}")
    made_anew = {(cell.row, cell.metric) for cell in report.cells}
    goes = replaces or (lambda cell: (cell.row, cell.metric) in made_anew)
    kept = [cell for cell in before.cells if not goes(cell)]
    if kept and before.commit != report.commit:
        kept = [replace(cell, commit=cell.commit or before.commit) for cell in kept]
    kept = [replace(cell, commit=None) if cell.commit == report.commit else cell for cell in kept]
    others = [command for command in commands_of(before) if command != report.command] if kept else []
    again = len(others) < len(commands_of(before))  # its minutes are among those of before
    minutes = before.minutes if others and again else report.minutes + (before.minutes if others else 0.0)
    command = _AND.join([*others, report.command])
    merged = replace(report, command=command, minutes=round(minutes, 1), cells=(*kept, *report.cells))
    write_report(merged, path)
    return merged


def refuse_other_settings(path: Path, command: str, usual: Mapping[str, str]) -> None:
    """Make sure that the cells which `command` makes may join the result file `path`, if there is one.

    Args:
        path: the result file.
        command: with options as `--NAME VALUE ...`, after all else.
        usual: options (`--NAME`) that all commands of one file must agree in -> value where a command does not say.

    Raises:
        UnderstudyError: `path` holds what another value made.
    """
    if not path.exists():
        return

    def value(command: str, flag: str) -> str:
        words = shlex.split(command)
        if flag not in words:
            return usual[flag]
        return " ".join(takewhile(lambda word: not word.startswith("--"), words[words.index(flag) + 1 :]))

    for earlier, flag in product(commands_of(read_report(path)), usual):
        was, now = value(earlier, flag), value(command, flag)
        if was != now:
            raise UnderstudyError(f"{path}: holds cells of {flag} {was}, not {now}: choose another --out")


def _with_floats(cell: dict[str, Any]) -> dict[str, Any]:
    """A float that JSON writes without a point is one all the same."""
    floats = {name: float(cell[name]) for name in ("low", "high", "paper", "p") if cell.get(name) is not None}
    return {**cell, **floats, "value": float(cell["value"])}


def read_report(path: Path) -> EvalReport:
    """Read a result file.

    Raises:
        UnderstudyError: if the file is missing, is no JSON, or a field is missing or unknown.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        cells = tuple(EvalCell(**_with_floats(cell)) for cell in data.pop("cells"))
        return EvalReport(**data, cells=cells)
    except FileNotFoundError as error:
        raise UnderstudyError(f"{path}: no such result file") from error
    except (KeyError, TypeError, ValueError) as error:
        wanted = ", ".join(field.name for field in fields(EvalReport))
        raise UnderstudyError(f"{path}: not a result file ({error}); it needs {wanted}") from error


def cell_words(cell: EvalCell) -> str:
    """The cell as tables show it: a rate with its count and 95 % interval, a difference with its interval, a number."""
    if cell.k is not None and cell.n is not None and cell.low is not None and cell.high is not None:
        return f"{cell.value:.0%} ({cell.k}/{cell.n}, {cell.low:.0%} to {cell.high:.0%})"
    if cell.low is not None and cell.high is not None:
        spread = f"{cell.value:.3g} ({cell.low:.3g} to {cell.high:.3g})"
        compares = cell.metric.endswith(("_difference", "_gap"))
        return f"not separated: {spread}" if compares and not is_separated(cell.low, cell.high, cell.p) else spread
    return f"{cell.value:.4g}"


def paper_words(cell: EvalCell) -> str:
    """The paper's number for that cell, in the form of ours; empty where it has none."""
    if cell.paper is None:
        return ""
    return f"{cell.paper:.4g}" if cell.k is None else f"{cell.paper:.0%}"


def markdown_table(cells: Sequence[EvalCell]) -> str:
    """Rows of the report against its columns (the tasks, or the metrics where there is no column)."""
    return _grid([(_label(cell), cell.column or cell.metric, cell_words(cell)) for cell in cells])


def beside_paper(cells: Sequence[EvalCell]) -> str:
    """One table of all metrics of some cells, one metric after the other, with the paper's number where it has one."""
    metrics = list(dict.fromkeys(cell.metric for cell in cells))
    entries = []
    for cell in sorted(cells, key=lambda cell: metrics.index(cell.metric)):
        words = cell_words(cell) if cell.paper is None else f"{cell_words(cell)}; paper {paper_words(cell)}"
        entries.append((f"{cell.metric}, {_label(cell)}", cell.column or cell.metric, words))
    return _grid(entries)


def _label(cell: EvalCell) -> str:
    """Row, robot and prompt."""
    parts = f"`{cell.row}`", cell.robot, cell.prompt and f"prompt: {cell.prompt}"
    return " ".join(part for part in parts if part)


def _grid(entries: Sequence[tuple[str, str, str]]) -> str:
    """Markdown of (line, column, words); lines and columns in the order in which they first occur."""
    columns = list(dict.fromkeys(column for _, column, _ in entries))
    lines: dict[str, dict[str, str]] = {}
    for line, column, words in entries:
        lines.setdefault(line, {})[column] = words
    rows = [["", *columns], *([line, *(found.get(column, "") for column in columns)] for line, found in lines.items())]
    head, *body = ("| " + " | ".join(row) + " |" for row in rows)
    return "\n".join([head, "|" + "---|" * (len(columns) + 1), *body])


def markdown_tables(cells: Sequence[EvalCell]) -> list[tuple[str | None, str]]:
    """Every table of some cells: one for each metric that has columns, under its name, and one of all others."""
    with_columns, plain = [cell for cell in cells if cell.column], [cell for cell in cells if not cell.column]
    tables: list[tuple[str | None, str]] = [
        (metric, markdown_table([cell for cell in with_columns if cell.metric == metric]))
        for metric in dict.fromkeys(cell.metric for cell in with_columns)
    ]
    return [*tables, (None, markdown_table(plain))] if plain else tables


def markdown_page(report: EvalReport) -> str:
    """The whole Markdown file of a report."""
    stamp = f"commit {report.commit}, {report.date}, {report.machine}, {report.minutes} minutes"
    tables = [(f"## {metric}\n\n" if metric else "") + table for metric, table in markdown_tables(report.cells)]
    theirs = [cell for cell in report.cells if cell.paper is not None]
    if theirs:
        where = "Which table of which paper: `paper_name` of the suite (`src/understudy/evaluation/suites/`)."
        tables.append(f"## beside the paper\n\n{PAPER_NOTE} {where}\n\n{beside_paper(theirs)}")
    kept: dict[str, list[str]] = {cell.commit: [] for cell in report.cells if cell.commit}
    for cell in report.cells:
        if cell.commit:
            kept[cell.commit].append(f"`{cell.row}` {cell.metric}")
    for commit, cells in kept.items():
        stamp += f"; of commit {commit}: {', '.join(dict.fromkeys(cells))}"
    return f"# {report.name}\n\n`{report.command}`\n\n{stamp}\n\n" + "\n\n".join(tables) + "\n"
