"""`understudy retarget`: what recorded people did, as actions of a robot, made anew."""

from pathlib import Path

import tyro

__all__ = ["run"]


def run(data: tyro.conf.Positional[Path], out: Path, robots: tuple[str, ...] = ()) -> None:
    """Retarget the tracked people of a recording anew: for another robot, or with a retargeting that has become better.

    Hands are not tracked again. The new recording shares clips and other data sets with the old one (hard links where
    the disk has them), so that it costs little; the old one stays as it is.

    Examples:
      understudy retarget data/people/push --robots xarm7_xhand xarm7_gripper --out data/people_both/push
      understudy retarget data/three --out data/three_again

    Args:
        data: A recording with human_hand in it, or that data set itself.
        out: Folder of the new one; must not exist.
        robots: Whose actions are wanted; by default those of the robots that the recording has.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from understudy.episodes.recording.retargeted import retarget_recording

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("episodes", total=None)
        count, made = retarget_recording(
            data, out, robots, lambda done, total: progress.update(bar, completed=done, total=total)
        )
    print(f"{count} episodes, actions of {', '.join(made)}: see {out}")
