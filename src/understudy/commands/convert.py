"""`understudy convert`: recordings of others become a data set of ours."""

from pathlib import Path

import tyro

__all__ = ["run"]


def run(source: tyro.conf.Positional[Path], format: str, out: Path, episodes: int | None = None) -> None:
    """Read recordings in another format and write them as a LeRobot v3 data set.

    Formats: bridge_v2, dexycb, hoi4d, hr_hdf5, rh20t, rh20t_human, robomimic, xhand_json. docs/formats.md says what is
    read of each, in which units, and what is left out. Frames are streamed; a run that fails leaves nothing behind.

    Examples:
      understudy convert lift.hdf5 --format robomimic --out data/lift
      understudy convert HumanAndRobot/v1 --format hr_hdf5 --out data/hr --episodes 100
      understudy convert xhand/ --format xhand_json --out data/xhand

    Args:
        source: File or folder of the recordings.
        format: Format of the recordings, one of those above.
        out: Folder of the new data set; must not exist.
        episodes: Convert only so many, from the first.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from understudy.episodes.importers.convert import convert

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("episodes", total=None)
        count = convert(
            source,
            format,
            out,
            episodes=episodes,
            on_episode=lambda done, total: progress.update(bar, completed=done, total=total),
        )
    print(f"{count} episodes: see {out}")
