"""`understudy evaluate`: the tables of the benchmark."""

from pathlib import Path

import tyro

__all__ = ["run"]


def run(
    suite: tyro.conf.Positional[str],
    policy: tuple[str, ...] = (),
    episodes: int | None = None,
    first_seed: int | None = None,
    robots: tuple[str, ...] = (),
    tasks: tuple[str, ...] = (),
    prompts: tuple[str, ...] = (),
    axis: str | None = None,
    row_episodes: dict[str, int] = {},  # noqa: B006 (tyro reads the default; nobody writes to it)
    row_prompts: dict[str, str] = {},  # noqa: B006
    out: Path = Path("results"),
    runs: Path = Path("runs"),
    processes: int = 2,
    films: bool = True,
) -> None:
    """Run a suite of the benchmark: a result file (JSON, and a table in Markdown) and a page to look at.

    Every row meets the same layouts from the same initial state. Finished episodes are kept, so an interrupted run
    goes on where it stopped; another checkpoint never uses the episodes of the one before. Rows are the suite's own
    and the pretrained policies of its methods unless others are named: `oracle` replays the true hand, `kinematic`
    the tracked one, everything else is a policy of `understudy list policies` or a policy folder.

    The result file is SUITE.json, SUITE_AXIS.json with --axis, and ends in _validation (or _train) where the seeds are
    not test seeds. What a row was run on is replaced, other tasks and rows stay; a run with another --first-seed,
    --episodes, --tasks or --prompts is another table and is refused, so give it another --out. A row with a policy for
    each task needs as many for each; it has a column `all` if one command names it for all tasks.

    Examples:
      understudy list suites
      understudy evaluate first_policies --policy runs/my_run/policy oracle --episodes 5 --out /tmp/results
      understudy evaluate first_policies --row-episodes kinematic 10
      understudy evaluate watch
      understudy evaluate video_prompt_skills --policy full@push=runs/push/policy full@hold=runs/hold/policy oracle

    Args:
        suite: A name of `understudy list suites`.
        policy: Rows: NAME_OR_FOLDER, ROW=..., ROW@TASK=...; several of one row are training seeds. Default: see above.
        episodes: Layouts per task; as many as the suite says by default.
        first_seed: Seed of the first layout; the sealed test range by default. Choices belong on 1000000 and above.
        robots: Robots that rows act on; the suite's by default.
        tasks: Only these tasks of the suite; all by default.
        prompts: Only these prompts: right, wrong, blank, moved, distractors, camera_turned, unseen_person.
        axis: In layouts that differ from the usual ones in one respect, such as `position`; docs/simulation.md has all.
        row_episodes: Fewer layouts per task for slow rows: ROW NUMBER ROW NUMBER ...
        row_prompts: Fewer prompts for some rows: ROW PROMPT,PROMPT ROW PROMPT ...
        out: Folder of the result file.
        runs: Folder where finished episodes, clips and the page are kept.
        processes: How many episodes run side by side, one thread each; 0 runs them in this process.
        films: Run the quickest successes and the worst failures again, for films on the page.
    """
    from understudy.evaluation.run_suite import SuiteOptions, run_suite
    from understudy.simulation.seeds import TEST

    options = SuiteOptions(
        policies=policy,
        episodes=episodes,
        first_seed=TEST.start if first_seed is None else first_seed,
        robots=robots,
        tasks=tasks,
        prompts=prompts,
        axis=axis,
        row_episodes=row_episodes,
        row_prompts=row_prompts,
        out=out,
        runs=runs,
        processes=processes,
        films=films,
    )
    name = run_suite(suite, options).name
    print(f"see {out / f'{name}.md'}, {out / f'{name}.json'} and {runs / suite / f'{name}.html'}")
