"""A folder holds one kind of demo, and keeps what its user has put there."""

import numpy as np
import pytest
from PIL import Image

from understudy.errors import UnderstudyError
from understudy.evaluation import demo, prompted_demo
from understudy.evaluation.moving_picture import moving_picture
from understudy.files import write_text
from understudy.perception.video_writer import write_video


def film(path, grey):
    write_video(path, [np.full((32, 32, 3), grey, dtype=np.uint8)] * 4, 10.0)


@pytest.fixture
def two_videos(tmp_path):
    for name, grey in (("push-right", 0), ("push-wrong", 255)):
        (tmp_path / name).mkdir()
        film(tmp_path / name / "film.mp4", grey)
    return tmp_path


@pytest.fixture
def replay(tmp_path):
    (tmp_path / "push" / "xarm7_xhand").mkdir(parents=True)
    film(tmp_path / "push" / "tracking.mp4", 0)
    film(tmp_path / "push" / "xarm7_xhand" / "rollout.mp4", 255)
    return tmp_path


def test_the_other_kind_of_demo_is_refused_in_one_line(two_videos):
    with pytest.raises(UnderstudyError, match=r"holds a demo of a policy under two videos, not of replay.*choose") as e:
        demo.make_demo(two_videos)
    assert "\n" not in str(e.value)


def test_a_demo_of_replay_is_no_place_for_a_policy_under_two_videos(replay):
    with pytest.raises(UnderstudyError, match="holds a demo of replay of a tracked hand, not of a policy under two"):
        prompted_demo.make_prompted_demo(replay, "kinematic")


def dark_and_light(path):
    with Image.open(path) as image:
        row = np.asarray(image.convert("L"))[104]
    return row[104] < 30, row[-104] > 220


def test_the_picture_of_a_demo_of_replay(replay, tmp_path):
    moving_picture(replay, tmp_path / "demo.webp")
    assert dark_and_light(tmp_path / "demo.webp") == (True, True)


def test_the_picture_of_two_videos_is_made_once_the_demo_is_whole(two_videos, tmp_path):
    with pytest.raises(UnderstudyError, match=r"cases\.json: no such file: the demo is not whole"):
        moving_picture(two_videos, tmp_path / "demo.webp")
    write_text(two_videos / "cases.json", '[{"task": "push"}, {"task": "push"}]')
    moving_picture(two_videos, tmp_path / "demo.webp")
    assert dark_and_light(tmp_path / "demo.webp") == (True, True)


def test_no_demo_has_no_picture(tmp_path):
    with pytest.raises(UnderstudyError, match="no demo here; run"):
        moving_picture(tmp_path, tmp_path / "demo.webp")
