"""Quaternions that change sides: q and -q are the same rotation, but not the same numbers to a network.

Found along time (neighbouring frames), and between state and action of the same frame, as in the published XHand
episodes. Quaternions are found by the names of their numbers (qw, qx, qy, qz), or, where numbers have no such names,
as four neighbouring ones of unit length throughout.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float

from understudy.episodes.check.finding import Finding
from understudy.episodes.check.subject import Subject

__all__ = ["find_quaternion_flips", "quaternion_places"]

_PARTS = ("qw", "qx", "qy", "qz")
_UNIT = 1e-3
"""Deviation from unit length in single precision, with room."""
_TURN = 0.5
"""A flip has a dot product below minus this: nobody turns by more than 120 degrees within a frame."""
_STATE, _ACTION = "observation.state", "action"


def find_quaternion_flips(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Episodes in which a quaternion changes its sign along time, or differs in sign between state and action."""
    for subject in subjects:
        places = {name: quaternion_places(subject, name) for name in subject.numbers}
        for name, found in places.items():
            for index in subject.episodes:
                rows, valid = subject.column(name, index), subject.valid(name, index)
                for place in found:
                    yield from _along_time(subject, name, index, place, rows, valid)
        if set(places.get(_STATE, [])) & set(places.get(_ACTION, [])):
            for index in subject.episodes:
                for place in sorted(set(places[_STATE]) & set(places[_ACTION])):
                    yield from _between(subject, index, place)


def quaternion_places(subject: Subject, name: str) -> list[tuple[int, ...]]:
    """Where the numbers of each quaternion stand in a feature."""
    names = subject.reader.features[name].names or ()
    by_name: dict[str, dict[str, int]] = {}
    for place, word in enumerate(names):
        if word[-2:] in _PARTS:
            by_name.setdefault(word[:-2], {})[word[-2:]] = place
    named = [tuple(sorted(parts.values())) for parts in by_name.values() if len(parts) == len(_PARTS)]
    return named or _unit_quadruples(subject, name)


def _unit_quadruples(subject: Subject, name: str) -> list[tuple[int, ...]]:
    """Four neighbouring numbers of unit length in all valid rows, in which none is constant: no accident."""
    parts = [subject.column(name, index)[subject.valid(name, index)] for index in subject.episodes]
    rows = np.concatenate(parts).astype(float)
    found: list[tuple[int, ...]] = []
    for first in range(rows.shape[1] - 3):
        numbers = rows[:, first : first + 4]
        unit = len(numbers) > 1 and (np.abs(np.linalg.norm(numbers, axis=1) - 1) < _UNIT).all()
        if unit and (np.ptp(np.abs(numbers), axis=0) > _UNIT).all() and not (found and first <= found[-1][-1]):
            found.append(tuple(range(first, first + 4)))
    return found


def _along_time(
    subject: Subject,
    name: str,
    index: int,
    place: tuple[int, ...],
    rows: Float[np.ndarray, "T n"],
    valid: Bool[np.ndarray, " T"],
) -> Iterator[Finding]:
    seen = np.flatnonzero(valid)
    q = rows[seen][:, place].astype(float)
    flips = [b for (a, b), dot in zip(pairwise(seen), np.sum(q[1:] * q[:-1], axis=1), strict=True) if dot < -_TURN]
    if flips:
        message = f"the quaternion at {_span(place)} changes sign {len(flips)} times, first in frame {flips[0]}"
        yield Finding("quaternion_signs", subject.root, index, name, message)


def _between(subject: Subject, index: int, place: tuple[int, ...]) -> Iterator[Finding]:
    valid = subject.valid(_STATE, index) & subject.valid(_ACTION, index)
    state, action = (subject.column(name, index)[:, place].astype(float) for name in (_STATE, _ACTION))
    opposite = valid & (np.sum(state * action, axis=1) < -_TURN)
    if opposite.any():
        message = f"the quaternion at {_span(place)} has the other sign than in {_STATE} in {opposite.sum()} frames"
        yield Finding("quaternion_signs", subject.root, index, _ACTION, message)


def _span(place: tuple[int, ...]) -> str:
    return f"{place[0]}:{place[-1] + 1}"
