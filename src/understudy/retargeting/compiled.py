"""`compiled`: numba's njit with a cache on disk where a folder can be written, and without one where none can."""

from collections.abc import Callable
from typing import Any, TypeVar

import numba

__all__ = ["compiled"]

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile for float64 in IEEE arithmetic (no fastmath), releasing the interpreter's lock.

    Numba keeps the machine code beside the source, else in the user's cache folder, else where NUMBA_CACHE_DIR says. On
    a machine where none of them can be written (an installation that is read only, without a home) it refuses to
    define the function at all; there the function is compiled anew in every process, a few seconds each.
    """
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError as error:
        if "cannot cache function" not in str(error):
            raise
        return numba.njit(nogil=True)(function)
