"""A sheet to look at: A by a person, A by the robot, B by a person, the video that arithmetic made, B by the robot."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from understudy.episodes.shown_layouts import PERSON, ShownLayouts
from understudy.evaluation.analogies import Analogy
from understudy.files import replacing

__all__ = ["write_sheet"]

_PX, _FRAMES, _PAIRS, _WORDS, _GAP = 112, 8, 6, 300, 14


def write_sheet(path: Path, made: Float[Tensor, "N T 3 S S"], shown: ShownLayouts, pairs: Sequence[Analogy]) -> None:
    """Write the first pairs (they are in random order), five rows each, as a PNG."""
    few = list(pairs)[:_PAIRS]
    columns = np.linspace(0, made.shape[1] - 1, min(_FRAMES, made.shape[1])).round().astype(int)
    block = 5 * _PX + _GAP
    sheet = Image.new("RGB", (_WORDS + len(columns) * _PX, len(few) * block), "white")
    draw = ImageDraw.Draw(sheet)
    for number, pair in enumerate(few):
        video = ((made[number].clamp(-1, 1) + 1) * 127.5).byte().movedim(1, -1).numpy()
        a, b = shown.layouts[pair.a].label, shown.layouts[pair.b].label
        rows: list[tuple[str, UInt8[np.ndarray, "T S S 3"]]] = [
            (f"A, person: {a}", shown.clips(PERSON, [pair.a])[0]),
            (f"A, robot: {a}", shown.clips(shown.robot, [pair.a])[0]),
            (f"B, person: {b}", shown.clips(PERSON, [pair.b])[0]),
            ("made: robot A - person A + person B", video),
            (f"B, robot, filmed: {b}", shown.clips(shown.robot, [pair.b])[0]),
        ]
        for line, (words, frames) in enumerate(rows):
            _strip(sheet, draw, words, frames[columns], number * block + line * _PX)
    with replacing(path) as temporary:
        sheet.save(temporary, format="PNG")


def _strip(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, words: str, frames: UInt8[np.ndarray, "F S S 3"], top: int
) -> None:
    kind, _, rest = words.partition(": ")
    draw.text((8, top + 34), kind, "#1b2430", ImageFont.load_default(15))
    draw.text((8, top + 56), rest, "#5d6b7c", ImageFont.load_default(13))
    for column, frame in enumerate(frames):
        picture = Image.fromarray(frame).resize((_PX - 2, _PX - 2), Image.Resampling.BICUBIC)
        sheet.paste(picture, (_WORDS + column * _PX, top))
