"""HDF5 files with errors that name the file and the field; h5py is imported when the first one is opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from understudy.episodes.importers.source import Frame
from understudy.errors import UnderstudyError

__all__ = ["dataset", "frames", "numbers", "opened"]

_FRAMES_A_READ = 16
"""Frames taken from the file at once: few enough for memory, enough to read a chunk only once."""


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The open file.

    Raises:
        UnderstudyError: h5py is missing, there is no such file, or it is no HDF5.
    """
    try:
        import h5py  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise UnderstudyError(f"{path}: reading HDF5 needs h5py: pip install 'understudy[formats]'") from error
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        reason = "no such file" if not path.is_file() else "no HDF5 file, or a damaged one"
        raise UnderstudyError(f"{path}: {reason}") from error
    with file:
        yield file


def dataset(path: Path, group: Any, name: str, ndim: int) -> Any:  # noqa: ANN401 - h5py is optional
    """The data set `name` of an open group, checked for its number of dimensions."""
    found = group.get(name)
    if found is None or not hasattr(found, "shape"):
        there = ", ".join(sorted(group)) or "nothing"
        raise UnderstudyError(f"{path}: no {name!r} in {group.name!r}, which holds {there}")
    if found.ndim != ndim or found.shape[0] == 0:
        raise UnderstudyError(f"{path}: {found.name!r} has shape {found.shape}, expected {ndim} dimensions, none empty")
    return found


def numbers(path: Path, group: Any, name: str, ndim: int, length: int | None = None) -> np.ndarray:  # noqa: ANN401
    """Read a numeric data set whole, as float64 (float32 would round time stamps)."""
    found = dataset(path, group, name, ndim)
    if length is not None and len(found) != length:
        raise UnderstudyError(f"{path}: {found.name!r} has {len(found)} rows, the episode {length}")
    try:
        values = np.asarray(found, dtype=np.float64)
    except (OSError, ValueError, TypeError) as error:
        raise UnderstudyError(f"{path}: {found.name!r} cannot be read as numbers: {error}") from error
    if not np.isfinite(values).all():
        raise UnderstudyError(f"{path}: {found.name!r} holds values that are not finite")
    return values


def frames(path: Path, name: str, bgr: bool = False) -> Iterator[Frame]:
    """Frames of the (T, H, W, 3) data set `name`, RGB, even-sized, a few in memory at a time."""
    from understudy.episodes.importers.image_file import even

    with opened(path) as file:
        images = dataset(path, file, name, 4)
        for start in range(0, len(images), _FRAMES_A_READ):
            try:
                block = images[start : start + _FRAMES_A_READ]
            except OSError as error:
                raise UnderstudyError(f"{path}: {images.name!r} cannot be read at frame {start}: {error}") from error
            for image in block.astype(np.uint8):
                yield even(image[..., ::-1] if bgr else image)
