"""What the tests of all formats share: frames that can be told apart, and a conversion read back."""

import numpy as np
import pytest

from understudy.episodes.importers.convert import convert
from understudy.episodes.reader import EpisodeReader

LENGTH = 5
"""Steps of the made episodes."""


@pytest.fixture
def film():
    """(T, H, W, 3) RGB: red above, blue below, brighter from frame to frame; `order` finds the frames again."""

    def make(length=LENGTH, height=32, width=48):
        frames = np.zeros((length, height, width, 3), dtype=np.uint8)
        level = 60 + 30 * np.arange(length)[:, None, None]
        frames[:, : height // 2, :, 0] = level
        frames[:, height // 2 :, :, 2] = level
        return frames

    return make


@pytest.fixture
def is_film():
    """Whether frames, once compressed, are those of `film` in order and in RGB."""

    def check(frames, length=LENGTH):
        assert len(frames) == length
        red, blue = frames[:, 4:12, 8:40, 0].mean((1, 2)), frames[:, -12:-4, 8:40, 2].mean((1, 2))
        np.testing.assert_allclose(red, 60 + 30 * np.arange(length), atol=12)
        np.testing.assert_allclose(blue, 60 + 30 * np.arange(length), atol=12)
        return True

    return check


@pytest.fixture
def converted(tmp_path):
    """The data set that `source` of a format becomes, opened."""

    def run(source, format_name, **options):
        out = tmp_path / "converted"
        convert(source, format_name, out, **options)
        return EpisodeReader(out)

    return run
