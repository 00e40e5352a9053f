"""A prompt that is a video, of random pictures."""

import numpy as np
import pytest

from understudy.perception.video import open_video
from understudy.perception.video_writer import write_video


@pytest.fixture
def prompt(tmp_path):
    frames = np.random.default_rng(5).integers(0, 255, (9, 40, 48, 3), dtype=np.uint8)
    write_video(tmp_path / "prompt.mp4", frames, 10.0)
    return open_video(tmp_path / "prompt.mp4")
