"""A recording with a bar: how far it is, how fast, how long still."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from understudy.episodes.recording.plan import RecordingPlan
from understudy.episodes.recording.recorder import RecordingReport, record

__all__ = ["record_with_progress"]


class _Speed(ProgressColumn):
    """Episodes a minute."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{60 * speed:.1f}/min")


def record_with_progress(plan: RecordingPlan, out: Path, episodes: int, processes: int) -> RecordingReport:
    """Record, and draw a bar on stderr."""
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=300.0) as progress:
        bar = progress.add_task("record", total=episodes)
        return record(plan, out, episodes, processes=processes, advance=lambda n: progress.advance(bar, n))
