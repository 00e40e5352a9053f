"""Small files of a data set joined into files of the size its readers expect, without decoding anything."""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Int

from understudy.episodes.episodes_table import with_column
from understudy.episodes.layout import FilePlace, Limits, data_file, video_file
from understudy.episodes.video_stream import join_videos, stream_format
from understudy.episodes.whole_folder import WholeFolder, link_or_copy

__all__ = ["merge_files"]


def merge_files(folder: WholeFolder, table: pa.Table, videos: Iterable[str], limits: Limits, fps: Fraction) -> pa.Table:
    """Join data files and mp4s as far as the limits allow; the caller commits.

    Args:
        folder: the data set.
        table: the episodes table.
        videos: names of the video features.
        limits: size of files and number of files in a chunk.
        fps: frames per second.

    Returns:
        The episodes table with the new places; the same object if nothing was to be joined.
    """
    lengths = table["length"].to_numpy()
    table = _merge(folder, table, "data", data_file, limits, limits.data_mb, lengths, _join_tables, lambda path: ())
    for name in videos:
        prefix = f"videos/{name}"
        before = _file_of(table, prefix)

        def join(paths: Sequence[Path], counts: Sequence[int], target: Path) -> None:
            join_videos(paths, counts, fps, target)

        def place_file(place: FilePlace, name: str = name) -> Path:
            return video_file(name, place)

        merged = _merge(folder, table, prefix, place_file, limits, limits.video_mb, lengths, join, stream_format)
        if merged is not table:
            table = _moved_in_time(merged, prefix, before, lengths, fps)
    return table


def _file_of(table: pa.Table, prefix: str) -> Int[np.ndarray, "E 2"]:
    """Chunk and file of each episode."""
    return np.stack([table[f"{prefix}/{name}"].to_numpy() for name in ("chunk_index", "file_index")], axis=1)


def _merge(
    folder: WholeFolder,
    table: pa.Table,
    prefix: str,
    path_of: Callable[[FilePlace], Path],
    limits: Limits,
    limit_mb: float | int,
    lengths: Int[np.ndarray, " E"],
    join: Callable[[Sequence[Path], Sequence[int], Path], None],
    format_of: Callable[[Path], tuple[object, ...]],
) -> pa.Table:
    """Join the files of one kind, and say in the table where the episodes are then."""
    of_episode = [FilePlace(int(chunk), int(file)) for chunk, file in _file_of(table, prefix)]
    old = list(dict.fromkeys(of_episode))
    counts = dict.fromkeys(old, 0)
    for place, length in zip(of_episode, lengths, strict=True):
        counts[place] += int(length)
    groups = _groups([folder.content(path_of(place)) for place in old], limit_mb, format_of)
    new = {place: limits.place(number) for number, group in enumerate(groups) for place in (old[i] for i in group)}
    if all(new[place] == place for place in old) and len(groups) == len(old):
        return table
    # Old and new names overlap: everything is made aside first.
    made = []
    for number, group in enumerate(groups):
        target = folder.scratch / f"{prefix.replace('/', '-')}-{number}{path_of(old[0]).suffix}"
        paths = [folder.content(path_of(old[i])) for i in group]
        if len(paths) > 1:
            join(paths, [counts[old[i]] for i in group], target)
        else:
            link_or_copy(paths[0], target)
        made.append(target)
    for place in old:
        folder.remove(path_of(place))
    for number, path in enumerate(made):
        folder.link(path, path_of(limits.place(number)))
        path.unlink()
    places = [new[place] for place in of_episode]
    table = with_column(table, f"{prefix}/chunk_index", np.array([place.chunk for place in places]))
    return with_column(table, f"{prefix}/file_index", np.array([place.file for place in places]))


def _groups(
    paths: Sequence[Path], limit_mb: float | int, format_of: Callable[[Path], tuple[object, ...]]
) -> list[list[int]]:
    """Neighbouring files that go together: of one format, and below the limit unless a single one is above it."""
    groups: list[list[int]] = []
    size, kind = 0, None
    for index, path in enumerate(paths):
        own_size, own_kind = path.stat().st_size, format_of(path)
        if groups and own_kind == kind and size + own_size <= limit_mb * 2**20:
            groups[-1].append(index)
            size += own_size
        else:
            groups.append([index])
            size, kind = own_size, own_kind
    return groups


def _moved_in_time(
    table: pa.Table, prefix: str, before: Int[np.ndarray, "E 2"], lengths: Int[np.ndarray, " E"], fps: Fraction
) -> pa.Table:
    """Say when each episode begins in its mp4 now: a file that was joined to others begins where they end."""
    after = _file_of(table, prefix)
    starts = np.rint(table[f"{prefix}/from_timestamp"].to_numpy() * float(fps)).astype(np.int64)  # [frames]
    offset = filled = 0
    for i in range(1, len(lengths)):
        filled += int(lengths[i - 1])
        if (after[i] != after[i - 1]).any():
            offset = filled = 0
        elif (before[i] != before[i - 1]).any():
            offset = filled
        starts[i] += offset
    start_s = [float(Fraction(int(start)) / fps) for start in starts]
    end_s = [float(Fraction(int(start + length)) / fps) for start, length in zip(starts, lengths, strict=True)]
    table = with_column(table, f"{prefix}/from_timestamp", np.array(start_s))
    return with_column(table, f"{prefix}/to_timestamp", np.array(end_s))


def _join_tables(paths: Sequence[Path], counts: Sequence[int], target: Path) -> None:
    """Copy parquet files into one, row group by row group: one for each episode."""
    with pq.ParquetFile(paths[0]) as first:
        schema = first.schema_arrow
    with pq.ParquetWriter(target, schema, write_page_checksum=True) as writer:
        for path in paths:
            with pq.ParquetFile(path, page_checksum_verification=True) as source:
                for group in range(source.num_row_groups):
                    writer.write_table(source.read_row_group(group, use_threads=False))
