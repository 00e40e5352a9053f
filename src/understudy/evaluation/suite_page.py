"""The page of a suite: charts, tables, differences, failures and films in one file that opens from disk."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import product
from pathlib import Path

from understudy.evaluation.bar_chart import Bar, part_chart, rate_chart
from understudy.evaluation.comparison import difference_words, is_separated
from understudy.evaluation.curve_chart import Point, curve_chart
from understudy.evaluation.page import badge, card, page, video
from understudy.evaluation.replays import Replay
from understudy.evaluation.result_file import PAPER_NOTE, cell_words, paper_words
from understudy.evaluation.risk_coverage import risk_coverage_chart
from understudy.evaluation.suites import Suite
from understudy.evaluation.summary import ALL, PROMPT_SCORES, Table
from understudy.files import write_text
from understudy.records import EvalCell, EvalReport

__all__ = ["curve_svg", "write_suite_page"]

_EXPLAINED = {
    "right": "right: the task is shown (or said) as it is to be done",
    "wrong_labelled": "wrong, labelled: another thing is shown, and the episode's own task is done all the same",
    "wrong_prompted": "wrong, prompted: another thing is shown, and that is done",
    "blank": "blank: no prompt",
    "moved": "moved: the task is shown where the objects stand elsewhere",
    "distractors": "distractors: the task is shown on a table with two more things",
    "camera_turned": "camera turned: the task is filmed from 15 degrees further round the table",
    "unseen_person": "unseen person: the task is shown by a person such as no data shows",
}


def write_suite_page(table: Table, report: EvalReport, replays: Sequence[Replay], path: Path) -> None:
    """Write the page.

    Args:
        table: the episodes of the last run, which failures and films are of.
        report: what the result file holds, which all else is of.
        replays: films to embed.
        path: ends in .html.
    """
    stamp = f"commit {report.commit}, {report.date}, {report.machine}, {report.minutes:g} minutes"
    lead = f"<code>{escape(report.command)}</code><br>{escape(stamp)}; first seed {table.first_seed}"
    body = [*_charts(table.suite, report), _rates_table(table.suite, report), *_paper(table, report)]
    body += _differences(table.suite, report)
    body += [*_curve(table.suite, report), *_familiarity(report), *_failures(table), *_films(table, replays)]
    body += [_method(table)]
    title = report.name.replace("_", " ").capitalize()
    write_text(path, page(title, lead, "".join(body)))


def _cells(report: EvalReport, robot: str, metric: str = "success_rate") -> list[EvalCell]:
    return [cell for cell in report.cells if (cell.robot, cell.metric) == (robot, metric)]


def _bar(cell: EvalCell) -> Bar:
    assert cell.low is not None
    assert cell.high is not None
    return Bar(cell.value, cell.low, cell.high, f"{cell.row}: {_rate(cell)}")


def _rate(cell: EvalCell) -> str:
    assert cell.low is not None
    assert cell.high is not None
    return f"{cell.value:.0%} ({cell.k}/{cell.n}, {cell.low:.0%} to {cell.high:.0%})"


def _robots(report: EvalReport) -> list[str]:
    return list(dict.fromkeys(cell.robot for cell in report.cells if cell.robot))


def _columns(suite: Suite, cells: Sequence[EvalCell]) -> list[str]:
    """Columns of the suite that occur, in its order."""
    found = {cell.column for cell in cells}
    return [column for column in (*suite.tasks, ALL, *suite.axes) if column in found]


def _charts(suite: Suite, report: EvalReport) -> Iterator[str]:
    """Charts of every robot: columns with the right prompt; every prompt over all tasks, or task by task."""
    for robot in _robots(report):
        cells = _cells(report, robot)
        columns = _columns(suite, cells)
        rows = list(dict.fromkeys(cell.row for cell in cells))
        right = {(cell.column or "", cell.row): _bar(cell) for cell in cells if cell.prompt == "right"}
        body = (
            '<p class="soft">Success with the right prompt; whiskers: 95 % intervals, exact for one training seed.</p>'
        )
        body += rate_chart(columns, rows, right)
        everyone = {cell.row for cell in cells if cell.column == ALL} == set(rows)
        shown = [ALL] if everyone else [column for column in columns if column in suite.tasks]
        charts = [_prompt_chart(cells, rows, column) for column in shown]
        prompts = [prompt for prompt in PROMPT_SCORES if any(cell.prompt == prompt for cell in cells)]
        if any(charts):
            listed = "".join(f"<li>{escape(_EXPLAINED[prompt])}</li>" for prompt in prompts)
            body += "".join(charts) + f'<ul class="soft">{listed}</ul>'
        yield card(robot, body)


def _prompt_chart(cells: Sequence[EvalCell], rows: Sequence[str], column: str) -> str:
    """Every prompt in one column; empty if there is one."""
    by_prompt = {(cell.prompt or "", cell.row): _bar(cell) for cell in cells if cell.column == column}
    prompts = [prompt for prompt in PROMPT_SCORES if any(key[0] == prompt for key in by_prompt)]
    if len(prompts) < 2:
        return ""
    return f'<p class="soft">Every prompt, column {escape(column)}:</p>' + rate_chart(prompts, rows, by_prompt)


def _rates_table(suite: Suite, report: EvalReport) -> str:
    rates = [cell for cell in report.cells if cell.metric in ("success_rate", "label_success_rate")]
    columns = _columns(suite, rates)
    places = list(dict.fromkeys((cell.robot, cell.row, cell.prompt, cell.metric) for cell in rates))
    lines = []
    for robot, row, prompt, metric in places:
        found = {
            cell.column: _rate(cell)
            for cell in rates
            if (cell.robot, cell.row, cell.prompt, cell.metric) == (robot, row, prompt, metric)
        }
        extra = ", any goal of that label" if metric == "label_success_rate" else ""
        lines.append([f"{row}", f"{robot}", f"{prompt}{extra}", *(found.get(column, "") for column in columns)])
    return card("All rates", _html_table(["row", "robot", "prompt", *columns], lines))


def _paper(table: Table, report: EvalReport) -> Iterator[str]:
    cells = [cell for cell in report.cells if cell.paper is not None]
    if not (cells or (table.suite.paper_name and not table.suite.paper)):
        return
    lines = [[c.row, c.robot or "", c.column or "", c.metric, cell_words(c), paper_words(c)] for c in cells]
    note = f'<p class="soft">{escape(table.suite.paper_name)}. {escape(PAPER_NOTE)}</p>'
    numbers = _html_table(["row", "robot", "column", "metric", "here", "paper"], lines) if lines else ""
    yield card("Beside the paper", note + numbers)


def curve_svg(suite: Suite, report: EvalReport, robot: str) -> str:
    """Success over the number of each row, a line a task and prompt, right and moved; empty without such rows."""
    found = {(cell.row, cell.column, cell.prompt): cell for cell in _cells(report, robot)}
    curves: dict[str, list[Point]] = {}
    for task, prompt, (row, number) in product(suite.tasks, ("right", "moved"), suite.curve.items()):
        cell = found.get((row, task, prompt))
        if cell is not None and cell.low is not None and cell.high is not None:
            name = task if prompt == "right" else f"{task}, {prompt}"
            point = Point(number, cell.value, cell.low, cell.high, f"{row}, {name}: {_rate(cell)}")
            curves.setdefault(name, []).append(point)
    return curve_chart(list(curves.items()), list(suite.curve.values()), suite.curve_name) if curves else ""


def _curve(suite: Suite, report: EvalReport) -> Iterator[str]:
    for robot in _robots(report):
        drawn = curve_svg(suite, report, robot)
        if drawn:
            yield card(f"Success over {suite.curve_name}, {robot}", drawn)


def _familiarity(report: EvalReport) -> Iterator[str]:
    """Success over the share of prompts that are kept, for rows that tell how familiar a prompt is."""
    told = dict.fromkeys((cell.row, cell.robot or "") for cell in report.cells if cell.metric == "risk_coverage_area")
    for row, robot in told:
        note = '<p class="soft">Of the most familiar prompts so many are kept: how often is done what they ask for? '
        note += "A line that rises to the left belongs to a policy that knows which prompts it can follow.</p>"
        yield card(f"Familiar prompts: {row} on {robot}", note + risk_coverage_chart(report, row, robot))


def _differences(suite: Suite, report: EvalReport) -> Iterator[str]:
    """Paired differences between rows, in words."""
    cells = [cell for cell in report.cells if cell.metric == "success_rate_difference"]
    columns = _columns(suite, cells)
    words: dict[tuple[str, str, str], dict[str, str]] = {}
    separated = set()
    for cell in cells:
        assert cell.low is not None
        assert cell.high is not None
        place = cell.row.replace("_minus_", " − "), cell.robot or "", cell.prompt or ""
        words.setdefault(place, {})[cell.column or ""] = difference_words(cell.value, cell.low, cell.high, cell.p)
        if is_separated(cell.low, cell.high, cell.p):
            separated.add(place)
    lines = {place: [*place, *(found.get(column, "") for column in columns)] for place, found in words.items()}
    if lines:
        note = '<p class="soft">Success rate of one row minus that of the other in the same layouts; 95 % bootstrap '
        note += "intervals over training seeds and episodes, and the exact sign test over episodes (McNemar's for one "
        note += "training seed each): rows are separated where both say so. Nothing is corrected for the number of "
        note += "pairs.</p>"
        head = ["rows", "robot", "prompt", *columns]
        apart = [line for place, line in lines.items() if place in separated]
        alike = [line for place, line in lines.items() if place not in separated]
        body = note + (_html_table(head, apart) if apart else "<p>No pair is separated in any column.</p>")
        if alike:
            others = f"{len(alike)} pair{'s' * (len(alike) > 1)} not separated in any column"
            body += f"<details><summary>{others}</summary>{_html_table(head, alike)}</details>"
        yield card("Which rows differ", body)


def _failures(table: Table) -> Iterator[str]:
    """What went wrong, by row and task."""
    rows, counts, totals = [], [], []
    for row, robot in table.places:
        for column in table.columns:
            episodes = table.pick(row, robot, "right", column)
            if column != ALL and episodes:
                rows.append(f"{row} {robot.partition('_')[2]} {column}")
                counts.append(table.failures(row, robot, "right", column))
                totals.append(len(episodes))
    if any(counts):
        note = '<p class="soft">Rows of the last run, with the right prompt: failed episodes by what went wrong.</p>'
        yield card("Failures", note + part_chart(rows, counts, totals))


def _films(table: Table, replays: Sequence[Replay]) -> Iterator[str]:
    for row, robot in table.places:
        figures = []
        for replay in replays:
            turn = replay.turn
            if (turn.contestant.row, turn.robot) == (row, robot):
                figures.append(video(replay.video, _caption(replay, table)))
        if figures:
            title = f"{row} on {robot}: quickest successes and worst failures"
            yield card(title, f'<div class="row">{"".join(figures)}</div>')


def _caption(replay: Replay, table: Table) -> str:
    turn, counted, again = replay.turn, table.episodes[replay.turn], replay.ended()
    result = badge("did it", "good") if again["asked"] else badge(again["failure"], "bad")
    shown = counted["shown"]
    told = "no prompt" if shown is None else f"prompt ({turn.prompt}): {shown['label']}"
    words = f"{result} {escape(told)}<br>{turn.task}, layout {turn.seed}, {again['steps'] / 10:.1f} s"
    if again["asked"] != counted["asked"]:
        words += f" {badge('ended otherwise when it was counted')}"
    if again["detail"]:
        words += f"<br>{escape(again['detail'])}"
    return words


def _method(table: Table) -> str:
    commits = sorted({str(episode["commit"]) for episode in table.episodes.values()})
    keys = sorted({turn.contestant.key for turn in table.episodes})
    lines = [
        "All rows act in the same layouts from the same initial states.",
        "An episode ends when what the prompt asks for has lasted 0.3 s, the policy is done, time is up or an object is"
        " lost; success is judged on the physics state after half a second more.",
        f"Policies of the last run (name and fingerprint): {', '.join(keys)}.",
        f"Episodes of the last run were run by commit {', '.join(commits)}.",
    ]
    narrow = dict.fromkeys(turn.contestant.row for turn in table.episodes if turn.contestant.task)
    if narrow:
        lines.append(
            f"{', '.join(narrow)}: a policy for each task, so that a wrong prompt shows another goal of that task; "
            f"with other rows it may be any of {', '.join(table.suite.tasks)}."
        )
    return card("How this was made", "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>")


def _html_table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(word)}</th>" for word in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(word)}</td>" for word in line) + "</tr>" for line in lines)
    return f'<div class="wide"><table><tr>{top}</tr>{body}</table></div>'
