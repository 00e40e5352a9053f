"""Frozen configurations to JSON and back, nested ones and tuples included."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, get_origin, get_type_hints

from understudy.errors import UnderstudyError

__all__ = ["config_from_json"]

C = TypeVar("C")


def config_from_json(kind: type[C], content: object, where: str) -> C:
    """Make `kind` from what `dataclasses.asdict` and JSON made of it.

    Args:
        kind: a dataclass whose fields are plain values, tuples of them, or such dataclasses.
        content: JSON object.
        where: file and field, for errors.

    Raises:
        UnderstudyError: a field that `kind` does not have, or one that is missing and has no default.
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
        values[name] = value
    try:
        return kind(**values)
    except TypeError as error:
        raise UnderstudyError(f"{where}: {error}") from error


def _tuples(value: Any) -> Any:  # noqa: ANN401 - JSON
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
