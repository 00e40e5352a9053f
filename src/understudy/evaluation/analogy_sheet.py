"""A sheet to look at: A by a person, A by the robot, B by a person, the video that arithmetic made, B by the robot."""

from collections.abc import Sequence
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from understudy.episodes.shown_layouts import PERSON, ShownLayouts
from understudy.evaluation.analogies import Analogy
from understudy.evaluation.clip_sheet import Strip, write_clip_sheet

__all__ = ["write_sheet"]

_PAIRS = 6


def write_sheet(path: Path, made: Float[Tensor, "N T 3 S S"], shown: ShownLayouts, pairs: Sequence[Analogy]) -> None:
    """Write the first pairs (they are in random order), five rows each, as a PNG."""
    blocks: list[list[Strip]] = []
    for number, pair in enumerate(list(pairs)[:_PAIRS]):
        video = ((made[number].clamp(-1, 1) + 1) * 127.5).byte().movedim(1, -1).numpy()
        a, b = shown.layouts[pair.a].label, shown.layouts[pair.b].label
        blocks.append(
            [
                (f"A, person: {a}", shown.clips(PERSON, [pair.a])[0]),
                (f"A, robot: {a}", shown.clips(shown.robot, [pair.a])[0]),
                (f"B, person: {b}", shown.clips(PERSON, [pair.b])[0]),
                ("made: robot A - person A + person B", video),
                (f"B, robot, filmed: {b}", shown.clips(shown.robot, [pair.b])[0]),
            ]
        )
    write_clip_sheet(path, blocks)
