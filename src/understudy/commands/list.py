"""`understudy list`: every name that other commands take."""

from typing import Literal

import tyro

__all__ = ["run"]


Kind = Literal["all", "robots", "tasks", "policies", "suites", "experiments"]


def run(kind: tyro.conf.Positional[Kind] = "all") -> None:
    """List the names that other commands take, each with what it is.

    Examples:
      understudy list
      understudy list tasks
      understudy list experiments

    Args:
        kind: What to list; `all` leaves out experiments, which take seconds to import.
    """
    from understudy.commands.learned import experiment_summaries
    from understudy.commands.names import names_by_kind

    tables = {"experiments": experiment_summaries()} if kind == "experiments" else names_by_kind()
    for title in tables if kind == "all" else (kind,):
        width = max(map(len, tables[title]))
        print(f"{title}:")
        for name, text in tables[title].items():
            print(f"  {name:<{width}}  {text}")
    if kind == "all":
        print("experiments: understudy list experiments")
