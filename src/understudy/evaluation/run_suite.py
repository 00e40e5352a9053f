"""Runs a suite: in parallel, resumable episode by episode, and writes the result file and the page about it."""

import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from understudy.errors import UnderstudyError, UnknownName
from understudy.evaluation.episode import Episode, Job, Turn, read_episode, run_job
from understudy.evaluation.mis_grasp import mis_grasp_cells
from understudy.evaluation.parallel import run_parallel
from understudy.evaluation.prompts import PROMPTS
from understudy.evaluation.replays import choose, make_replay
from understudy.evaluation.result_file import make_report
from understudy.evaluation.risk_coverage import familiarity_cells
from understudy.evaluation.rows import contestants, refuse_unequal
from understudy.evaluation.suite_page import curve_svg, write_suite_page
from understudy.evaluation.suites import Suite, get_suite
from understudy.evaluation.summary import Table, summarise
from understudy.evaluation.table_file import refuse_other_table, table_name, write_table
from understudy.files import write_text
from understudy.records import EvalReport
from understudy.simulation.axes import get_axis
from understudy.simulation.seeds import TEST, split_of

__all__ = ["SuiteOptions", "run_suite"]


@dataclass(frozen=True)
class SuiteOptions:
    """What a user can choose."""

    policies: tuple[str, ...] = ()
    """See `rows.contestants`; the suite's own if empty."""
    episodes: int | None = None
    """Layouts per task; the suite's number if None."""
    first_seed: int = TEST.start
    robots: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    axis: str | None = None
    """Layouts on an axis of `axes.AXES`; None for the usual range."""
    row_episodes: Mapping[str, int] = field(default_factory=dict)
    """Row -> fewer layouts per task, the first ones."""
    row_prompts: Mapping[str, str] = field(default_factory=dict)
    """Row -> fewer prompts, with commas between them."""
    out: Path = Path("results")
    runs: Path = Path("runs")
    processes: int = 2
    """Workers side by side; 0 works in this process."""
    films: bool = True
    """Run the best and the worst episodes again for films on the page."""


def run_suite(name: str, options: SuiteOptions) -> EvalReport:
    """Run what is not finished yet of suite `name`; write the result file, and the page of this run.

    The files are `out/NAME.json` and `.md` and `runs/SUITE/NAME.html`, with NAME as `table_name` says. Returns what
    the result file holds: rows of earlier runs stay in it.

    Raises:
        UnderstudyError: what cannot be planned, or a result file of another table; said before anything is run.
    """
    suite = get_suite(name) if options.axis is None else replace(get_suite(name), axes=())
    runs = options.runs / name
    turns = plan(suite, options)
    command = _command(name, options)
    path = options.out / f"{table_name(name, options.axis, options.first_seed)}.json"
    refuse_other_table(path, suite, command)
    started = time.monotonic()
    done = {turn: episode for turn in turns if (episode := read_episode(turn, runs)) is not None}
    earlier_s = sum(episode["seconds"] for episode in done.values()) / max(options.processes, 1)
    jobs = _jobs([turn for turn in turns if turn not in done], suite, runs)
    with _progress() as progress:
        bar = progress.add_task(f"evaluate {name}", total=len(turns), completed=len(done))
        for finished in run_parallel(run_job, jobs, options.processes):
            progress.advance(bar, len(finished))
    tasks = _chosen("task", options.tasks, suite.tasks)
    table = Table(suite, options.first_seed, {turn: _read(turn, runs) for turn in turns}, tasks)
    minutes = (time.monotonic() - started + earlier_s) / 60
    cells = [*summarise(table), *mis_grasp_cells(table), *familiarity_cells(table)]
    report = make_report(path.stem, command, minutes, cells)
    written = write_table(path, report, suite, table.ran)
    _write_page(table, written, runs, options)
    return written


def _write_page(table: Table, report: EvalReport, runs: Path, options: SuiteOptions) -> None:
    replays = choose(table, runs) if options.films else []
    with _progress() as progress:
        bar = progress.add_task("film", total=len(replays), visible=bool(replays))
        for _ in run_parallel(make_replay, replays, options.processes):
            progress.advance(bar)
    write_suite_page(table, report, replays, runs / f"{report.name}.html")
    for robot in dict.fromkeys(cell.robot for cell in report.cells if cell.robot):
        drawn = curve_svg(table.suite, report, robot)
        if drawn:
            write_text(runs / f"{report.name}-{robot}.svg", drawn)


def _progress() -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


def plan(suite: Suite, options: SuiteOptions) -> list[Turn]:
    """Every episode of the table, layout by layout."""
    rows = contestants(suite, options.policies, options.robots or suite.robots)
    tasks = _chosen("task", options.tasks, suite.tasks)
    refuse_unequal(rows, tasks)
    prompts = _chosen("prompt", options.prompts, PROMPTS) if options.prompts else ()
    if options.axis is not None and get_axis(options.axis).prompt_only:
        raise UnderstudyError(f"axis {options.axis} changes the prompt alone: use --prompts {options.axis}")
    episodes = suite.episodes if options.episodes is None else options.episodes
    if episodes < 1:
        raise UnderstudyError(f"{episodes} episodes: needs at least 1")
    split_of(options.first_seed)
    if split_of(options.first_seed + episodes - 1) != split_of(options.first_seed):
        raise UnderstudyError(f"{episodes} episodes from seed {options.first_seed}: they reach into another split")
    limits = {**suite.row_episodes, **options.row_episodes}
    unknown = {*options.row_episodes, *options.row_prompts} - {row.row for row in rows}
    if unknown:
        raise UnknownName("row", min(unknown), [row.row for row in rows])
    table = prompts or suite.prompts
    fewer = {row: _chosen("prompt", text.split(","), table) for row, text in options.row_prompts.items()}
    axes = (options.axis,) if options.axis is not None else (suite.layouts, *suite.axes)
    turns = []
    for index, task, axis, row in product(range(episodes), tasks, axes, rows):
        if index >= limits.get(row.row, episodes) or row.task not in (None, task):
            continue
        for robot in row.robots:
            its = fewer.get(row.row) or prompts or _prompts(suite, row.row, robot)
            if axis in suite.axes:
                its = [prompt for prompt in its if prompt in suite.axis_prompts]
            turns += [Turn(row, robot, task, options.first_seed + index, prompt, axis) for prompt in its]
    if not turns:
        raise UnderstudyError(f"suite {suite.name}: nothing to run: no row for {', '.join(tasks)}")
    return turns


def _prompts(suite: Suite, row: str, robot: str) -> list[str]:
    """What a row gets on a robot unless prompts are asked for."""
    allowed = suite.row_prompts.get(row, suite.prompts), suite.robot_prompts.get(robot, suite.prompts)
    return [prompt for prompt in suite.prompts if all(prompt in some for some in allowed)]


def _chosen(kind: str, asked: Sequence[str], valid: Sequence[str]) -> tuple[str, ...]:
    for name in asked:
        if name not in valid:
            raise UnknownName(kind, name, valid)
    return tuple(name for name in valid if name in asked) if asked else tuple(valid)


def _jobs(turns: Sequence[Turn], suite: Suite, runs: Path) -> list[Job]:
    grouped: dict[tuple[str, int, str | None, tuple[str, ...]], list[Turn]] = {}
    for turn in turns:
        wrong = turn.contestant.wrong_tasks(suite.tasks)
        grouped.setdefault((turn.task, turn.seed, turn.axis, wrong), []).append(turn)
    return [Job(tuple(group), wrong, runs) for (*_, wrong), group in grouped.items()]


def _read(turn: Turn, runs: Path) -> Episode:
    episode = read_episode(turn, runs)
    if episode is None:
        raise UnderstudyError(f"{turn.path(runs)}: was removed while the suite was running")
    return episode


def _command(name: str, options: SuiteOptions) -> str:
    """The command line that gives this table."""
    words = ["understudy", "evaluate", name]
    for flag, values in (
        ("policy", options.policies),
        ("robots", options.robots),
        ("tasks", options.tasks),
        ("prompts", options.prompts),
        ("row-episodes", [str(word) for pair in options.row_episodes.items() for word in pair]),
        ("row-prompts", [word for pair in options.row_prompts.items() for word in pair]),
    ):
        words += [f"--{flag}", *values] if values else []
    if options.axis is not None:
        words += ["--axis", options.axis]
    if options.episodes is not None:
        words += ["--episodes", str(options.episodes)]
    if options.first_seed != TEST.start:
        words += ["--first-seed", str(options.first_seed)]
    return shlex.join(words)
