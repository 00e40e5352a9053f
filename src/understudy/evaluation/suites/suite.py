"""What a suite is: a table to be filled, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Suite"]


@dataclass(frozen=True)
class Suite:
    """Rows, columns and prompts of one result table."""

    name: str
    rows: tuple[str, ...]
    """Policies that are evaluated unless others are asked for: names of `methods.POLICIES`, or `oracle`."""
    methods: tuple[str, ...]
    """Learned methods whose pretrained policies are rows, too, before those of `rows`."""
    robots: tuple[str, ...]
    """Where a row that is not made for one robot acts."""
    tasks: tuple[str, ...]
    """Columns; also what a wrong prompt may show."""
    prompts: tuple[str, ...]
    """Names of `prompts.PROMPTS`."""
    episodes: int
    """Layouts per task."""
    named_rows: tuple[str, ...] = ()
    """The paper's rows, which policies are given as: `--policy ROW=FOLDER`."""
    row_prompts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Row -> its prompts, where they are fewer."""
    row_episodes: Mapping[str, int] = field(default_factory=dict)
    """Row -> its layouts per task, where they are fewer: always the first ones."""
    robot_prompts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Robot -> the prompts that rows get on it, where they are fewer."""
    axes: tuple[str, ...] = ()
    """Names of `simulation.axes.AXES`: one more column each, over all tasks, in layouts that differ so."""
    axis_prompts: tuple[str, ...] = ("right",)
    """Prompts that rows get in those."""
    over_all_tasks: bool = True
    """Whether there is a column `all`, in which every task has the same weight."""
    layouts: str | None = None
    """Axis on which the layouts of its tasks lie; None for the usual range."""
    curve: Mapping[str, float] = field(default_factory=dict)
    """Row -> the number over which its success is drawn, in order; empty for no such chart."""
    curve_name: str = ""
    """What that number is."""
    paper: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """(row, column) -> success rate in the paper with the right prompt, 0 to 1."""
    paper_score: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """(row, column) -> mean score in the paper with the right prompt, 0 to 100; a row of it is one of `paper`, too."""
    paper_name: str = ""
    """Where those numbers stand; or, where there are none, what it says in words."""
