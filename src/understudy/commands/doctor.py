"""`understudy doctor`: is everything here that the other commands need?"""

import sys

from rich.console import Console

__all__ = ["run"]


def run(fix: bool = False) -> int:
    """Check this machine and say, for each thing that is missing, the exact line that installs it.

    Exit code 0 if nothing is missing, 1 otherwise.

    Examples:
      understudy doctor
      understudy doctor --fix

    Args:
        fix: Fetch the hand model first if it is not there (36 MB, once, from the package registry).
    """
    from understudy.commands.machine import CHECKS
    from understudy.perception.bundle import ensure_bundle

    if fix:
        ensure_bundle()
    missing = []
    console = Console(highlight=False, soft_wrap=True)
    for check in CHECKS:
        finding = check()
        mark = "[green]ok     [/green]" if finding.ok else "[red]missing[/red]"
        console.print(f"{mark} {finding.what:<17} ", end="")
        console.print(finding.detail, markup=False)
        if not finding.ok:
            missing.append(finding)
    for finding in missing:
        print(f"error: {finding.what}: {finding.detail}\n  mend it with: {finding.remedy}", file=sys.stderr)
    return 1 if missing else 0
