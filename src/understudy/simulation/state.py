"""What a task may judge by: the physical state of the table, read from MuJoCo once per control step."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import mujoco
import numpy as np
from jaxtyping import Float, Int

from understudy.simulation.layout import Item
from understudy.simulation.objects import BUTTON_PRESSED_TRAVEL
from understudy.simulation.scene import Scene
from understudy.simulation.state_kernel import movement, touched

__all__ = ["LIFTED_M", "ObjectState", "TableState", "carried", "held_since", "read_state"]

LIFTED_M = 0.04
"""An object is lifted when its centre is this much higher than where it stood [m]."""


@dataclass(frozen=True)
class ObjectState:
    """One movable object."""

    position: Float[np.ndarray, "3"]
    """Centre, world [m]."""
    rotation: Float[np.ndarray, "3 3"]
    """R_world_object."""
    speed: float = 0.0
    """Of the centre [m/s]."""
    turn_rate: float = 0.0
    """[rad/s]."""
    touched: bool = False
    """In contact with the body that acts; of a ball, nearer to it than 4 mm."""
    held_s: float | None = None
    """For how long it has been touched and lifted without a break [s]; None when it is not."""

    @property
    def upright(self) -> bool:
        """Its z axis within 20 degrees of the vertical, either way up."""
        return bool(abs(self.rotation[2, 2]) > np.cos(np.radians(20)))

    @property
    def at_rest(self) -> bool:
        """Slower than 2 cm/s and 0.5 rad/s."""
        return self.speed < 0.02 and self.turn_rate < 0.5


@dataclass(frozen=True)
class TableState:
    """Everything a success test may look at."""

    objects: dict[str, ObjectState]
    pressed: frozenset[str] = frozenset()
    """Buttons that have been pressed since reset: a button that went down once stays lit."""
    fingertips: Float[np.ndarray, "F 3"] = field(default_factory=lambda: np.zeros((0, 3)))
    """Tips of the fingers of the body that acts, world [m]."""
    time_s: float = 0.0
    beads: dict[str, Float[np.ndarray, "N 3"]] = field(default_factory=dict)
    """Centres of the beads that each full cup held at reset, by the cup's name, world [m]."""
    carried_m: dict[str, float] = field(default_factory=dict)
    """Objects that have moved along with the body that acts since reset, and how far, see `carried` [m]."""


def read_state(
    scene: Scene,
    data: mujoco.MjData,
    tip_sites: Int[np.ndarray, " F"],
    pressed: frozenset[str] = frozenset(),
    held_since_s: Mapping[str, float] | None = None,
    carried_m: Mapping[str, float] | None = None,
) -> TableState:
    """The state of `data`, with what happened before.

    Args:
        scene: what `data` belongs to.
        data: after a step.
        tip_sites: sites of the fingertips.
        pressed: buttons that went down before.
        held_since_s: as `held_since` gave it for the state before.
        carried_m: as `carried` gave it for the state before.
    """
    since = held_since_s or {}
    places, time_s = scene.places, float(data.time)
    # The first items are the objects.
    in_touch = touched(data.contact.geom, scene.owners, Scene.ACTOR, len(scene.names)).tolist()
    positions, rotations, rates = movement(data.xpos, data.xmat, data.qvel, places.bodies, places.dofs)
    heights = positions[:, 2].tolist()
    objects = {}
    for i, (item, (speed, turn_rate)) in enumerate(zip(scene.layout.objects, rates.tolist(), strict=True)):
        objects[item.name] = ObjectState(
            position=positions[i],
            rotation=rotations[i],
            speed=speed,
            turn_rate=turn_rate,
            touched=in_touch[i],
            held_s=_held_s(item, heights[i], in_touch[i], since.get(item.name, time_s), time_s),
        )
    travels = data.qpos[places.buttons].tolist()
    down = {b.name for b, travel in zip(scene.layout.buttons, travels, strict=True) if travel >= BUTTON_PRESSED_TRAVEL}
    tips = data.site_xpos[tip_sites]
    beads = {cup: data.xpos[bodies].copy() for cup, bodies in scene.beads.items()}
    return TableState(objects, pressed | down, tips, time_s, beads, dict(carried_m or {}))


def _held_s(item: Item, z: float, touched: bool, since_s: float, time_s: float) -> float | None:
    lifted = touched and z > item.half_height + LIFTED_M
    return time_s - since_s if lifted else None


def held_since(state: TableState) -> dict[str, float]:
    """Objects that are held, each with the time since when [s]."""
    return {name: state.time_s - thing.held_s for name, thing in state.objects.items() if thing.held_s is not None}


def carried(before: TableState, now: TableState) -> dict[str, float]:
    """`TableState.carried_m` after one more control step.

    A step counts for an object that was touched before it and after it: what is carried or pushed along adds up, what
    is struck leaves the hand within a step.

    Args:
        before: the state at the end of the last step.
        now: the state one step later.
    """
    total = before.carried_m
    for name, thing in now.objects.items():
        if thing.touched and before.objects[name].touched:
            way = float(np.linalg.norm(thing.position - before.objects[name].position))
            total = total | {name: total.get(name, 0.0) + way}
    return total
