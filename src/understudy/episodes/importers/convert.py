"""A foreign data set becomes one of ours: LeRobot v3, written whole or not at all."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from understudy.episodes.importers import IMPORTERS
from understudy.episodes.importers.source import Frame
from understudy.episodes.writer import EpisodeWriter
from understudy.errors import UnderstudyError, UnknownName

__all__ = ["convert"]


def convert(
    source: Path,
    format_name: str,
    out: Path,
    *,
    episodes: int | None = None,
    on_episode: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Write the episodes of `source` to a new data set `out`; returns how many.

    Args:
        source: file or folder of the foreign data set.
        format_name: which of `IMPORTERS` reads it.
        out: folder of the new data set; must not exist.
        episodes: take only so many, from the first.
        on_episode: called with (episodes done, episodes in all) before the first and after each.

    Raises:
        UnderstudyError: unknown format, `source` is none of that format or damaged, or `out` exists. Nothing is left.
    """
    if format_name not in IMPORTERS:
        raise UnknownName("format", format_name, IMPORTERS)
    if not source.exists():
        raise UnderstudyError(f"{source}: no such file or folder")
    if episodes is not None and episodes < 1:
        raise UnderstudyError(f"episodes must be at least 1, not {episodes}")
    opened = IMPORTERS[format_name](source)
    total = opened.num_episodes if episodes is None else min(episodes, opened.num_episodes)
    on_episode(0, total)
    with EpisodeWriter(out, opened.fps, opened.features, opened.robot_type) as writer:
        for done, episode in enumerate(islice(opened.episodes, total), 1):
            where = f"{episode.metadata.get('source', source)}"
            videos = {
                name: _sized(f"{where}: {name}", opened.features[name].shape, frames)
                for name, frames in episode.videos.items()
            }
            writer.add_episode(episode.columns, videos, episode.task, episode.metadata)
            on_episode(done, total)
    return total


def _sized(where: str, shape: tuple[int, ...], frames: Iterable[Frame]) -> Iterator[Frame]:
    """The frames, as long as they have the size of the first episode's."""
    for index, frame in enumerate(frames):
        if frame.shape != shape:
            raise UnderstudyError(
                f"{where}: frame {index} is {frame.shape[1]}x{frame.shape[0]}, those of the first episode "
                f"{shape[1]}x{shape[0]}: convert recordings of different sizes one by one"
            )
        yield frame
