"""`understudy list`: every name that other commands take."""

from collections.abc import Callable
from typing import Literal

import tyro

__all__ = ["run"]

Kind = Literal["all", "robots", "tasks", "policies", "suites"]


def _robots() -> dict[str, str]:
    from understudy.embodiments import EMBODIMENTS

    return {name: make().title for name, make in EMBODIMENTS.items()}


def _tasks() -> dict[str, str]:
    from understudy.simulation.tasks import TASKS

    return {name: _first_line(task) for name, task in TASKS.items()}


def _policies() -> dict[str, str]:
    from understudy.methods import POLICIES

    return {name: _first_line(policy) for name, policy in POLICIES.items()}


def _suites() -> dict[str, str]:
    from understudy.evaluation.suites import SUITES

    return {name: _first_line(suite) for name, suite in SUITES.items()}


def _first_line(documented: object) -> str:
    return (documented.__doc__ or "").strip().splitlines()[0]


_TABLES: dict[str, Callable[[], dict[str, str]]] = {
    "robots": _robots,
    "tasks": _tasks,
    "policies": _policies,
    "suites": _suites,
}


def run(kind: tyro.conf.Positional[Kind] = "all") -> None:
    """List the names that other commands take, each with what it is.

    Examples:
      understudy list
      understudy list tasks

    Args:
        kind: What to list.
    """
    for title in _TABLES if kind == "all" else (kind,):
        rows = _TABLES[title]()
        width = max(map(len, rows))
        print(f"{title}:")
        print(
            "\n".join(f"  {name:<{width}}  {text}" for name, text in rows.items()),
            end="\n\n" if kind == "all" else "\n",
        )
