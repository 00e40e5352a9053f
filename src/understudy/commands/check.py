"""`understudy check`: what trips people in a data set, before it trips you."""

from pathlib import Path

import tyro

__all__ = ["run"]

EXIT_FINDINGS = 1


def run(
    datasets: tyro.conf.Positional[tuple[Path, ...]],
    json: bool = False,
    quick: bool = False,
    hands: bool = False,
) -> int:
    """Look for what trips people; print one line a finding, with file, episode and field.

    Exit code 0: clean; 1: findings; 2: no data set there.

    Looks for broken files, NaN, wrong statistics and frame rates, hands out of sight, pictures that stand still,
    red and blue exchanged, quaternions that change sign, jumps, values beyond limits, false pairs, leaked splits,
    data sets of one body that cannot be used together.
    Data sets named together are taken as used together: as pairs, or as training and test. docs/formats.md says how
    each is found, and what cannot be told.

    Examples:
      understudy check data/push
      understudy check data/train data/test --json
      understudy check data/people --hands

    Args:
        datasets: Data sets, or folders of a recording with several.
        json: Print the findings as JSON.
        quick: Do not decode every frame of every video; the checks of pictures look at samples anyway.
        hands: Run the hand detector where nothing else tells whether a hand is seen.
    """
    from rich.console import Console

    from understudy.commands.findings_table import print_findings
    from understudy.episodes.check.examine import examine
    from understudy.errors import UnderstudyError

    if not datasets:
        raise UnderstudyError("name at least one data set")
    with Console(stderr=True).status("checking", spinner="dots") as status:
        findings = examine(datasets, decode=not quick, detect_hands=hands, progress=status.update)
    if json:
        from json import dumps

        print(dumps([finding.as_json() for finding in findings], indent=2))
    elif findings:
        print_findings(findings)
    else:
        print("clean")
    return EXIT_FINDINGS if findings else 0
