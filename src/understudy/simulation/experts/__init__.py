"""Scripted experts: way-points on the true state, one file per task, for every robot whose hand skills are known."""

from collections.abc import Callable, Iterator

from understudy.simulation.experts.flick_ball import flick_ball
from understudy.simulation.experts.flip_cup import flip_cup
from understudy.simulation.experts.hold import hold
from understudy.simulation.experts.pick_place import pick_place
from understudy.simulation.experts.pour import pour
from understudy.simulation.experts.press_button import press_button
from understudy.simulation.experts.push import push
from understudy.simulation.experts.script import Action
from understudy.simulation.tabletop import Tabletop

__all__ = ["EXPERTS", "scripted_expert"]

EXPERTS: dict[str, Callable[[Tabletop], Iterator[Action]]] = {
    "pick_place": pick_place,
    "push": push,
    "press_button": press_button,
    "hold": hold,
    "pour": pour,
    "flip_cup": flip_cup,
    "flick_ball": flick_ball,
}
"""Task -> expert."""


def scripted_expert(tabletop: Tabletop) -> Iterator[Action]:
    """Actions that do the tabletop's task; reset it first, and step it with every action."""
    return EXPERTS[tabletop.task.name](tabletop)
