"""A recording with a bar: how far it is, how fast, how long still."""

from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from understudy.episodes.recording.plan import RecordingPlan
from understudy.episodes.recording.recorder import RecordingReport, record

__all__ = ["record_with_progress"]


class _Pace(ProgressColumn):
    """Episodes a minute since the start of this run, and the time that the rest takes at this pace."""

    def render(self, task: Task) -> Text:
        """As `12.3/min 0:04:10`."""
        first = task.fields["first"]
        new = 0 if first is None else task.completed - first
        if not new or not task.elapsed or task.total is None:
            return Text("")
        left = timedelta(seconds=round((task.total - task.completed) * task.elapsed / new))
        return Text(f"{60 * new / task.elapsed:.1f}/min {left}")


def record_with_progress(plan: RecordingPlan, out: Path, episodes: int, processes: int) -> RecordingReport:
    """Record, and draw a bar on stderr."""
    columns = (TextColumn("[progress.description]{task.description}"), BarColumn(), MofNCompleteColumn(), _Pace())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("record", total=episodes, visible=False, first=None)

        def advance(done: int) -> None:
            first = progress.tasks[bar].fields["first"]
            progress.update(bar, completed=done, visible=True, first=done if first is None else first)

        return record(plan, out, episodes, processes=processes, advance=advance)
