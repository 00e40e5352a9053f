"""The pictures that `understudy show` writes."""

from typing import Literal

import numpy as np
from jaxtyping import UInt8

from understudy.embodiments.show import joint_sweep_sheet, render_embodiment, turntable
from understudy.perception.overlay import contact_sheet
from understudy.simulation.tabletop import Tabletop

__all__ = ["body_picture", "task_picture"]

_TABLE_PX = 768


def body_picture(name: str, view: Literal["still", "turntable", "joints"]) -> UInt8[np.ndarray, "H W 3"]:
    """A body at home, from all around, or with every joint swept through its range."""
    if view == "turntable":
        return contact_sheet(list(turntable(name)), 4)
    return render_embodiment(name) if view == "still" else joint_sweep_sheet(name)


def task_picture(name: str, seed: int, robot: str) -> UInt8[np.ndarray, "H W 3"]:
    """The table of a task at reset, as the policy's camera sees it."""
    table = Tabletop(name, seed, robot)
    try:
        table.reset()
        return table.render(_TABLE_PX)
    finally:
        table.close()
