"""Some columns of a data set made anew, in a copy that shares all videos with it."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Shaped

from understudy.episodes import layout
from understudy.episodes.features import Feature, arrow_schema
from understudy.episodes.layout import FilePlace
from understudy.episodes.metadata import read_episodes, read_tasks
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.running_statistics import RunningStatistics
from understudy.episodes.staged_episode import as_table
from understudy.episodes.statistics import Statistics, number_statistics
from understudy.episodes.whole_folder import WholeFolder
from understudy.errors import UnderstudyError

__all__ = ["files_below", "rewrite_columns"]

Columns = Mapping[str, Shaped[np.ndarray, "T n"]]


def rewrite_columns(
    source: Path,
    out: Path,
    features: Mapping[str, Feature],
    columns_of: Callable[[EpisodeReader, int], Columns],
    on_episode: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Copy the data set `source` to `out` with the columns of `features` in the place of those it has of these names.

    Videos are linked where the file system can. `out` appears when it is complete.

    Args:
        source: a data set of this package.
        out: must not exist.
        features: numeric columns that are made anew, or added; their masks must be among them, or be there.
        columns_of: of an episode of T frames, (T, n) finite values for each of them.
        on_episode: called with the number of episodes done and that of all.

    Returns:
        The number of episodes.

    Raises:
        UnderstudyError: `out` exists, or `source` cannot be read.
    """
    if out.exists():
        raise UnderstudyError(f"{out}: exists; choose another folder")
    reader = EpisodeReader(source)
    folder = WholeFolder(out, fresh=True)
    try:
        rewriting = _Rewriting(reader, folder, {**reader.features, **features}, set(features))
        rewriting.link_the_rest()
        rewriting.write_data(columns_of, on_episode)
        rewriting.write_metadata()
        folder.commit()
    finally:
        folder.close()
    return reader.num_episodes


def files_below(root: Path) -> list[Path]:
    """All files, those of linked folders included."""
    return sorted(Path(folder, name) for folder, _, names in os.walk(root, followlinks=True) for name in names)


class _Rewriting:
    def __init__(
        self, reader: EpisodeReader, folder: WholeFolder, features: Mapping[str, Feature], new: set[str]
    ) -> None:
        self._reader, self._folder, self._features, self._new = reader, folder, features, new
        self._of_episode: list[dict[str, Statistics]] = []
        self._of_all = {
            name: RunningStatistics(features[name].shape[0], np.dtype(features[name].dtype)) for name in new
        }

    def link_the_rest(self) -> None:
        """All files but those that say or hold numbers."""
        root = self._reader.root
        for path in files_below(root):
            name = path.relative_to(root)
            numbers = name.parts[0] == "data" or name in (layout.INFO_FILE, layout.STATISTICS_FILE)
            if not numbers and not name.is_relative_to(layout.EPISODES_FOLDER):
                self._folder.link(path.resolve(), name)

    def write_data(
        self,
        columns_of: Callable[[EpisodeReader, int], Columns],
        on_episode: Callable[[int, int], None],
    ) -> None:
        """The data files, a row group for each episode, as they were written."""
        schema = arrow_schema(self._features)
        done = 0
        for place, episodes in self._files():
            with pq.ParquetWriter(
                self._folder.place(layout.data_file(place)), schema, write_page_checksum=True
            ) as writer:
                for index in episodes:
                    columns = dict(columns_of(self._reader, index))
                    self._count(columns, index)
                    for name, feature in self._features.items():
                        if name not in self._new and not feature.is_video:
                            columns[name] = self._reader.column(name, index)
                    writer.write_table(as_table(columns, schema))
                    done += 1
                    on_episode(done, self._reader.num_episodes)

    def _files(self) -> Iterator[tuple[FilePlace, list[int]]]:
        """Data files and the episodes in each, in order."""
        table = read_episodes(self._reader.root)
        episodes: dict[FilePlace, list[int]] = {}
        places = (table[f"data/{name}_index"].to_pylist() for name in ("chunk", "file"))
        for index, (chunk, file) in enumerate(zip(*places, strict=True)):
            episodes.setdefault(FilePlace(chunk, file), []).append(index)
        yield from episodes.items()

    def _count(self, columns: Columns, index: int) -> None:
        statistics = {}
        for name in sorted(self._new):
            mask = self._features[name].mask
            valid = None
            if mask:
                valid = (columns[mask] if mask in columns else self._reader.column(mask, index))[:, 0]
            statistics[name] = number_statistics(columns[name], valid)
            self._of_all[name].add(columns[name], valid)
        self._of_episode.append(statistics)

    def write_metadata(self) -> None:
        """What the data set says of itself, with the statistics of the new columns."""
        reader, info = self._reader, self._reader.info
        path = self._folder.place(layout.episodes_file(FilePlace(0, 0)))
        pq.write_table(self._episodes(), path, write_page_checksum=True)
        statistics = dict(reader.statistics) | {name: running.statistics() for name, running in self._of_all.items()}
        totals = layout.Totals(reader.num_episodes, reader.num_frames, len(read_tasks(reader.root)), reader.splits)
        texts = {
            layout.STATISTICS_FILE: layout.statistics_text({name: dict(s) for name, s in statistics.items()}),
            layout.INFO_FILE: layout.info_text(self._features, info.fps, info.robot_type, totals, info.limits),
        }
        for name, text in texts.items():
            self._folder.place(name).write_text(text, encoding="utf-8")

    def _episodes(self) -> pa.Table:
        table = read_episodes(self._reader.root)
        for name in ("chunk", "file"):
            index = table.schema.get_field_index(f"meta/episodes/{name}_index")
            zeros = pa.array(np.zeros(table.num_rows), table.schema.field(index).type)
            table = table.set_column(index, table.schema.field(index).name, zeros)
        for name in sorted(self._new):
            for key in self._of_episode[0][name]:
                field = f"stats/{name}/{key}"
                values = pa.array([statistics[name][key].tolist() for statistics in self._of_episode])
                index = table.schema.get_field_index(field)
                table = table.append_column(field, values) if index < 0 else table.set_column(index, field, values)
        return table
