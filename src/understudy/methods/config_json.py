"""Frozen configurations to JSON and back, nested ones and tuples included."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from understudy.errors import UnderstudyError

__all__ = ["config_from_json"]

C = TypeVar("C")
_PLAIN: Mapping[type, tuple[type, ...]] = {int: (int,), float: (int, float), str: (str,), bool: (bool,)}
"""Type of a field -> what JSON may hold there."""


def config_from_json(kind: type[C], content: object, where: str) -> C:
    """Make `kind` from what `dataclasses.asdict` and JSON made of it.

    Args:
        kind: a dataclass whose fields are plain values, tuples of them, or such dataclasses.
        content: JSON object.
        where: file and field, for errors.

    Raises:
        UnderstudyError: a field that `kind` does not have, one that is missing and has no default, or a plain value of
            another type.
    """
    if not isinstance(content, Mapping):
        raise UnderstudyError(f"{where}: must be an object with the fields of {kind.__name__}")
    assert is_dataclass(kind)
    hints, known = get_type_hints(kind), [field.name for field in fields(kind)]
    values = {}
    for name, value in content.items():
        if name not in known:
            raise UnderstudyError(f"{where}: unknown field {name!r}; valid: {', '.join(known)}")
        if is_dataclass(hints[name]):
            value = config_from_json(hints[name], value, f"{where}.{name}")
        elif get_origin(hints[name]) is tuple:
            value = _tuples(value)
        _check_plain(hints[name], value, f"{where}.{name}")
        values[name] = value
    try:
        return kind(**values)
    except TypeError as error:
        raise UnderstudyError(f"{where}: {error}") from error


def _check_plain(kind: Any, value: object, where: str) -> None:  # noqa: ANN401 - a type
    if get_origin(kind) is Literal and value not in get_args(kind):
        raise UnderstudyError(f"{where}: {value!r}; valid: {', '.join(map(repr, get_args(kind)))}")
    number_for_switch = isinstance(value, bool) and kind is not bool
    if kind in _PLAIN and (number_for_switch or not isinstance(value, _PLAIN[kind])):
        raise UnderstudyError(f"{where}: {value!r}: must be of type {kind.__name__}")


def _tuples(value: Any) -> Any:  # noqa: ANN401 - JSON
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
