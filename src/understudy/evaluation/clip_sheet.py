"""A sheet to look at: clips as strips of frames, some of them together in a block, each with what it is."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from understudy.files import replacing

__all__ = ["Strip", "write_clip_sheet"]

_PX, _FRAMES, _WORDS, _GAP = 112, 8, 300, 14

Strip = tuple[str, UInt8[np.ndarray, "_T S S 3"]]
"""`KIND: MORE` and a clip; what stands after the colon is written smaller."""


def write_clip_sheet(path: Path, blocks: Sequence[Sequence[Strip]]) -> None:
    """Write a picture of at most eight frames a clip, at even times, of the kind that the suffix of `path` names."""
    frames = min(_FRAMES, *(len(clip) for block in blocks for _, clip in block))
    height = sum(len(block) * _PX for block in blocks) + _GAP * (len(blocks) - 1)
    sheet = Image.new("RGB", (_WORDS + frames * _PX, height), "white")
    draw = ImageDraw.Draw(sheet)
    top = 0
    for block in blocks:
        for words, clip in block:
            _strip(sheet, draw, words, clip[np.linspace(0, len(clip) - 1, frames).round().astype(int)], top)
            top += _PX
        top += _GAP
    with replacing(path) as temporary:
        sheet.save(temporary, format=path.suffix[1:].upper())


def _strip(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, words: str, frames: UInt8[np.ndarray, "F S S 3"], top: int
) -> None:
    kind, _, rest = words.partition(": ")
    draw.text((8, top + 34), kind, "#1b2430", ImageFont.load_default(15))
    draw.text((8, top + 56), rest, "#5d6b7c", ImageFont.load_default(13))
    for column, frame in enumerate(frames):
        picture = Image.fromarray(frame).resize((_PX - 2, _PX - 2), Image.Resampling.BICUBIC)
        sheet.paste(picture, (_WORDS + column * _PX, top))
