"""Which rows of an episode make one training window: past observations, future actions, phases of the whole."""

import numpy as np
from jaxtyping import Bool, Float, Int

__all__ = ["even_frames", "future", "past", "phases", "uneven_frames"]


def past(steps: Int[np.ndarray, " M"], offsets: tuple[int, ...]) -> Int[np.ndarray, "M H"]:
    """Rows `step - offset`; before the beginning, row 0 stands in, as a policy repeats its first observation.

    Args:
        steps: present rows.
        offsets: how many steps back, 0 for the present.
    """
    return np.maximum(steps[:, None] - np.asarray(offsets, dtype=np.int64), 0)


def future(
    steps: Int[np.ndarray, " M"], chunk: int, length: int
) -> tuple[Int[np.ndarray, "M K"], Bool[np.ndarray, "M K"]]:
    """Rows of the next `chunk` actions, and which of them exist; past the end the last row stands in."""
    rows = steps[:, None] + np.arange(chunk)
    return np.minimum(rows, length - 1), rows < length


def phases(values: Float[np.ndarray, "T A"], count: int) -> Float[np.ndarray, "P A"]:
    """`count` rows evenly spaced in time from first to last, linear in between."""
    places = np.linspace(0, len(values) - 1, count)
    left = np.minimum(places.astype(np.int64), max(len(values) - 2, 0))
    right = np.minimum(left + 1, len(values) - 1)
    share = (places - left)[:, None].astype(values.dtype)
    return values[left] * (1 - share) + values[right] * share


def even_frames(length: int, count: int) -> Int[np.ndarray, " N"]:
    """`count` frame numbers evenly spaced from the first to the last of `length`; a short clip repeats frames."""
    return np.linspace(0, length - 1, count).round().astype(np.int64)


def uneven_frames(length: int, count: int, rng: np.random.Generator) -> Int[np.ndarray, " N"]:
    """As `even_frames`, each moved by up to half of the gap to the next: the same clip, never twice alike."""
    gap = (length - 1) / max(count - 1, 1)
    places = np.linspace(0, length - 1, count) + gap * rng.uniform(-0.5, 0.5, count)
    return np.clip(places.round(), 0, length - 1).astype(np.int64)
