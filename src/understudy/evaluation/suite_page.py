"""The page of a suite: charts, tables, differences, failures and films in one file that opens from disk."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import combinations
from pathlib import Path

from understudy.evaluation.bar_chart import Bar, part_chart, rate_chart
from understudy.evaluation.curve_chart import Point, curve_chart
from understudy.evaluation.page import badge, card, page, video
from understudy.evaluation.replays import Replay
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
        table: the episodes.
        report: what was made of them.
        replays: films to embed.
        path: ends in .html.
    """
    stamp = f"commit {report.commit}, {report.date}, {report.machine}, {report.minutes:g} minutes"
    lead = f"<code>{escape(report.command)}</code><br>{escape(stamp)}; first seed {table.first_seed}"
    body = [*_charts(table, report), _rates_table(report), *_paper(table, report), *_differences(table)]
    body += [*_curve(table, report), *_familiarity(table, report), *_failures(table), *_films(table, replays)]
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


def _robots(table: Table) -> list[str]:
    return list(dict.fromkeys(robot for _, robot in table.places))


def _charts(table: Table, report: EvalReport) -> Iterator[str]:
    """Two charts a robot: tasks with the right prompt, and every prompt over all tasks."""
    for robot in _robots(table):
        cells = _cells(report, robot)
        rows = list(dict.fromkeys(cell.row for cell in cells))
        right = {(cell.column or "", cell.row): _bar(cell) for cell in cells if cell.prompt == "right"}
        body = (
            '<p class="soft">Success with the right prompt; whiskers: 95 % intervals, exact for one training seed.</p>'
        )
        body += rate_chart(table.columns, rows, right)
        last = table.columns[-1]
        by_prompt = {(cell.prompt or "", cell.row): _bar(cell) for cell in cells if cell.column == last}
        prompts = [prompt for prompt in PROMPT_SCORES if any(key[0] == prompt for key in by_prompt)]
        if len(prompts) > 1:
            listed = "".join(f"<li>{escape(_EXPLAINED[prompt])}</li>" for prompt in prompts)
            body += f'<p class="soft">Every prompt, column {escape(last)}:</p>' + rate_chart(prompts, rows, by_prompt)
            body += f'<ul class="soft">{listed}</ul>'
        yield card(robot, body)


def _rates_table(report: EvalReport) -> str:
    rates = [cell for cell in report.cells if cell.metric in ("success_rate", "label_success_rate")]
    columns = list(dict.fromkeys(cell.column or "" for cell in rates))
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
    cells = [cell for cell in report.cells if cell.paper is not None and cell.metric == "success_rate"]
    if not cells:
        return
    lines = [[c.row, c.robot or "", c.column or "", _rate(c), f"{c.paper:.0%}"] for c in cells]
    note = f'<p class="soft">{escape(table.suite.paper_name)}. Other robots and scenes: no comparison of skill.</p>'
    yield card("Beside the paper", note + _html_table(["row", "robot", "column", "here", "paper"], lines))


def curve_svg(suite: Suite, report: EvalReport, robot: str) -> str:
    """Success with the right prompt over the number of each row, a line a column; empty without such rows."""
    curves: dict[str, list[Point]] = {}
    for row, number in suite.curve.items():
        for cell in _cells(report, robot):
            if (cell.row, cell.prompt) == (row, "right") and cell.low is not None and cell.high is not None:
                point = Point(number, cell.value, cell.low, cell.high, f"{row}, {cell.column}: {_rate(cell)}")
                curves.setdefault(cell.column or "", []).append(point)
    return curve_chart(list(curves.items()), list(suite.curve.values()), suite.curve_name) if curves else ""


def _curve(table: Table, report: EvalReport) -> Iterator[str]:
    for robot in _robots(table):
        drawn = curve_svg(table.suite, report, robot)
        if drawn:
            yield card(f"Success over {table.suite.curve_name}, {robot}", drawn)


def _familiarity(table: Table, report: EvalReport) -> Iterator[str]:
    """Success over the share of prompts that are kept, for rows that tell how familiar a prompt is."""
    told = dict.fromkeys((cell.row, cell.robot or "") for cell in report.cells if cell.metric == "risk_coverage_area")
    for row, robot in told:
        if (row, robot) in table.places:
            note = (
                '<p class="soft">Of the most familiar prompts so many are kept: how often is done what they ask for? '
            )
            note += "A line that rises to the left belongs to a policy that knows which prompts it can follow.</p>"
            yield card(f"Familiar prompts: {row} on {robot}", note + risk_coverage_chart(report, row, robot))


def _differences(table: Table) -> Iterator[str]:
    """Paired differences between rows, in words."""
    lines = []
    for (first, robot), (second, other) in combinations(table.places, 2):
        for prompt in ("right", "moved"):
            if robot != other:
                continue
            words = [table.compare(robot, column, (first, prompt), (second, prompt)) for column in table.columns]
            if any(words):
                shown = [found.words if found else "" for found in words]
                lines.append([f"{first} − {second}", robot, prompt, *shown])
    if lines:
        note = '<p class="soft">Success rate of one row minus that of the other in the same layouts; 95 % bootstrap '
        note += "intervals over training seeds and episodes, and the exact sign test over episodes (McNemar's for one "
        note += "training seed each): rows are separated where both say so.</p>"
        yield card("Which rows differ", note + _html_table(["rows", "robot", "prompt", *table.columns], lines))


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
        note = '<p class="soft">With the right prompt: failed episodes by what went wrong.</p>'
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
        f"Policies (name and fingerprint): {', '.join(keys)}.",
        f"Episodes were run by commit {', '.join(commits)}.",
    ]
    return card("How this was made", "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>")


def _html_table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(word)}</th>" for word in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(word)}</td>" for word in line) + "</tr>" for line in lines)
    return f'<div class="wide"><table><tr>{top}</tr>{body}</table></div>'
