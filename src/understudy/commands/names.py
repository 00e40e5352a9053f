"""Every name that commands take, by kind, each with what it is."""

from collections.abc import Mapping

from understudy.embodiments import EMBODIMENTS
from understudy.evaluation.suites import SUITES
from understudy.methods import POLICIES
from understudy.simulation.tasks import TASKS

__all__ = ["names_by_kind"]


def names_by_kind() -> dict[str, dict[str, str]]:
    """Kind -> name -> one line about it."""
    documented: dict[str, Mapping[str, object]] = {"tasks": TASKS, "policies": POLICIES, "suites": SUITES}
    robots = {name: make().title for name, make in EMBODIMENTS.items()}
    return {"robots": robots} | {
        kind: {name: (thing.__doc__ or "").strip().splitlines()[0] for name, thing in things.items()}
        for kind, things in documented.items()
    }
