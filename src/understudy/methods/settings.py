"""Settings of an experiment that are changed by name: `learning_rate=3e-4`, `losses.path_weight=1`."""

import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from understudy.errors import UnderstudyError
from understudy.methods.experiment import Experiment

__all__ = ["with_settings"]

E = TypeVar("E", bound=Experiment)
_OWN = ("name", "size", "changes")
"""What an experiment is, and what is kept here."""


def with_settings(experiment: E, changes: Iterable[str]) -> E:
    """Change settings of an experiment and note them in its `changes`.

    Args:
        experiment: as it is registered.
        changes: `name=value`; dots lead into nested settings. Tuples are JSON lists, absent ones are `none`.

    Raises:
        UnderstudyError: no such setting, one that is taken from elsewhere, or not a value of its type.
    """
    noted = tuple(changes)
    for change in noted:
        name, equals, value = change.partition("=")
        if not equals:
            raise UnderstudyError(f"--set {change}: needs NAME=VALUE")
        if name in experiment.derived:
            raise UnderstudyError(f"--set {change}: {name} is taken from {experiment.derived[name]}")
        experiment = _changed(experiment, name.split("."), value, f"--set {change}")
    return replace(experiment, changes=noted) if noted else experiment


def _changed(config: Any, path: list[str], text: str, where: str) -> Any:  # noqa: ANN401 (any frozen settings)
    name, *rest = path
    known = [field.name for field in fields(config) if field.name not in _OWN]
    if name not in known:
        raise UnderstudyError(f"{where}: no setting {name!r}; there are {', '.join(known)}")
    present = getattr(config, name)
    if rest:
        if not is_dataclass(present):
            raise UnderstudyError(f"{where}: {name} is {present!r} and has no settings of its own")
        return replace(config, **{name: _changed(present, rest, text, where)})
    kind = get_type_hints(type(config))[name]
    try:
        return replace(config, **{name: _read(text, kind)})
    except (ValueError, TypeError) as error:
        raise UnderstudyError(f"{where}: {text!r} is not of {_said(kind)}") from error


def _read(text: str, kind: Any) -> object:  # noqa: ANN401 (a type)
    """The value that a text stands for."""
    origin, choices = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if NoneType in choices and text.lower() == "none":
            return None
        (kind,) = (choice for choice in choices if choice is not NoneType)
        return _read(text, kind)
    if origin is Literal:
        if text not in choices:
            raise ValueError(text)
        return text
    if origin is tuple:
        entries = json.loads(text)
        if choices[-1] is not Ellipsis and len(entries) != len(choices):
            raise ValueError(text)
        return tuple(_read(str(entry), choices[0]) for entry in entries)
    if kind is bool:
        return ("false", "true").index(text.lower()) == 1
    if kind in (int, float, str, Path):
        return kind(text)
    raise TypeError(kind)


def _said(kind: Any) -> str:  # noqa: ANN401 (a type)
    if get_origin(kind) is Literal:
        return " or ".join(map(str, get_args(kind)))
    return f"type {getattr(kind, '__name__', str(kind)) if get_origin(kind) is None else kind}"
