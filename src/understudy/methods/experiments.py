"""Every experiment that `understudy train` knows, by name."""

from collections.abc import Callable, Mapping
from importlib import import_module

from understudy.errors import UnknownName
from understudy.methods import LEARNED
from understudy.methods.experiment import Experiment

__all__ = ["EXPERIMENTS", "get_experiment"]

_MORE = ("video_prompt.svd_experiments", "video_prompt.joint_experiments", "video_prompt.ablations")
"""Modules with experiments beside those that every learned method has."""


def _collect() -> Mapping[str, Callable[[], Experiment]]:
    found: dict[str, Callable[[], Experiment]] = {}
    for module in (*(f"{method}.experiments" for method in LEARNED), *_MORE):
        found |= import_module(f"understudy.methods.{module}").EXPERIMENTS
    return found


EXPERIMENTS = _collect()
"""Name -> function that gives the frozen experiment."""


def get_experiment(name: str) -> Experiment:
    """The experiment of that name; `UnknownName` lists the valid ones."""
    if name not in EXPERIMENTS:
        raise UnknownName("experiment", name, EXPERIMENTS)
    return EXPERIMENTS[name]()
