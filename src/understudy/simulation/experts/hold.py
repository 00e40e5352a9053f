"""Take the object, lift it and stay."""

from collections.abc import Iterator

from understudy.simulation.experts.hands import hand_skill
from understudy.simulation.experts.script import Action, Script
from understudy.simulation.experts.taking import take
from understudy.simulation.tabletop import Tabletop

__all__ = ["hold"]

_STEPS = 26


def hold(tabletop: Tabletop) -> Iterator[Action]:
    """Actions that do `hold`."""
    skill = hand_skill(tabletop.body.name)
    script = Script(tabletop, skill.rest)
    yield from take(script, skill, tabletop.layout.item(tabletop.goal.target))
    yield from script.wait(_STEPS)
