"""Findings of `understudy check` as a table on the terminal."""

from collections import Counter
from collections.abc import Sequence

from understudy.episodes.check.finding import Finding

__all__ = ["print_findings"]

_SHOWN_A_CHECK = 12
"""Rows of one check: a fault of the recorder is in every episode, and the twelfth line of it tells nothing new."""


def print_findings(findings: Sequence[Finding]) -> None:
    """One row a finding, the first few of each check, and how many more there are."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        "check", "data set or file", "episode", "field", "what", box=None, header_style="bold", pad_edge=False
    )
    for column in table.columns[:4]:
        column.overflow = "fold"
    shown: Counter[str] = Counter()
    for finding in findings:
        shown[finding.check] += 1
        if shown[finding.check] <= _SHOWN_A_CHECK:
            episode = "" if finding.episode is None else str(finding.episode)
            row = (finding.check, str(finding.file), episode, finding.field, finding.message)
            table.add_row(*map(escape, row))
    console = Console()
    console.print(table)
    more = [f"{count - _SHOWN_A_CHECK} of {check}" for check, count in shown.items() if count > _SHOWN_A_CHECK]
    console.print(f"{len(findings)} findings" + (f"; not shown: {', '.join(more)} (see --json)" if more else ""))
