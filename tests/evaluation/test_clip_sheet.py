"""Sheets of clips: every strip where it belongs, first and last frame included."""

import numpy as np
import pytest
from PIL import Image

from understudy.evaluation.clip_sheet import write_clip_sheet

WORDS, PX, GAP = 300, 112, 14


def clip(level, frames):
    """Brightness grows by one a frame."""
    return np.stack([np.full((4, 4, 3), level + at, dtype=np.uint8) for at in range(frames)])


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_strips_lie_in_blocks_and_show_a_clip_from_first_to_last(tmp_path, suffix):
    path = tmp_path / f"sheet.{suffix}"
    write_clip_sheet(path, [[("one: a", clip(20, 15)), ("two", clip(80, 15))], [("three", clip(140, 22))]])
    with Image.open(path) as picture:
        assert picture.format == suffix.upper()
        sheet = np.asarray(picture.convert("L"), dtype=int)
    assert sheet.shape == (3 * PX + GAP, WORDS + 8 * PX)
    middles = sheet[[56, PX + 56, 2 * PX + GAP + 56]][:, WORDS + 55 :: PX]
    expected = [20 + np.arange(0, 15, 2), 80 + np.arange(0, 15, 2), 140 + np.arange(0, 22, 3)]
    assert np.abs(middles - np.stack(expected)).max() <= (0 if suffix == "png" else 4)
    assert sheet[2 * PX : 2 * PX + GAP].min() >= 240
    assert sheet[:PX, :WORDS].min() < 128


def test_a_short_clip_has_as_many_frames_as_it_has(tmp_path):
    write_clip_sheet(tmp_path / "sheet.png", [[("one", clip(20, 3)), ("two", clip(60, 9))]])
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.size == (WORDS + 3 * PX, 2 * PX)
