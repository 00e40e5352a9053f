"""Which episodes of a recording are learned from, written after its folder.

| written | learned from |
|---|---|
| `data/tabletop` | all episodes of all embodiments |
| `data/tabletop@push` | those of the task `push` |
| `data/tabletop@push:40` | the first 40 of them |
| `data/tabletop@:40` | the first 40 of all |
| `data/tabletop/human_hand@push` | what people did; robots' data of the same recording are left alone |
"""

from dataclasses import dataclass
from pathlib import Path

from understudy.embodiments import EMBODIMENTS
from understudy.episodes.reader import EpisodeReader
from understudy.errors import UnderstudyError

__all__ = ["Selection"]


@dataclass(frozen=True)
class Selection:
    """A recording, and what of it is learned from."""

    root: Path
    """The recording: a folder with a data set for each embodiment."""
    embodiment: str | None = None
    """Who acts; None: everybody who was recorded."""
    task: str | None = None
    count: int | None = None
    """Only the first so many of what is left; of all embodiments the same layouts."""

    @classmethod
    def of(cls, written: Path) -> "Selection":
        """As it was written; see the table above. A folder that is there is taken by its name, `@` and all.

        Raises:
            UnderstudyError: what follows the `@` is no task and no number.
        """
        path, task, count = written, "", ""
        if "@" in written.name and not written.exists():
            name, _, rest = written.name.rpartition("@")
            task, _, count = rest.partition(":")
            if not name or not (task or count) or (count and not (count.isdecimal() and int(count))):
                raise UnderstudyError(f"{written}: must be FOLDER@TASK, FOLDER@TASK:COUNT or FOLDER@:COUNT")
            path = written.with_name(name)
        alone = path.name in EMBODIMENTS
        return cls(
            path.parent if alone else path,
            path.name if alone else None,
            task or None,
            int(count) if count else None,
        )

    def shows(self, embodiment: str) -> bool:
        """Whether what that embodiment did is learned from."""
        return self.embodiment in (None, embodiment)

    def episodes(self, reader: EpisodeReader) -> list[int]:
        """Numbers of the chosen episodes in one data set of the recording, in their order.

        Raises:
            UnderstudyError: there is none of the task, or there are fewer than `count`.
        """
        if self.task is None:
            found = list(range(reader.num_episodes))
        else:
            episodes = [reader.episode(index) for index in range(reader.num_episodes)]
            tasks = [str(episode.metadata.get("task", episode.task)) for episode in episodes]
            found = [index for index, task in enumerate(tasks) if task == self.task]
            if not found:
                raise UnderstudyError(
                    f"{reader.root}: no episode of {self.task!r}: has {', '.join(sorted(set(tasks)))}"
                )
        if self.count is not None and len(found) < self.count:
            what = f" of {self.task}" if self.task else ""
            raise UnderstudyError(f"{reader.root}: {len(found)} episodes{what}, {self.count} were asked for")
        return found[: self.count]
