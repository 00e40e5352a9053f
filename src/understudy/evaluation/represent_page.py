"""The page of `understudy represent`: t-SNE, probes, arithmetic and its sheets in one file that opens from disk."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from understudy.episodes.shown_layouts import ShownLayouts
from understudy.evaluation.bar_chart import Bar, rate_chart
from understudy.evaluation.page import card, data_uri, page
from understudy.evaluation.scatter import Scatter, scatter_svg
from understudy.files import write_text
from understudy.records import EvalCell, EvalReport

__all__ = ["write_represent_page"]

_MAPS = (
    "z of every layout, three times: from the person's clip and the robot's scene (what a policy acts on), from the "
    "robot's own clip and its scene, and from the person's clip and the person's scene. t-SNE keeps neighbours; "
    "distances between far dots, and the size of a cluster, mean little. Rest the mouse on a dot."
)
_PROBES = (
    "Ridge regression on half of the layouts, tested on the other half. z_across learns on persons' clips and is "
    "tested on the robot's own clips of other layouts. autoencoder_latents: what the prompt's pixels say without the "
    "video model. chance: the most frequent class, and the middle of all places."
)
_VIDEOS = (
    "robot(A) - person(A) + person(B) in place of what crosses the layer, at every step of sampling. direct: the video "
    "that the model makes of (robot, B) itself, so its ceiling; prompt_a: no arithmetic, the video of (robot, A); "
    "person_b: no arithmetic, the video of (person, B); true_videos: filmed, how often the judge is right. "
    "all: B's skill, B's target and a robot at once."
)
_RATES = ("skill", "object", "robot", "all")


def write_represent_page(
    report: EvalReport, scatters: Sequence[Scatter], sheets: Mapping[str, Path], shown: ShownLayouts, path: Path
) -> None:
    """Write the page.

    Args:
        report: all numbers.
        scatters: maps of z.
        sheets: row of the table -> its PNG.
        shown: the layouts.
        path: ends in .html.
    """
    stamp = f"commit {report.commit}, {report.date}, {report.machine}, {report.minutes:g} minutes"
    lead = (
        f"<code>{escape(report.command)}</code><br>{escape(stamp)}; {len(shown)} layouts of {', '.join(shown.skills)}"
    )
    body = [card("A map of z", _said(_MAPS) + _maps(scatters)), _probes(report), _analogies(report)]
    for row, sheet in sheets.items():
        picture = f'<img alt="{escape(row)}" src="{data_uri(sheet, "image/png")}">'
        body.append(card(f"{row}: the first pairs", picture))
    write_text(path, page("What stage 1 knows", lead, "".join(body)))


def _said(text: str) -> str:
    return f'<p class="soft">{escape(text)}</p>'


def _maps(scatters: Sequence[Scatter]) -> str:
    figures = [f"<figure>{scatter_svg(one)}<figcaption>{escape(one.title)}</figcaption></figure>" for one in scatters]
    style = "display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(340px,1fr))"
    return f'<div style="{style}">{"".join(figures)}</div>'


def _probes(report: EvalReport) -> str:
    read = ("skill_accuracy", "object_accuracy", "target_accuracy", "contact_m_p50", "goal_m_p50")
    metrics = tuple(f"probe_{name}" for name in read)
    return card("What can be read off", _said(_PROBES) + _table(report.cells, metrics))


def _analogies(report: EvalReport) -> str:
    metrics = tuple(f"judged_{what}_rate" for what in _RATES)
    cells = [cell for cell in report.cells if cell.metric in metrics]
    rows = list(dict.fromkeys(cell.row for cell in cells))
    bars = {(_short(cell), cell.row): _bar(cell) for cell in cells if cell.low is not None}
    body = _said(_VIDEOS) + rate_chart(_RATES, [row for row in rows if any(key[1] == row for key in bars)], bars)
    return card("Vector arithmetic", body + _table(report.cells, (*metrics, "psnr_db", "nearest_is_b_rate")))


def _short(cell: EvalCell) -> str:
    return cell.metric.removeprefix("judged_").removesuffix("_rate")


def _bar(cell: EvalCell) -> Bar:
    return Bar(cell.value, cell.low or 0.0, 1.0 if cell.high is None else cell.high, f"{cell.row}: {_number(cell)}")


def _number(cell: EvalCell) -> str:
    if cell.low is not None and cell.high is not None:
        return f"{cell.value:.0%} ({cell.k}/{cell.n}, {cell.low:.0%} to {cell.high:.0%})"
    if cell.metric.endswith("_rate"):
        return f"{cell.value:.0%}"
    return f"{cell.value:.3g} (n {cell.n})"


def _table(cells: Sequence[EvalCell], metrics: Sequence[str]) -> str:
    """Rows against metrics, those that there are."""
    there = {(cell.row, cell.metric): _number(cell) for cell in cells if cell.metric in metrics}
    head = "".join(f"<th>{escape(word)}</th>" for word in ("", *metrics))
    lines = []
    for row in dict.fromkeys(row for row, _ in there):
        line = "".join(f"<td>{escape(there.get((row, metric), ''))}</td>" for metric in metrics)
        lines.append(f"<tr><td>{escape(row)}</td>{line}</tr>")
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(lines)}</table></div>'
