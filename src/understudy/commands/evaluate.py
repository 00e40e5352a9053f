"""`understudy evaluate`: the tables of the benchmark."""

from pathlib import Path

import tyro

__all__ = ["run"]


def run(
    suite: tyro.conf.Positional[str],
    episodes: int = 100,
    out: Path = Path("results"),
    runs: Path = Path("runs"),
    first_seed: int | None = None,
    processes: int = 2,
) -> None:
    """Run a suite of the benchmark and write its result file (JSON, and a table in Markdown).

    Finished episodes are kept, so an interrupted run goes on where it stopped.

    Examples:
      understudy list suites
      understudy evaluate watch --episodes 5 --out /tmp/results
      understudy evaluate watch

    Args:
        suite: See `understudy list suites`.
        episodes: Layouts per task.
        out: Folder of the result file.
        runs: Folder where finished episodes are kept.
        first_seed: Seed of the first layout; the sealed test range by default.
        processes: How many run side by side.
    """
    from understudy.evaluation.suites import run_suite

    run_suite(suite, episodes=episodes, out=out, runs=runs, first_seed=first_seed, processes=processes)
    print(f"see {out / f'{suite}.json'} and {out / f'{suite}.md'}")
