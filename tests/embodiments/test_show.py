import numpy as np
import pytest

from understudy.embodiments import EMBODIMENTS, get_embodiment
from understudy.embodiments.show import joint_sweep_sheet, render_embodiment, turntable

SIZE = 64


@pytest.mark.parametrize("name", EMBODIMENTS)
def test_picture_shows_the_body_and_follows_its_pose(name):
    embodiment = get_embodiment(name)
    home = render_embodiment(name, size=SIZE)
    assert home.shape == (SIZE, SIZE, 3)
    assert home.std() > 5
    moved = embodiment.home.copy()
    moved[0] += 0.4 if embodiment.arm_joints else 0.3
    assert np.abs(home.astype(int) - render_embodiment(name, moved, size=SIZE)).max() > 30


def test_turntable_goes_around():
    views = turntable("xarm7_gripper", num_views=3, size=SIZE)
    assert views.shape == (3, SIZE, SIZE, 3)
    assert (views[0] != views[1]).any()


def test_sweep_sheet_has_a_row_for_every_joint():
    sheet = joint_sweep_sheet("xarm7_gripper", size=32)
    assert sheet.shape == (9 * 32, 5 * 32, 3)
