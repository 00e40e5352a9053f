"""Cameras against MuJoCo's renderer: where small balls appear is where `project` says."""

import mujoco
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.geometry.cameras import (
    camera_from_fov,
    camera_ray,
    intersect_plane_z,
    look_at,
    project,
    resize_camera,
    world_from_mujoco_camera,
)
from understudy.geometry.transforms import apply_transform, inverse_transform
from understudy.records import Camera

WIDTH, HEIGHT, FOV_DEG = 321, 200, 47.0
BALLS = np.array([[0.3, 0.2, 0.1], [0.6, -0.3, 0.05], [0.5, 0.0, 0.4], [0.2, -0.1, 0.0]])
EYE, TARGET = np.array([1.4, -0.5, 0.9]), np.array([0.4, 0.0, 0.1])


@pytest.fixture(scope="module")
def scene():
    balls = "".join(
        f'<geom name="b{i}" type="sphere" size=".02" pos="{x} {y} {z}"/>' for i, (x, y, z) in enumerate(BALLS)
    )
    axes = look_at(EYE, TARGET)
    x, y = axes[:3, 0], -axes[:3, 1]
    camera = (
        f'<camera name="c" pos="{" ".join(map(str, EYE))}" xyaxes="{" ".join(map(str, [*x, *y]))}" fovy="{FOV_DEG}"/>'
    )
    size = f'<visual><global offwidth="{WIDTH}" offheight="{HEIGHT}"/></visual>'
    model = mujoco.MjModel.from_xml_string(f"<mujoco>{size}<worldbody>{balls}{camera}</worldbody></mujoco>")
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return model, data


def test_projection_is_where_mujoco_draws(scene):
    model, data = scene
    T_world_camera = world_from_mujoco_camera(data.cam_xpos[0].copy(), data.cam_xmat[0].reshape(3, 3).copy())
    np.testing.assert_allclose(T_world_camera, look_at(EYE, TARGET), atol=1e-9)
    camera = camera_from_fov(WIDTH, HEIGHT, FOV_DEG, T_world_camera)
    pixels = project(camera.K, apply_transform(inverse_transform(T_world_camera), BALLS))
    with mujoco.Renderer(model, HEIGHT, WIDTH) as renderer:
        renderer.enable_segmentation_rendering()
        renderer.update_scene(data, "c")
        drawn = renderer.render()[..., 0]
    for ball, pixel in enumerate(pixels):
        rows, columns = np.nonzero(drawn == model.geom(f"b{ball}").id)
        assert rows.size > 20
        assert [columns.mean(), rows.mean()] == pytest.approx(list(pixel), abs=0.35)


@given(st.integers(2, 4000), st.integers(2, 4000), st.floats(5, 150))
def test_field_of_view_spans_the_image_from_edge_to_edge(width, height, fov_deg):
    K = camera_from_fov(width, height, fov_deg).K
    edge = np.tan(np.radians(fov_deg) / 2)
    top = project(K, np.array([0.0, -edge, 1.0]))
    bottom = project(K, np.array([0.0, edge, 1.0]))
    assert top == pytest.approx([(width - 1) / 2, -0.5], abs=1e-6)
    assert bottom == pytest.approx([(width - 1) / 2, height - 0.5], abs=1e-6)


@given(st.floats(0.05, 5), st.floats(-50, 400), st.floats(-50, 250))
def test_a_ray_times_depth_projects_back(depth, u, v):
    K = camera_from_fov(WIDTH, HEIGHT, FOV_DEG).K
    point = depth * camera_ray(K, np.array([u, v]))
    assert point[2] == pytest.approx(depth)
    assert project(K, point) == pytest.approx([u, v], abs=1e-8)


@given(st.integers(1, 900), st.integers(1, 900), st.floats(-0.5, 0.5), st.floats(-0.4, 0.4))
def test_resizing_keeps_edges_at_edges(width, height, x, y):
    camera = camera_from_fov(WIDTH, HEIGHT, FOV_DEG)
    small = resize_camera(camera, width, height)
    point = np.array([x, y, 1.0])
    # A point at a share of the old image stands at the same share of the new one, edges counted from -0.5.
    before = (project(camera.K, point) + 0.5) / [WIDTH, HEIGHT]
    after = (project(small.K, point) + 0.5) / [width, height]
    np.testing.assert_allclose(after, before, atol=1e-9)


@given(st.floats(-0.3, 0.8), st.floats(-0.4, 0.4), st.floats(-0.1, 0.3))
def test_rays_meet_the_plane_at_the_point_they_came_from(x, y, z):
    camera = camera_from_fov(WIDTH, HEIGHT, FOV_DEG, look_at(EYE, TARGET))
    point = np.array([x, y, z])
    pixel = project(camera.K, apply_transform(inverse_transform(camera.T_world_camera), point[None]))[0]
    np.testing.assert_allclose(intersect_plane_z(camera, pixel, z), point, atol=1e-9)


def test_rays_that_miss_the_plane_are_nan_and_unknown_poses_refused():
    level = camera_from_fov(WIDTH, HEIGHT, FOV_DEG, look_at(np.array([0.0, 0, 1]), np.array([1.0, 0, 1])))
    sky = np.array([WIDTH / 2, 0.0])
    assert np.isnan(intersect_plane_z(level, sky)).all()
    with pytest.raises(ValueError, match="not known"):
        intersect_plane_z(Camera(4, 4, np.eye(3)), sky)


@pytest.mark.parametrize("fov_deg", [0.0, 180.0, -3.0])
def test_impossible_fields_of_view_are_refused(fov_deg):
    with pytest.raises(ValueError, match=r"\(0, 180\)"):
        camera_from_fov(4, 4, fov_deg)
