"""Does a policy know which prompts it can follow? Success against the share of prompts that are kept.

Prompts are kept by their familiarity, the most familiar first. A policy that knows its limits does better on the half
that it knows best than on all; one whose familiarity says nothing has a flat line.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from jaxtyping import Bool, Float

from understudy.errors import UnderstudyError
from understudy.evaluation.curve_chart import Point, curve_chart
from understudy.evaluation.episode import Turn
from understudy.evaluation.result_file import rate_cell
from understudy.evaluation.statistics import clopper_pearson
from understudy.evaluation.summary import Table
from understudy.records import EvalCell, EvalReport

__all__ = ["ANY", "familiarity_cells", "group_of", "kept", "risk_coverage_area", "risk_coverage_chart"]

ANY = "any"
"""All prompts together."""
_METRIC = "followed_rate"
_PERCENT = tuple(range(100, 0, -10))


def group_of(turn: Turn) -> str:
    """Which kind of prompt an episode has: right, wrong, blank; shown otherwise (mismatched); or of what is held out.

    On an axis of layouts the right prompt shows what no training prompt shows: `novel`.
    """
    if turn.prompt in ("right", "wrong", "blank"):
        return "novel" if turn.axis is not None and turn.prompt == "right" else turn.prompt
    return "mismatched"


def kept(familiarity: Float[np.ndarray, " N"], share: float) -> Bool[np.ndarray, " N"]:
    """The most familiar prompts: at least `share` of them (0 to 1), for prompts that tie stay together."""
    count = max(1, math.ceil(share * len(familiarity) - 1e-9))
    return familiarity >= np.sort(familiarity)[-count]


def risk_coverage_area(familiarity: Float[np.ndarray, " N"], followed: Bool[np.ndarray, " N"]) -> float:
    """Mean over prompts of the failure rate among those at least as familiar: the area under the risk-coverage curve.

    It is the plain failure rate where familiarity says nothing, and less where it helps.
    """
    return float(np.mean([1 - followed[familiarity >= threshold].mean() for threshold in familiarity]))


@dataclass(frozen=True)
class _Group:
    familiarity: Float[np.ndarray, " N"]
    followed: Bool[np.ndarray, " N"]
    """What the prompt asks for is fulfilled; with a blank one, the labelled goal."""
    num_seeds: int
    commits: str


def familiarity_cells(table: Table) -> list[EvalCell]:
    """For every row that tells familiarity: rates at ten shares of prompts, medians, areas; none for other rows."""
    return [
        replace(cell, robot=robot, prompt=name, seed=table.first_seed, commit=group.commits)
        for row, robot in table.places
        for name, group in _groups(table, row, robot).items()
        for cell in _cells(row, group)
    ]


def _cells(row: str, group: _Group) -> Iterator[EvalCell]:
    count = len(group.familiarity)
    yield EvalCell(row, "familiarity_p50", float(np.median(group.familiarity)), n=count)
    yield EvalCell(row, "risk_coverage_area", risk_coverage_area(group.familiarity, group.followed), n=count)
    for percent in _PERCENT:
        chosen = group.followed[kept(group.familiarity, percent / 100)]
        cell = rate_cell(row, int(chosen.sum()), len(chosen), metric=_METRIC, column=f"kept_{percent}")
        # Training seeds met the same layouts: they are no further trials.
        seeds = group.num_seeds
        total = max(len(chosen) // seeds, 1)
        low = clopper_pearson(min(int(chosen.sum()) // seeds, total), total)[0]
        high = clopper_pearson(min(-(-int(chosen.sum()) // seeds), total), total)[1]
        yield replace(cell, low=min(low, cell.value), high=max(high, cell.value))


def _groups(table: Table, row: str, robot: str) -> dict[str, _Group]:
    found: dict[str, list[tuple[Turn, float, bool, str]]] = {}
    for turn, episode in table.episodes.items():
        familiarity = episode.get("familiarity")
        if (turn.contestant.row, turn.robot) == (row, robot) and familiarity is not None:
            entry = turn, float(familiarity), bool(episode["asked"]), str(episode["commit"])
            for name in (group_of(turn), ANY):
                found.setdefault(name, []).append(entry)
    order = [name for name in ("right", "wrong", "blank", "mismatched", "novel", ANY) if name in found]
    return {name: _group(found[name]) for name in order}


def _group(entries: list[tuple[Turn, float, bool, str]]) -> _Group:
    turns, familiarity, followed, commits = zip(*entries, strict=True)
    places = {(turn.task, turn.seed, turn.prompt, turn.axis) for turn in turns}
    num_seeds = max(1, round(len(turns) / len(places)))
    return _Group(np.array(familiarity), np.array(followed, dtype=bool), num_seeds, ", ".join(sorted(set(commits))))


def risk_coverage_chart(report: EvalReport, row: str, robot: str) -> str:
    """Success over the share of prompts kept, a line for each kind of prompt.

    Raises:
        UnderstudyError: a row without familiarity.
    """
    cells = [c for c in report.cells if (c.row, c.robot, c.metric) == (row, robot, _METRIC)]
    if not cells:
        raise UnderstudyError(f"row {row} on {robot}: tells no familiarity")
    prompts = list(dict.fromkeys(cell.prompt for cell in cells))
    curves: dict[str, list[Point]] = {str(prompt): [] for prompt in prompts}
    for cell, percent in product(cells, reversed(_PERCENT)):
        if cell.column == f"kept_{percent}" and cell.low is not None and cell.high is not None:
            note = f"{cell.prompt}, {percent} % kept: {cell.value:.0%} of {cell.n}"
            curves[str(cell.prompt)].append(Point(float(percent), cell.value, cell.low, cell.high, note))
    ordered = [(name, sorted(points, key=lambda point: point.x)) for name, points in curves.items()]
    return curve_chart(ordered, (10.0, 25.0, 50.0, 75.0, 100.0), "share of prompts kept, the most familiar first [%]")
