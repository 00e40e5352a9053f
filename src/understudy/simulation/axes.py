"""Axes of generalisation: named changes of the layout generator, of the looks, or of who and what films the prompt.

Without an axis a seed gives the usual range, bit for bit as ever. `AXES` says for each axis what changes, and whose
training data may show it at which stage; all else is held out, and `check_held_out` refuses training seeds there.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from understudy.errors import UnderstudyError, UnknownName
from understudy.simulation import layout as usual
from understudy.simulation.layout import BLOCKS, FAR_REACH, FAR_X, Item, Kind, Layout, Pattern, layout_rng
from understudy.simulation.seeds import split_of

__all__ = [
    "AXES",
    "CAP_COLOURS",
    "DISTRACTORS",
    "HELD_OUT_BUTTON_Y",
    "HELD_OUT_OBJECT_X",
    "INSTANCES",
    "NOVEL_KINDS",
    "STAGES",
    "VARIED_OBJECT_X",
    "Axis",
    "Stage",
    "check_held_out",
    "get_axis",
    "may_train",
    "on_axis",
    "sample_layout",
]

Stage = Literal["representation", "policy"]
STAGES: tuple[Stage, ...] = ("representation", "policy")
"""Of training: what is learned from people and robots together, then what acts. Most methods have the second alone."""

HELD_OUT_OBJECT_X = (0.360, 0.390)
"""x of the objects on the axis `position` [m]; the usual near row starts at 0.415."""
VARIED_OBJECT_X = (0.395, 0.455)
"""x of the objects on the axis `varied` [m]: a deeper row that ends before the held-out places."""
HELD_OUT_BUTTON_Y = (0.265, 0.295)
"""|y| of the buttons on the axis `position` [m]; the usual far row ends at 0.25."""
NOVEL_KINDS: tuple[Kind, ...] = ("box", "jug")
"""Of the axis `object_type`."""
DISTRACTORS: tuple[Kind, ...] = ("bottle", "book")
"""Of the axis `scene`."""
PATTERNS: tuple[Pattern, ...] = ("checks", "speckles")
CAP_COLOURS = ("teal", "pink", "brown")
"""Of buttons (and distractors) on the axes that change them: names that no label says and no usual layout has."""
PLATE_COLOURS = ("mint", "lilac", "sand")
INSTANCES = {
    "cube": ((0.88, 0.88), (1.10, 1.10)),
    "cylinder": ((0.88, 1.15), (1.10, 0.86)),
    "ball": ((0.88, 0.88), (1.10, 1.10)),
}
"""Factors on width and height of the things on the axis `instance`."""

_CLOSE_M = 0.092
_CLOSE_JITTER_M = 0.003
_CLOSE_MIDDLE_Y = (-0.11, 0.11)
_ASIDE_Y = (0.31, 0.35)
_ASIDE_X = (0.46, 0.58)
_PLATE_Y = (0.075, 0.115)
_STREAM_AXIS = 8


def _position(layout: Layout, rng: np.random.Generator) -> Layout:
    """Objects nearer to the robot than ever, buttons farther aside, plates between them."""
    objects = tuple(_at(item, rng.uniform(*HELD_OUT_OBJECT_X), item.xy[1]) for item in layout.objects)
    return replace(
        layout,
        objects=objects,
        plates=_pair(layout.plates, _PLATE_Y, rng),
        buttons=_pair(layout.buttons, HELD_OUT_BUTTON_Y, rng),
    )


def _pair(items: tuple[Item, ...], y: tuple[float, float], rng: np.random.Generator) -> tuple[Item, ...]:
    """Two things of the far row at such |y|, one on each side."""
    places = []
    for item, side in zip(items, (-1.0, 1.0), strict=False):
        at_y = side * rng.uniform(*y)
        places.append(_at(item, min(rng.uniform(*FAR_X), float(np.sqrt(FAR_REACH**2 - at_y**2))), at_y))
    return tuple(places)


def _scene(layout: Layout, rng: np.random.Generator) -> Layout:
    """Objects so close that a hand only just gets between them, and a thing on either side that nobody asks for."""
    middle = rng.uniform(*_CLOSE_MIDDLE_Y)
    count = len(layout.objects)
    ys = middle + _CLOSE_M * (np.arange(count) - (count - 1) / 2)
    ys += rng.uniform(-_CLOSE_JITTER_M, _CLOSE_JITTER_M, count)
    objects = tuple(_at(item, item.xy[0], y) for item, y in zip(layout.objects, ys, strict=True))
    distractors = []
    for i, (kind, side) in enumerate(zip(rng.permutation(DISTRACTORS), (-1.0, 1.0), strict=True)):
        xy = (rng.uniform(*_ASIDE_X), side * rng.uniform(*_ASIDE_Y))
        item = Item(f"distractor_{i}", kind, str(rng.choice(CAP_COLOURS)), xy, round(float(rng.uniform(-0.8, 0.8)), 4))
        distractors.append(_at(item, *xy))
    return replace(layout, objects=objects, distractors=tuple(distractors))


def _appearance(layout: Layout, rng: np.random.Generator) -> Layout:
    """A print on the objects, other caps and plates; what a label names keeps its colour."""
    caps, plates = rng.permutation(CAP_COLOURS), rng.permutation(PLATE_COLOURS)
    return replace(
        layout,
        objects=tuple(replace(item, pattern=PATTERNS[rng.integers(len(PATTERNS))]) for item in layout.objects),
        buttons=tuple(replace(item, colour=str(c)) for item, c in zip(layout.buttons, caps, strict=False)),
        plates=tuple(replace(item, colour=str(c)) for item, c in zip(layout.plates, plates, strict=False)),
    )


def _instance(layout: Layout, rng: np.random.Generator) -> Layout:
    """Thinner, thicker, higher and lower things of the same kinds."""

    def other(item: Item) -> Item:
        sizes = INSTANCES.get(item.kind)
        return replace(item, scale=sizes[rng.integers(len(sizes))]) if sizes else item

    return replace(layout, objects=tuple(other(item) for item in layout.objects))


def _object_type(layout: Layout, rng: np.random.Generator) -> Layout:
    """Every object of a kind that the usual range does not know. Full cups keep the shape that hands are made for."""
    full = any(item.kind == "cup" for item in layout.objects)
    colours = iter([str(colour) for colour in rng.permutation(CAP_COLOURS)] if full else [])

    def other(item: Item) -> Item:
        if item.kind == "cup":
            colour, pattern = next(colours), PATTERNS[rng.integers(len(PATTERNS))]
            return replace(item, name=f"{colour}_cup", colour=colour, pattern=pattern)
        kind = NOVEL_KINDS[rng.integers(len(NOVEL_KINDS))]
        return replace(item, name=f"{item.colour}_{kind}", kind=kind) if item.kind in BLOCKS else item

    return replace(layout, objects=tuple(other(item) for item in layout.objects))


def _combination(layout: Layout, rng: np.random.Generator) -> Layout:
    """Position and appearance; the background changes, too."""
    return _appearance(_position(layout, rng), rng)


def _varied(layout: Layout, rng: np.random.Generator) -> Layout:
    """Objects nearer or farther than usual: each by itself, but balls and what is beside them together."""
    if any(item.kind == "ball" for item in layout.objects):
        xs = [item.xy[0] for item in layout.objects]
        by = rng.uniform(VARIED_OBJECT_X[0] - min(xs), VARIED_OBJECT_X[1] - max(xs))
        return replace(layout, objects=tuple(_at(item, item.xy[0] + by, item.xy[1]) for item in layout.objects))
    return replace(
        layout, objects=tuple(_at(item, rng.uniform(*VARIED_OBJECT_X), item.xy[1]) for item in layout.objects)
    )


def _unchanged(layout: Layout, rng: np.random.Generator) -> Layout:
    """For axes of looks, camera and people."""
    return layout


@dataclass(frozen=True)
class Axis:
    """One way in which a test differs from what was learned."""

    what: str
    """What changes."""
    change: Callable[[Layout, np.random.Generator], Layout]
    background: bool = False
    """Whether table, walls and light come from the axis's own pool (`looks.py`)."""
    varied: bool = False
    """Whether these are of any kind but what test and background have (`looks.py`)."""
    prompt_only: bool = False
    """Whether the film of the person alone changes: the robot's episode is the usual one."""
    people: tuple[Stage, ...] = ()
    """Stages whose data of people may show it."""
    robots: tuple[Stage, ...] = ()
    """Stages whose data of robots may show it."""


AXES: dict[str, Axis] = {
    "position": Axis("where objects and buttons stand", _position),
    "scene": Axis("objects close together, and two more things beside them", _scene),
    "background": Axis("table, walls and light", _unchanged, background=True),
    "appearance": Axis("prints on the objects, colours of plates and buttons", _appearance),
    "instance": Axis("sizes and proportions of the objects", _instance),
    "object_type": Axis(
        "boxes and jugs for cubes and cylinders, full cups of other colours with a print", _object_type, people=STAGES
    ),
    "combination": Axis("position, appearance and background at once", _combination, background=True),
    "varied": Axis(
        "looks and places, for training: all but what is held out", _varied, varied=True, people=STAGES, robots=STAGES
    ),
    "camera_turned": Axis("the prompt's camera, 15 degrees around the table", _unchanged, prompt_only=True),
    "unseen_person": Axis("the person: size, skin, bare arm", _unchanged, prompt_only=True),
}
"""Name -> axis. What no stage's data may show (`people`, `robots`) is held out there."""


def get_axis(name: str) -> Axis:
    """The axis of that name; `UnknownName` lists the valid ones."""
    if name not in AXES:
        raise UnknownName("axis", name, AXES)
    return AXES[name]


def on_axis(layout: Layout, axis: str | None) -> Layout:
    """A usual layout changed as its seed says on this axis; without an axis, the layout itself."""
    if axis is None:
        return layout
    changed = get_axis(axis).change(layout, layout_rng(layout.seed, _STREAM_AXIS))
    return replace(changed, axis=axis)


def sample_layout(seed: int, axis: str | None = None) -> Layout:
    """The layout of a seed on an axis; without an axis, that of the usual range: bit for bit the same on every call."""
    return on_axis(usual.sample_layout(seed), axis)


def may_train(axis: str | None, embodiment: str, stage: Stage) -> bool:
    """Whether training data of an embodiment may show an axis at a stage; the usual range always may."""
    if axis is None:
        return True
    stages = get_axis(axis).people if embodiment == "human_hand" else get_axis(axis).robots
    return stage in stages


def check_held_out(axis: str | None, seed: int, embodiment: str) -> None:
    """Refuse a training seed on an axis that all training data of this embodiment must not show.

    Raises:
        UnderstudyError: naming the seed, the axis, and seeds that are allowed.
    """
    if split_of(seed) == "train" and not any(may_train(axis, embodiment, stage) for stage in STAGES):
        raise UnderstudyError(
            f"seed {seed} on axis {axis!r} with {embodiment}: held out from training; use seeds of validation or test"
        )


def _at(item: Item, x: float, y: float) -> Item:
    return replace(item, xy=(round(float(x), 4), round(float(y), 4)))
