"""Does a policy know which prompts it can follow? Success against the share of prompts that are kept.

Prompts are kept by their familiarity, the most familiar first. A policy that knows its limits does better on the half
that it knows best than on all; one whose familiarity says nothing has a flat line. Familiarity is a policy's own: where
a row has a policy for each task, there is a curve for each, named as `--policy` has it, `ROW@TASK`.
"""

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from jaxtyping import Bool, Float

from understudy.errors import UnderstudyError
from understudy.evaluation.curve_chart import Point, curve_chart
from understudy.evaluation.episode import Episode, Turn
from understudy.evaluation.layout_bootstrap import rate_interval_by_layout
from understudy.evaluation.result_file import rate_cell
from understudy.evaluation.rows import Contestant
from understudy.evaluation.summary import Table
from understudy.records import EvalCell, EvalReport

__all__ = ["ANY", "curve_of", "familiarity_cells", "group_of", "kept", "risk_coverage_area", "risk_coverage_chart"]

ANY = "any"
"""All prompts together but blank ones, which ask for nothing."""
_METRIC = "followed_rate"
_PERCENT = tuple(range(100, 0, -10))


def group_of(turn: Turn) -> str:
    """Which kind of prompt an episode has: right, wrong, blank; shown otherwise (mismatched); right on an axis.

    Whether a policy's training data show an axis of layouts is a matter of its row.
    """
    if turn.prompt in ("right", "wrong", "blank"):
        return "axis" if turn.axis is not None and turn.prompt == "right" else turn.prompt
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
    layouts: list[Hashable]
    policies: list[Hashable]
    """Of one curve: training seeds."""
    commits: str


def familiarity_cells(table: Table) -> list[EvalCell]:
    """For every row that tells familiarity: rates at ten shares of prompts, medians, areas; none for other rows."""
    return [
        replace(cell, robot=robot, prompt=name, seed=table.first_seed, commit=group.commits)
        for (curve, robot), groups in _curves(table).items()
        for name, group in groups.items()
        for cell in _cells(curve, group)
    ]


def _cells(row: str, group: _Group) -> Iterator[EvalCell]:
    count = len(group.familiarity)
    yield EvalCell(row, "familiarity_p50", float(np.median(group.familiarity)), n=count)
    yield EvalCell(row, "risk_coverage_area", risk_coverage_area(group.familiarity, group.followed), n=count)
    for percent in _PERCENT:
        rows = np.flatnonzero(kept(group.familiarity, percent / 100)).tolist()
        chosen = group.followed[rows]
        cell = rate_cell(row, int(chosen.sum()), len(chosen), metric=_METRIC, column=f"kept_{percent}")
        layouts, policies = [group.layouts[one] for one in rows], [group.policies[one] for one in rows]
        low, high = rate_interval_by_layout(chosen, layouts, policies)
        yield replace(cell, low=low, high=high)


def _curves(table: Table) -> dict[tuple[str, str], dict[str, _Group]]:
    """(row or ROW@TASK, robot) -> kind of prompt -> its episodes; rows in the order of the table."""
    found: dict[tuple[str, str], dict[str, dict[Turn, Episode]]] = {}
    for turn, episode in table.episodes.items():
        if episode["familiarity"] is not None:
            groups = found.setdefault((curve_of(turn.contestant), turn.robot), {})
            for name in (group_of(turn), *(() if turn.prompt == "blank" else (ANY,))):
                groups.setdefault(name, {})[turn] = episode
    order = ("right", "wrong", "blank", "mismatched", "axis", ANY)
    return {place: {name: _group(of[name]) for name in order if name in of} for place, of in found.items()}


def curve_of(contestant: Contestant) -> str:
    """Name of the curve that a policy is counted in: its row, or ROW@TASK where it is the row's for one task."""
    return contestant.row if contestant.task is None else f"{contestant.row}@{contestant.task}"


def _group(episodes: dict[Turn, Episode]) -> _Group:
    return _Group(
        np.array([float(episode["familiarity"]) for episode in episodes.values()]),
        np.array([bool(episode["asked"]) for episode in episodes.values()]),
        [(turn.seed, turn.axis) for turn in episodes],
        [turn.contestant for turn in episodes],
        ", ".join(sorted({str(episode["commit"]) for episode in episodes.values()})),
    )


def risk_coverage_chart(report: EvalReport, row: str, robot: str) -> str:
    """Success over the share of prompts kept, a line for each kind of prompt; `row` as of `curve_of`.

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
