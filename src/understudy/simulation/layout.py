"""Where things stand on the table at reset: sampled from a seed, the same for most tasks and every embodiment.

Seen from the robot's base, three objects stand in a near row, two lines lie across the table before them, and two
plates and two buttons make up a far row. Every task is possible with every object, so the first image does not tell
which is meant. The rows keep a spacing that lets a hand in between, and end where the arm's reach ends.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Float

from understudy.errors import UnknownName
from understudy.simulation.seeds import split_of

__all__ = [
    "BLOCKS",
    "FAR_REACH",
    "FAR_X",
    "HALF_WIDTH",
    "LINES_X",
    "OBJECT_COLOURS",
    "OBJECT_HALF_HEIGHT",
    "PLATE_RADIUS",
    "Item",
    "Layout",
    "layout_rng",
    "sample_layout",
    "spaced",
]

Kind = Literal[
    "cube", "cylinder", "box", "jug", "plate", "button", "cup", "fallen_cup", "mug", "ball", "line", "bottle", "book"
]
"""The first four are picked and pushed; bottle and book stand aside and are never handled."""
Pattern = Literal["", "checks", "speckles"]

OBJECT_COLOURS = ("red", "green", "blue", "yellow", "orange", "purple")
BLOCKS = ("cube", "cylinder", "box", "jug")
"""Kinds that are picked and pushed. Usual layouts have cubes and cylinders."""
HALF_WIDTH = 0.025
"""Half the width of a cube, radius of a cylinder or a ball, half the depth of a box (along its own x) [m]."""
OBJECT_HALF_HEIGHT = {"cube": 0.025, "cylinder": 0.035, "box": 0.030, "jug": 0.035, "ball": HALF_WIDTH}
OBJECT_HALF_HEIGHT |= {"cup": 0.0375, "fallen_cup": 0.031}
"""Height of an object's centre at reset [m]. Cubes and cylinders are 0.05 wide, cups 0.062 and 0.075 long."""
PLATE_RADIUS = 0.06
"""Radius of a plate [m]."""
LINES_X = (0.515, 0.59)
"""x of the near and of the far line [m]; a push ends on one of them."""

_OBJECT_X = (0.415, 0.445)
_OBJECT_Y = (-0.21, 0.21)
_OBJECT_SPACING_Y = 0.14
FAR_X = (0.675, 0.69)
"""x of the far row [m], where the arm reaches so far."""
_FAR_Y = (-0.25, 0.25)
_FAR_SPACING_Y = 0.14
FAR_REACH = 0.725
"""Largest distance from the base's axis that every robot still reaches with its hand pitched 70 degrees down [m]."""
_YAW = 0.25
_STREAM_LAYOUT = 1


@dataclass(frozen=True)
class Item:
    """One thing on the table."""

    name: str
    """Unique in its layout: `red_cube`, `plate_0`, `button_1`."""
    kind: Kind
    colour: str
    xy: tuple[float, float]
    """Centre on the table, world [m]."""
    yaw: float = 0.0
    """Rotation about z [rad]."""
    scale: tuple[float, float] = field(default=(1.0, 1.0), repr=False)
    """Factors on width and height: another thing of the same kind."""
    pattern: Pattern = field(default="", repr=False)
    """What is printed on it, beside its colour."""

    @property
    def title(self) -> str:
        """As a label says it: `red cube`."""
        return f"{self.colour} {self.kind.replace('_', ' ')}"

    @property
    def position(self) -> Float[np.ndarray, "2"]:
        """`xy` as an array [m]."""
        return np.array(self.xy)

    @property
    def half_width(self) -> float:
        """Of an object, along its own x [m]."""
        return HALF_WIDTH * self.scale[0]

    @property
    def half_height(self) -> float:
        """Of an object: how high its centre is above what carries it [m]."""
        return OBJECT_HALF_HEIGHT[self.kind] * self.scale[1]

    @property
    def flat(self) -> bool:
        """Whether it has flat sides, which a hand sets its fingers to."""
        return self.kind in ("cube", "box")


@dataclass(frozen=True)
class Layout:
    """What stands where at reset."""

    seed: int
    objects: tuple[Item, ...]
    """What can be moved: usually three of `BLOCKS` of different colours, from the right (-y) to the left."""
    plates: tuple[Item, ...]
    buttons: tuple[Item, ...]
    axis: str | None = field(default=None, repr=False)
    """How it differs from the usual range: a name of `axes.AXES`."""
    distractors: tuple[Item, ...] = field(default=(), repr=False)
    """Things beside the rows that no task is about; they do not move. Usual layouts have none."""
    lines: tuple[Item, ...] = field(default=(), repr=False)
    """Marks that a ball crosses in the direction of their yaw. A layout that has them lacks the lines of a push."""

    @cached_property
    def items(self) -> dict[str, Item]:
        """Every thing by its name."""
        things = (*self.objects, *self.plates, *self.buttons, *self.distractors, *self.lines)
        return {item.name: item for item in things}

    def item(self, name: str) -> Item:
        """The thing of that name."""
        if name not in self.items:
            raise UnknownName("thing on the table", name, self.items)
        return self.items[name]


def layout_rng(seed: int, stream: int) -> np.random.Generator:
    """A generator of its own for each use of one seed, so that no use shifts another; the seed must lie in a range."""
    split_of(seed)
    return np.random.default_rng([seed, stream])


def spaced(rng: np.random.Generator, count: int, low: float, high: float, spacing: float) -> Float[np.ndarray, " N"]:
    """Sorted numbers in [low, high], at least `spacing` apart, uniform among all such choices."""
    free = high - low - spacing * (count - 1)
    return low + np.sort(rng.uniform(0.0, free, count)) + spacing * np.arange(count)


def sample_layout(seed: int) -> Layout:
    """The layout of a seed: bit for bit the same on every call."""
    rng = layout_rng(seed, _STREAM_LAYOUT)
    colours = rng.permutation(OBJECT_COLOURS)
    objects = []
    for y, colour in zip(spaced(rng, 3, *_OBJECT_Y, _OBJECT_SPACING_Y), colours[:3], strict=True):
        kind: Kind = "cube" if rng.random() < 0.6 else "cylinder"
        xy = (round(float(rng.uniform(*_OBJECT_X)), 4), round(float(y), 4))
        yaw = round(float(rng.uniform(-_YAW, _YAW)), 4)
        objects.append(Item(f"{colour}_{kind}", kind, str(colour), xy, yaw))
    kinds: list[Kind] = ["plate", "plate", "button", "button"]
    rng.shuffle(kinds)
    cap_colours = list(rng.permutation(OBJECT_COLOURS)[:2])
    plate_colours = list(rng.permutation(("white", "grey", "cream"))[:2])
    far: dict[str, list[Item]] = {"plate": [], "button": []}
    for y, kind in zip(spaced(rng, 4, *_FAR_Y, _FAR_SPACING_Y), kinds, strict=True):
        x = min(float(rng.uniform(*FAR_X)), float(np.sqrt(FAR_REACH**2 - y**2)))
        colour = (plate_colours if kind == "plate" else cap_colours).pop()
        far[kind].append(Item(f"{kind}_{len(far[kind])}", kind, str(colour), (round(x, 4), round(float(y), 4))))
    return Layout(seed, tuple(objects), tuple(far["plate"]), tuple(far["button"]))
