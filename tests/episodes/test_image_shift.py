from dataclasses import replace

import mujoco
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.episodes.image_shift import STEPS, ImageShift, random_shift
from understudy.geometry.cameras import project
from understudy.geometry.transforms import apply_transform, inverse_transform
from understudy.simulation.layout import Item, Layout
from understudy.simulation.looks import sample_looks
from understudy.simulation.rendering import SceneRenderer
from understudy.simulation.scene import build_scene, tabletop_camera

SHIFTS = st.builds(ImageShift, st.integers(-4, 4), st.integers(-4, 4))


@given(SHIFTS, st.sampled_from([32, 64, 96]))
def test_images_move_by_whole_pixels_and_edges_repeat(shift, size):
    images = np.random.default_rng(0).integers(0, 255, (2, size, size, 3), dtype=np.uint8)
    moved = shift.images(images)
    right, down = shift.right * size // STEPS, shift.down * size // STEPS
    inner = slice(20, 25)
    assert np.array_equal(moved[:, 20 + down : 25 + down, 20 + right : 25 + right], images[:, inner, inner])
    if right > 0:
        assert np.array_equal(moved[:, :, 0], moved[:, :, right])
    if down < 0:
        assert np.array_equal(moved[:, -1], moved[:, size - 1 + down])


@given(SHIFTS, st.floats(0.3, 0.7), st.floats(-0.3, 0.3), st.floats(0, 0.3))
def test_places_keep_their_height_and_are_seen_where_the_image_moves(shift, x, y, z):
    camera, p = tabletop_camera(96), np.array([[x, y, z]])
    moved = shift.places(camera, p)
    assert moved[0, 2] == pytest.approx(z)
    before, after = (
        project(camera.K, apply_transform(inverse_transform(camera.T_world_camera), q)) for q in (p, moved)
    )
    assert (after - before)[0] == pytest.approx(np.array([shift.right, shift.down]) * 3.0)
    assert ImageShift(-shift.right, -shift.down).places(camera, moved) == pytest.approx(p)


def test_a_shifted_cube_is_where_the_simulator_shows_one_at_its_new_place():
    camera, shift = tabletop_camera(96), ImageShift(1, -2)
    looks = sample_looks(3)

    def red(xy):
        layout = Layout(3, (Item("red_cube", "cube", "red", (float(xy[0]), float(xy[1]))),), (), ())
        scene = build_scene(mujoco.MjSpec(), layout, looks)
        data = mujoco.MjData(scene.model)
        mujoco.mj_forward(scene.model, data)
        renderer = SceneRenderer(scene.model, 96)
        image = renderer.render(data).astype(int)
        renderer.close()
        return image, image[..., 0] - image[..., 1:].max(-1) > 60

    place = np.array([[0.45, 0.02, 0.025]])
    image, _ = red(place[0, :2])
    moved = shift.images(image.astype(np.uint8)).astype(int)
    expected = np.argwhere(moved[..., 0] - moved[..., 1:].max(-1) > 60).mean(0)
    found = np.argwhere(red(shift.places(camera, place)[0, :2])[1]).mean(0)
    assert found == pytest.approx(expected, abs=0.4)
    assert np.linalg.norm(expected - np.argwhere(red(place[0, :2])[1]).mean(0)) == pytest.approx(
        np.hypot(3, 6), abs=0.2
    )


def test_a_wide_camera_is_shifted_as_the_square_in_its_middle():
    square, place, shift = tabletop_camera(96), np.array([[0.5, 0.1, 0.05]]), ImageShift(2, 1)
    K = square.K.copy()
    K[0, 2] += 16
    wide = replace(square, width=128, K=K)
    assert shift.places(wide, place) == pytest.approx(shift.places(square, place))


def test_chance_goes_to_both_sides_as_far_as_asked():
    shifts = [random_shift(np.random.default_rng(i), 2) for i in range(300)]
    assert {shift.right for shift in shifts} == {shift.down for shift in shifts} == {-2, -1, 0, 1, 2}
    assert len({(shift.right, shift.down) for shift in shifts}) == 25


def test_a_camera_without_a_pose_cannot_say_where_places_go():
    with pytest.raises(ValueError, match="pose in the world is not known"):
        ImageShift(1, 0).places(replace(tabletop_camera(96), T_world_camera=None), np.zeros((1, 3)))
