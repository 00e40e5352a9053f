"""`understudy list`: every name that other commands take."""

from typing import Literal

import tyro

__all__ = ["run"]


def run(kind: tyro.conf.Positional[Literal["all", "robots", "tasks", "policies", "suites"]] = "all") -> None:
    """List the names that other commands take, each with what it is.

    Examples:
      understudy list
      understudy list tasks

    Args:
        kind: What to list.
    """
    from understudy.commands.names import names_by_kind

    tables = names_by_kind()
    for title in tables if kind == "all" else (kind,):
        width = max(map(len, tables[title]))
        print(f"{title}:")
        for name, text in tables[title].items():
            print(f"  {name:<{width}}  {text}")
