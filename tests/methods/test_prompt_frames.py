"""Which frames of a clip a network looks at: by time, upright, the middle square."""

import numpy as np
import pytest

from understudy.episodes.windows import even_frames
from understudy.errors import PromptError
from understudy.methods.prompt_frames import frames_at_even_times, prompt_frames
from understudy.perception.video import open_video
from understudy.perception.video_writer import write_video


@pytest.mark.parametrize("length", [2, 5, 31, 48, 203])
@pytest.mark.parametrize("count", [4, 10, 16])
def test_at_a_steady_rate_they_are_those_of_training(length, count):
    for fps in (5.0, 10.0, 29.97, 60.0):
        assert np.array_equal(frames_at_even_times(np.arange(length) / fps, count), even_frames(length, count))


def test_the_rate_does_not_matter():
    """The same 3 s at 10 and at 30 frames a second, and at 30 first and 10 later: the same moments."""
    slow, fast = np.arange(31) / 10, np.arange(91) / 30
    changing = np.concatenate([fast[fast < 1], slow[slow >= 1]])
    moments = [times[frames_at_even_times(times, 7)] for times in (slow, fast, changing)]
    assert np.allclose(moments, np.arange(7) / 2, atol=0.051)


def test_a_portrait_clip_gives_its_middle_square(tmp_path):
    frame = np.zeros((96, 48, 3), dtype=np.uint8)
    frame[24:72] = 200  # the middle square, and nothing else
    write_video(tmp_path / "clip.mp4", [frame] * 3, 10.0)
    seen = prompt_frames(open_video(tmp_path / "clip.mp4"), 5, 24)
    assert seen.shape == (5, 24, 24, 3)
    assert seen[:, 1:-1].min() > 180


def test_no_clip_is_black_and_one_picture_is_no_clip(tmp_path):
    assert not prompt_frames(None, 3, 8).any()
    write_video(tmp_path / "one.mp4", [np.full((16, 16, 3), 90, dtype=np.uint8)], 10.0)
    assert prompt_frames(open_video(tmp_path / "one.mp4"), 1, 8).shape == (1, 8, 8, 3)
    with pytest.raises(PromptError, match=r"one\.mp4: it has 1 frame"):
        prompt_frames(open_video(tmp_path / "one.mp4"), 2, 8)
