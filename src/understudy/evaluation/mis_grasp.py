"""Mis-grasps: the hand takes a near neighbour of what was meant, which the paper's PDCP is said to prevent.

An episode can have one only where another object stands close to the target, as on the axis `scene`. What counts is the
first object that goes along with the hand, whatever becomes of the episode.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, product

import numpy as np
from jaxtyping import Bool

from understudy.evaluation.comparison import compare, rate_interval
from understudy.evaluation.result_file import rate_cell
from understudy.evaluation.summary import Table
from understudy.records import EvalCell

__all__ = ["mis_grasp_cells"]

_Outcomes = dict[tuple[str, int], list[bool]]
"""(task, seed) -> for every training seed of a row, whether it took the neighbour."""


def mis_grasp_cells(table: Table) -> list[EvalCell]:
    """Share of mis-grasps with the right prompt, of episodes that can have one; then rows against each other."""
    found = {
        (row, robot, column): _outcomes(table, row, robot, column)
        for (row, robot), column in product(table.places, table.columns)
    }
    cells = [*_rates(found), *_differences(table, found)]
    return [replace(cell, prompt="right", seed=table.first_seed, commit=_commits(table, cell)) for cell in cells]


def _outcomes(table: Table, row: str, robot: str, column: str) -> _Outcomes:
    outcomes: _Outcomes = {}
    for turn, episode in table.pick(row, robot, "right", column).items():
        if episode["mis_grasp"] is not None:
            outcomes.setdefault((turn.task, turn.seed), []).append(bool(episode["mis_grasp"]))
    return outcomes


def _matrix(outcomes: list[list[bool]]) -> Bool[np.ndarray, "S N"]:
    """[training seed, episode]."""
    return np.array(outcomes, dtype=bool).T


def _rates(found: dict[tuple[str, str, str], _Outcomes]) -> Iterator[EvalCell]:
    for (row, robot, column), outcomes in found.items():
        if outcomes:
            taken = _matrix(list(outcomes.values()))
            low, high = rate_interval(taken)
            count, total = int(taken.sum()), taken.size
            cell = rate_cell(row, count, total, metric="mis_grasp_rate", column=column, robot=robot)
            yield replace(cell, low=low, high=high)


def _differences(table: Table, found: dict[tuple[str, str, str], _Outcomes]) -> Iterator[EvalCell]:
    for (first, robot), (second, other) in combinations(table.places, 2):
        for column in table.columns if robot == other else ():
            one, two = found[first, robot, column], found[second, robot, column]
            common = sorted(one.keys() & two.keys())
            if common:
                said = compare(_matrix([one[key] for key in common]), _matrix([two[key] for key in common]))
                yield EvalCell(
                    f"{first}_minus_{second}",
                    "mis_grasp_rate_difference",
                    said.difference,
                    column,
                    robot,
                    n=said.num_episodes,
                    low=said.low,
                    high=said.high,
                    p=said.p,
                )


def _commits(table: Table, cell: EvalCell) -> str:
    assert cell.robot is not None
    assert cell.column is not None
    rows = [row for row, _ in table.places if row in cell.row.split("_minus_")]
    return table.commits(cell.robot, cell.column, *((row, "right") for row in rows))
