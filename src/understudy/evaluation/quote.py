"""Keep the tables in documents, and the page beside each result file, equal to the result files.

A document holds `<!-- table: results/NAME.json -->`, the table, `<!-- /table -->`; optional words after the file name
pick cells: `rows=oracle,kinematic metrics=success_rate`, and `columns=None` for cells without a column. With
`beside=paper` the picked cells of all metrics are one table, each with the paper's number where it has one. Run
`python -m understudy.evaluation.quote` from the project's root to refresh README.md, docs/*.md and results/*.md; with
`--check` it only says which are stale, and exits with 1.
"""

import re
import sys
from pathlib import Path

from understudy.errors import UnderstudyError
from understudy.evaluation.result_file import beside_paper, markdown_page, markdown_tables, read_report

__all__ = ["quoted", "stale_documents"]

_BLOCK = re.compile(r"(<!-- table: (?P<file>\S+)(?P<picks>[^>]*) -->\n).*?(<!-- /table -->)", re.DOTALL)


def _table(root: Path, match: re.Match[str]) -> str:
    report = read_report(root / match["file"])
    picks = dict(word.split("=", 1) for word in match["picks"].split())
    beside = picks.pop("beside", "")
    if beside not in ("", "paper"):
        raise UnderstudyError(f"table of {match['file']}: nothing is shown beside={beside}; use beside=paper")
    unknown = set(picks) - {"rows", "columns", "metrics", "robots", "prompts"}
    if unknown:
        raise UnderstudyError(
            f"table of {match['file']}: no pick by {', '.join(unknown)}; use rows, columns, metrics, robots, prompts"
        )
    cells = [
        cell
        for cell in report.cells
        if all(str(getattr(cell, kind[:-1])) in names.split(",") for kind, names in picks.items())
    ]
    seeds = sorted({cell.seed for cell in cells if cell.seed is not None})
    stamp = f"commit {report.commit}, {report.date}, {report.machine}, {report.minutes:g} min"
    if seeds:
        stamp += f", first seed {', '.join(map(str, seeds))}"
    tables: list[tuple[str | None, str]] = [(None, beside_paper(cells))] if beside else markdown_tables(cells)
    named = "\n\n".join((f"{metric}:\n\n" if metric and len(tables) > 1 else "") + table for metric, table in tables)
    return f"{match[1]}{named}\n\nMade by `{report.command}` ({stamp}).\n{match[4]}"


def quoted(root: Path, text: str) -> str:
    """`text` with every marked table made anew from its result file below `root`."""
    return _BLOCK.sub(lambda match: _table(root, match), text)


def stale_documents(root: Path) -> dict[Path, str]:
    """Documents below `root` that differ from its result files, with what they should hold.

    Those with tables (README.md, docs/*.md), and the page beside each result file in results/.
    """
    pages = [root / "README.md", *sorted((root / "docs").glob("*.md"))]
    texts = {page: page.read_text(encoding="utf-8") for page in pages if page.exists()}
    wanted = {page: quoted(root, text) for page, text in texts.items()}
    for file in sorted((root / "results").glob("*.json")):
        page = file.with_suffix(".md")
        texts[page] = page.read_text(encoding="utf-8") if page.exists() else ""
        wanted[page] = markdown_page(read_report(file))
    return {page: new for page, new in wanted.items() if new != texts[page]}


def main() -> int:
    """Refresh or check the documents of the current folder."""
    stale = stale_documents(Path())
    if "--check" in sys.argv[1:]:
        for page in stale:
            print(f"{page}: not what the result files say; run python -m understudy.evaluation.quote")
        return 1 if stale else 0
    for page, text in stale.items():
        page.write_text(text, encoding="utf-8")
        print(f"{page}: refreshed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
