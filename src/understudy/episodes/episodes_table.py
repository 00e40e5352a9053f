"""The episodes table while it grows: full files are left alone, only a short last one is written anew."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from understudy.episodes import layout
from understudy.episodes.layout import Limits
from understudy.episodes.whole_folder import WholeFolder

__all__ = ["EpisodesTable", "with_column"]

_ROWS_OF_LAST_FILE = 32
"""A file of so many rows is not written again."""


class EpisodesTable:
    """Rows of `meta/episodes`, spread over files.

    Args:
        limits: size of files; that of data files holds for these as well.
        stored: the table as it is on disk, if there is one.
    """

    def __init__(self, limits: Limits, stored: pa.Table | None = None) -> None:
        self._limits = limits
        self._full: list[pa.Table] = []
        self._written = 0  # full files that lie on disk as they are here
        self._last: list[pa.Table] = []
        if stored is not None:
            self.replace(stored)

    @property
    def num_rows(self) -> int:
        """Episodes."""
        return sum(table.num_rows for table in (*self._full, *self._last))

    @property
    def num_files(self) -> int:
        """Files they are spread over."""
        return len(self._full) + bool(self._last)

    def table(self) -> pa.Table:
        """All rows."""
        return pa.concat_tables([*self._full, *self._last])

    def add(self, row: dict) -> None:
        """Add the row of an episode."""
        place = self._limits.place(len(self._full))
        row = row | {"meta/episodes/chunk_index": place.chunk, "meta/episodes/file_index": place.file}
        self._last.append(pa.Table.from_pylist([row]))

    def replace(self, table: pa.Table) -> None:
        """Take other rows in the place of all; they go into as few files as the limits allow."""
        rows = max(1, int(self._limits.data_mb * 2**20 // max(1, table.nbytes // max(1, table.num_rows))))
        self._full = []
        for number, first in enumerate(range(0, table.num_rows, rows)):
            place, part = self._limits.place(number), table.slice(first, rows)
            part = with_column(part, "meta/episodes/chunk_index", np.full(part.num_rows, place.chunk))
            self._full.append(with_column(part, "meta/episodes/file_index", np.full(part.num_rows, place.file)))
        self._last, self._written = [], 0

    def write(self, folder: WholeFolder) -> None:
        """Write what has changed."""
        if self._written == 0:
            for path in folder.content(layout.EPISODES_FOLDER).glob("*/*.parquet"):
                folder.remove(path.relative_to(folder.content(layout.EPISODES_FOLDER).parent.parent))
        for number in range(self._written, len(self._full)):
            self._write_file(folder, number, [self._full[number]])
        self._written = len(self._full)
        if self._last:
            self._write_file(folder, self._written, self._last)
            if len(self._last) >= _ROWS_OF_LAST_FILE:
                self._full.append(pa.concat_tables(self._last))
                self._last, self._written = [], len(self._full)

    def _write_file(self, folder: WholeFolder, number: int, tables: Sequence[pa.Table]) -> None:
        path = folder.place(layout.episodes_file(self._limits.place(number)))
        pq.write_table(pa.concat_tables(tables), path, write_page_checksum=True)


def with_column(table: pa.Table, name: str, values: np.ndarray) -> pa.Table:
    """The table with one column replaced; its type stays."""
    index = table.schema.get_field_index(name)
    return table.set_column(index, name, pa.array(values, table.schema.field(index).type))
