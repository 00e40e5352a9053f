"""The painted robot is where, and looks as, the tabletop's own renderer shows it."""

import numpy as np
import pytest

from understudy.geometry.cameras import camera_from_fov, look_at, resize_camera
from understudy.simulation.robot_picture import resting_robot
from understudy.simulation.scene import tabletop_camera
from understudy.simulation.tabletop import Tabletop

SIZE = 96


@pytest.mark.parametrize("robot", ["xarm7_xhand", "xarm7_gripper"])
def test_the_robot_is_painted_where_it_rests(robot):
    picture = resting_robot(robot, tabletop_camera(SIZE))
    table = Tabletop("push", 5, robot)
    try:
        image = table.reset().image
    finally:
        table.close()
    assert image.shape == (SIZE, SIZE, 3)
    covered = picture.cover > 0.99
    assert 0.003 < covered.mean() < 0.2
    painted = picture.painted_into(image)
    off = np.abs(painted.astype(int) - image).mean(-1)
    assert np.median(off[covered]) < 35  # light differs from layout to layout
    np.testing.assert_array_equal(painted[picture.cover == 0], image[picture.cover == 0])
    other = np.abs(np.roll(painted, 20, axis=1).astype(int) - image).mean(-1)
    assert np.median(other[np.roll(covered, 20, axis=1)]) > np.median(off[covered])


def test_another_size_shows_the_same():
    large, small = (resting_robot("xarm7_xhand", resize_camera(tabletop_camera(96), s, s)).cover for s in (96, 48))
    np.testing.assert_allclose(small, large.reshape(48, 2, 48, 2).mean((1, 3)), atol=0.15)


def test_a_camera_that_looks_away_sees_no_robot():
    camera = tabletop_camera(SIZE)
    away = camera.T_world_camera.copy()
    away[:3, :3] = away[:3, :3] @ np.diag([-1.0, 1.0, -1.0])
    turned = type(camera)(SIZE, SIZE, camera.K, away)
    assert resting_robot("xarm7_xhand", turned).cover.max() == 0


def test_a_camera_that_sees_the_hand_tells_robots_apart():
    camera = camera_from_fov(SIZE, SIZE, 50.0, look_at(np.array([1.0, 0.3, 0.5]), np.array([0.3, 0.0, 0.3])))
    hand, gripper = (resting_robot(robot, camera).cover for robot in ("xarm7_xhand", "xarm7_gripper"))
    assert (hand > 0.99).sum() > 300
    assert ((hand > 0.99) != (gripper > 0.99)).sum() > 50
