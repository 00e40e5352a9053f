"""Who acts. A new robot is one new file that returns an `Embodiment`, and one line here."""

from understudy.embodiments.embodiment import ActionSpace, Embodiment
from understudy.embodiments.human_hand import human_hand
from understudy.embodiments.xarm7_allegro import xarm7_allegro
from understudy.embodiments.xarm7_gripper import xarm7_gripper
from understudy.embodiments.xarm7_xhand import xarm7_xhand
from understudy.errors import UnknownName

__all__ = ["EMBODIMENTS", "ROBOTS", "ActionSpace", "Embodiment", "get_embodiment"]

EMBODIMENTS = {maker.__name__: maker for maker in (human_hand, xarm7_xhand, xarm7_gripper, xarm7_allegro)}
"""Name -> function that makes the embodiment."""
ROBOTS = tuple(name for name in EMBODIMENTS if name != "human_hand")


def get_embodiment(name: str) -> Embodiment:
    """The embodiment of that name; `UnknownName` lists the valid ones."""
    if name not in EMBODIMENTS:
        raise UnknownName("embodiment", name, EMBODIMENTS)
    return EMBODIMENTS[name]()
