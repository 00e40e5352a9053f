"""Balls that are flicked and the marked lines that they cross: their parts of the scene, how far they roll, where to.

A ball lies still until it is struck. Rolling friction then stops it, like a ball of rubber on a table cloth:

    m a + F = 0,  I alpha = F r - N mu,  alpha = a / r,  I = 2/5 m r^2   ->   a = -5/7 g mu / r

with F the friction in the direction of motion, N = m g, and mu the rolling friction, a length.
"""

import mujoco
import numpy as np
from jaxtyping import Float

from understudy.simulation.layout import Item

__all__ = ["BALL_MASS", "LINE_HALF_LENGTH", "add_ball", "add_line", "line_ahead", "passes", "rolling_deceleration"]

BALL_MASS = 0.04
"""[kg]."""
LINE_HALF_LENGTH = 0.05
"""Half the length of a marked line [m]."""

_ROLLING_FRICTION = 0.0015
_GRAVITY = 9.81
_NEAR_M = 0.004
"""What is nearer to a ball than this touches it, as `ObjectState.touched` has it [m]."""
_LINE_HALF_WIDTH = 0.005
_CONTACT = {
    "condim": 6,
    "friction": (0.4, 0.005, _ROLLING_FRICTION),
    "solref": (0.01, 1.0),
    "solimp": (0.95, 0.99, 0.001, 0.5, 2.0),
    # Above that of the table and the plates: a ball rolls alike wherever it is.
    "priority": 2,
    # A ball that is pushed along loses touch again and again: what is this near is a contact, too, one without a force.
    "gap": _NEAR_M,
}


def add_ball(spec: mujoco.MjSpec, item: Item, rgba: list[float], material: str) -> None:
    """A ball that rests on the table; its body carries the item's name."""
    turn = [float(np.cos(item.yaw / 2)), 0.0, 0.0, float(np.sin(item.yaw / 2))]
    body = spec.worldbody.add_body(name=item.name, pos=[*item.xy, item.half_height], quat=turn)
    body.add_freejoint(name=item.name)
    body.add_geom(
        name=item.name,
        type=mujoco.mjtGeom.mjGEOM_SPHERE,
        size=[item.half_width, 0, 0],
        mass=BALL_MASS,
        rgba=rgba,
        material=material,
        **_CONTACT,
    )


def add_line(spec: mujoco.MjSpec, item: Item, rgba: list[float]) -> None:
    """A strip on the table across the direction of its item's yaw; nothing touches it."""
    spec.worldbody.add_geom(
        name=item.name,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        pos=[*item.xy, 0.0004],
        quat=[float(np.cos(item.yaw / 2)), 0.0, 0.0, float(np.sin(item.yaw / 2))],
        size=[_LINE_HALF_WIDTH, LINE_HALF_LENGTH, 0.0004],
        rgba=rgba,
        contype=0,
        conaffinity=0,
        group=2,
    )


def rolling_deceleration(radius: float) -> float:
    """How fast a rolling ball of that radius [m] loses speed [m/s^2]."""
    return 5 / 7 * _GRAVITY * _ROLLING_FRICTION / radius


def line_ahead(line: Item, xy: Float[np.ndarray, "2"]) -> float:
    """How far the line lies ahead of a point, in the line's own direction [m]; negative beyond it."""
    return float((line.position - xy) @ np.array([np.cos(line.yaw), np.sin(line.yaw)]))


def passes(line: Item, start: Float[np.ndarray, "2"], xy: Float[np.ndarray, "2"], radius: float) -> bool:
    """Whether a ball that went straight from `start` to `xy` [m] has crossed the line, all of it, between its ends."""
    ahead, now = line_ahead(line, start), line_ahead(line, xy)
    if ahead <= 0.0 or now > -radius:
        return False
    crossing = start + ahead / (ahead - now) * (xy - start)
    return bool(np.linalg.norm(crossing - line.position) < LINE_HALF_LENGTH)
