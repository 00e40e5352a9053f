"""From finished episodes to the cells of a table: rates with exact intervals, scores, gaps and paired comparisons."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np
from jaxtyping import Bool

from understudy.evaluation.comparison import Comparison, compare, rate_interval
from understudy.evaluation.episode import Episode, Turn
from understudy.evaluation.result_file import rate_cell
from understudy.evaluation.suites import Suite
from understudy.records import EvalCell

__all__ = ["ALL", "PROMPT_SCORES", "Table", "summarise"]

ALL = "all"
"""Column over all tasks."""
PROMPT_SCORES = {
    "right": ("right", "success"),
    "wrong_labelled": ("wrong", "ever"),
    "wrong_prompted": ("wrong", "asked"),
    "blank": ("blank", "success"),
    "moved": ("moved", "success"),
    "distractors": ("distractors", "success"),
    "camera_turned": ("camera_turned", "success"),
    "unseen_person": ("unseen_person", "success"),
}
"""Prompt of a cell -> prompt of the episodes, and which field of them is its success."""


@dataclass(frozen=True)
class Table:
    """All episodes of one run of a suite."""

    suite: Suite
    first_seed: int
    episodes: Mapping[Turn, Episode]
    asked: tuple[str, ...] = ()
    """Tasks that the table is of; those that occur if none are named."""

    @property
    def places(self) -> list[tuple[str, str]]:
        """(row, robot) in the order of the table."""
        return list(dict.fromkeys((turn.contestant.row, turn.robot) for turn in self.episodes))

    @property
    def columns(self) -> tuple[str, ...]:
        """Tasks that occur; and, if any row has all tasks, `all` if the suite has it and the axes that occur."""
        usual = {turn.task for turn in self.episodes if turn.axis not in self.suite.axes}
        tasks = tuple(task for task in self.suite.tasks if task in usual)
        of_place: dict[tuple[str, str], set[str]] = {}
        for row, robot, task in self.ran:
            of_place.setdefault((row, robot), set()).add(task)
        if not any(self._has_all(found) for found in of_place.values()):
            return tasks
        over_all = (ALL,) if self.suite.over_all_tasks and len(tasks) > 1 else ()
        axes = {turn.axis for turn in self.episodes}
        return (*tasks, *over_all, *(axis for axis in self.suite.axes if axis in axes))

    @property
    def ran(self) -> list[tuple[str, str, str]]:
        """(row, robot, task) of its episodes."""
        return list(dict.fromkeys((turn.contestant.row, turn.robot, turn.task) for turn in self.episodes))

    def pick(self, row: str, robot: str, prompt: str, column: str) -> dict[Turn, Episode]:
        """Episodes of one cell; none in a column over all tasks for a row that has not all of them."""
        found = {
            turn: episode
            for turn, episode in self.episodes.items()
            if (turn.contestant.row, turn.robot, turn.prompt) == (row, robot, prompt) and self._is_in(turn, column)
        }
        return found if column in self.suite.tasks or self._has_all({turn.task for turn in found}) else {}

    def _has_all(self, tasks: Collection[str]) -> bool:
        return set(tasks) >= (set(self.asked) or {turn.task for turn in self.episodes})

    def _is_in(self, turn: Turn, column: str) -> bool:
        """A column is an axis of the suite, or a task (or all of them) outside of these."""
        if turn.axis in self.suite.axes or column in self.suite.axes:
            return turn.axis == column
        return column in (turn.task, ALL)

    def outcomes(
        self, row: str, robot: str, cell_prompt: str, column: str, success: str | None = None
    ) -> dict[tuple[str, int], list[bool]]:
        """(task, seed) -> success of every training seed of the row; `success` names another field of the episodes."""
        prompt, usual = PROMPT_SCORES[cell_prompt]
        found: dict[tuple[str, int], list[bool]] = {}
        for turn, episode in self.pick(row, robot, prompt, column).items():
            found.setdefault((turn.task, turn.seed), []).append(bool(episode[success or usual]))
        return found

    def commits(self, robot: str, column: str, *entries: tuple[str, str]) -> str:
        """What ran the episodes of these (row, prompt as in `PROMPT_SCORES`): a commit, or several with commas."""
        picked = [self.pick(row, robot, PROMPT_SCORES[prompt][0], column) for row, prompt in entries]
        return ", ".join(sorted({str(episode["commit"]) for some in picked for episode in some.values()}))

    def failures(self, row: str, robot: str, prompt: str, column: str) -> Counter[str]:
        """How often each failure label occurs."""
        return Counter(e["failure"] for e in self.pick(row, robot, prompt, column).values() if e["failure"])

    def compare(self, robot: str, column: str, first: tuple[str, str], second: tuple[str, str]) -> Comparison | None:
        """Paired difference of two (row, prompt as in `PROMPT_SCORES`), over the episodes that both have run.

        None if there are none.
        """
        outcomes = [self.outcomes(row, robot, prompt, column) for row, prompt in (first, second)]
        common = sorted(outcomes[0].keys() & outcomes[1].keys())
        if not common:
            return None
        one, other = (_matrix([found[key] for key in common]) for found in outcomes)
        return compare(one, other)


def _matrix(outcomes: Iterable[list[bool]]) -> Bool[np.ndarray, "S N"]:
    """[training seed, episode]."""
    return np.array(list(outcomes), dtype=bool).T


def summarise(table: Table) -> list[EvalCell]:
    """Every cell of the result file, with the commit that ran its episodes."""
    cells: list[EvalCell] = []
    for row, robot in table.places:
        for prompt in PROMPT_SCORES:
            for column in table.columns:
                made_by = table.commits(robot, column, (row, prompt))
                cells += [replace(cell, commit=made_by) for cell in _rates(table, row, robot, prompt, column)]
    cells += _gaps(table)
    cells += _differences(table)
    return [replace(cell, seed=table.first_seed) for cell in cells]


def _rates(table: Table, row: str, robot: str, prompt: str, column: str) -> Iterator[EvalCell]:
    """Success rate; mean score on the labelled task; for rows told in words, success at whatever the words may mean."""
    outcomes = table.outcomes(row, robot, prompt, column)
    if not outcomes:
        return
    paper = table.suite.paper.get((row, column)) if prompt == "right" else None
    yield _rate(row, robot, prompt, column, "success_rate", list(outcomes.values()), paper)
    episodes = table.pick(row, robot, PROMPT_SCORES[prompt][0], column).values()
    if prompt != "wrong_prompted":
        score = sum(episode["score"] for episode in episodes) / len(episodes)
        theirs = table.suite.paper_score.get((row, column)) if prompt == "right" else None
        yield EvalCell(row, "score", score, column, robot, prompt, n=len(episodes), paper=theirs)
    if prompt in ("right", "wrong_prompted") and all(episode["by_words"] for episode in episodes):
        meant = table.outcomes(row, robot, prompt, column, "label")
        yield _rate(row, robot, prompt, column, "label_success_rate", list(meant.values()))


def _rate(
    row: str,
    robot: str,
    prompt: str,
    column: str,
    metric: str,
    outcomes: list[list[bool]],
    paper: float | None = None,
) -> EvalCell:
    """A count with its interval, see `rate_interval`."""
    successes = _matrix(outcomes)
    low, high = rate_interval(successes)
    cell = rate_cell(
        row,
        int(successes.sum()),
        successes.size,
        metric=metric,
        column=column,
        robot=robot,
        prompt=prompt,
        paper=paper,
    )
    return replace(cell, low=low, high=high)


def _gaps(table: Table) -> Iterator[EvalCell]:
    """How much the prompt is used: SR(right) - SR(wrong prompt, labelled task)."""
    for (row, robot), column in product(table.places, table.columns):
        entries = (row, "right"), (row, "wrong_labelled")
        found = table.compare(robot, column, *entries)
        if found is not None:
            cell = _interval(row, robot, column, "prompt_use_gap", found)
            yield replace(cell, commit=table.commits(robot, column, *entries))


def _differences(table: Table) -> Iterator[EvalCell]:
    """Each row against each later one, with the same prompts, on the same robot."""
    for (first, robot), (second, other) in combinations(table.places, 2):
        for prompt, column in product(("right", "moved"), table.columns):
            entries = (first, prompt), (second, prompt)
            found = table.compare(robot, column, *entries) if robot == other else None
            if found is None:
                continue
            cell = _interval(f"{first}_minus_{second}", robot, column, "success_rate_difference", found)
            yield replace(cell, prompt=prompt, commit=table.commits(robot, column, *entries))


def _interval(row: str, robot: str, column: str, metric: str, found: Comparison) -> EvalCell:
    return EvalCell(
        row, metric, found.difference, column, robot, n=found.num_episodes, low=found.low, high=found.high, p=found.p
    )
