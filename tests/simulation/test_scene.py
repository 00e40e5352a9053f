import mujoco
import numpy as np
import pytest

from understudy.errors import UnderstudyError
from understudy.geometry.cameras import project
from understudy.geometry.transforms import apply_transform, inverse_transform
from understudy.simulation.layout import HALF_WIDTH, OBJECT_HALF_HEIGHT, sample_layout
from understudy.simulation.looks import sample_looks, table_texture
from understudy.simulation.objects import BUTTON_PRESSED_TRAVEL, OBJECT_MASS, object_rgba
from understudy.simulation.rendering import SceneRenderer
from understudy.simulation.scene import build_scene, light_buttons, tabletop_camera

IMAGE = 128
SEEDS = (0, 1, 2_000_001)


def empty_scene(seed):
    scene = build_scene(mujoco.MjSpec(), sample_layout(seed), sample_looks(seed))
    data = mujoco.MjData(scene.model)
    mujoco.mj_forward(scene.model, data)
    return scene, data


def pixel_of(camera, point):
    u, v = project(camera.K, apply_transform(inverse_transform(camera.T_world_camera), point[None]))[0]
    return round(float(v)), round(float(u))


def hue(rgb):
    return np.asarray(rgb, float) / np.linalg.norm(rgb)


@pytest.mark.parametrize("seed", SEEDS)
def test_projected_centres_fall_on_their_colours(seed):
    scene, data = empty_scene(seed)
    renderer = SceneRenderer(scene.model, IMAGE)
    image = renderer.render(data)
    renderer.close()
    camera = tabletop_camera(IMAGE)
    for item in (*scene.layout.objects, *scene.layout.buttons, *scene.layout.plates):
        height = {"plate": 0.006, "button": 0.036}.get(item.kind) or 2 * OBJECT_HALF_HEIGHT[item.kind]
        seen = image[pixel_of(camera, np.array([*item.xy, height]))]
        assert hue(seen) @ hue(object_rgba(item.colour, scene.looks)[:3]) > 0.97, item


def test_the_camera_is_mujoco_s_camera():
    scene, data = empty_scene(0)
    camera = tabletop_camera(IMAGE)
    np.testing.assert_allclose(camera.T_world_camera[:3, 3], data.cam_xpos[0], atol=1e-9)
    np.testing.assert_allclose(
        camera.T_world_camera[:3, :3] @ np.diag([1, -1, -1]), data.cam_xmat[0].reshape(3, 3), atol=1e-6
    )
    assert scene.model.cam_fovy[0] == pytest.approx(2 * np.degrees(np.arctan(IMAGE / 2 / camera.K[1, 1])))


def test_things_rest_where_the_layout_says():
    scene, data = empty_scene(5)
    start = data.qpos.copy()
    mujoco.mj_step(scene.model, data, 500)
    np.testing.assert_allclose(data.qpos, start, atol=1e-3)
    assert scene.model.body(scene.layout.objects[0].name).mass[0] == pytest.approx(OBJECT_MASS)


def test_a_button_yields_to_a_finger_and_comes_back():
    scene, data = empty_scene(5)
    name = scene.layout.buttons[0].name
    data.xfrc_applied[scene.model.body(name).id, 2] = -4.0
    mujoco.mj_step(scene.model, data, 200)
    assert data.joint(name).qpos[0] > BUTTON_PRESSED_TRAVEL
    data.xfrc_applied[:] = 0.0
    mujoco.mj_step(scene.model, data, 200)
    assert data.joint(name).qpos[0] < 0.1 * BUTTON_PRESSED_TRAVEL


def test_an_object_pushed_at_mid_height_slides_and_does_not_tip():
    scene, data = empty_scene(5)
    for item in scene.layout.objects:
        data.xfrc_applied[scene.model.body(item.name).id, 0] = 0.6
    mujoco.mj_step(scene.model, data, 100)
    for item in scene.layout.objects:
        body = data.body(item.name)
        assert body.xpos[0] > item.xy[0] + 0.005
        assert body.xmat.reshape(3, 3)[2, 2] > 0.99


def test_a_fallen_cylinder_rolls_a_little_and_stops():
    scene, data = empty_scene(0)
    item = next(thing for thing in scene.layout.objects if thing.kind == "cylinder")
    joint = data.joint(item.name)
    joint.qpos[:] = [0.2, 0.45, HALF_WIDTH, np.sqrt(0.5), np.sqrt(0.5), 0, 0]
    joint.qvel[:] = [0.2, 0, 0, 0, 0, 0]
    mujoco.mj_step(scene.model, data, 1000)
    assert 0.205 < data.body(item.name).xpos[0] < 0.30
    assert np.linalg.norm(joint.qvel) < 0.01


def test_a_pressed_button_glows():
    scene, _ = empty_scene(5)
    first, second = (scene.model.geom(button.name).id for button in scene.layout.buttons)
    before = scene.model.geom_rgba.copy()
    light_buttons(scene, frozenset({scene.layout.buttons[0].name}))
    assert (scene.model.geom_rgba[first, :3] > before[first, :3] + 0.02).all()
    np.testing.assert_allclose(scene.model.geom_rgba[second], before[second], atol=1e-6)
    light_buttons(scene, frozenset())
    np.testing.assert_allclose(scene.model.geom_rgba, before, atol=1e-6)


def test_images_repeat_and_sizes_are_bounded():
    scene, data = empty_scene(1)
    images = []
    for _ in range(2):
        renderer = SceneRenderer(scene.model, 48)
        images.append(renderer.render(data))
        renderer.close()
        renderer.close()
    assert images[0].shape == (48, 48, 3)
    np.testing.assert_array_equal(images[0], images[1])
    with pytest.raises(UnderstudyError, match="image size 4000 px"):
        SceneRenderer(scene.model, 4000)


def test_textures_have_the_table_s_colour():
    for seed in range(4):
        looks = sample_looks(seed)
        np.testing.assert_allclose(table_texture(looks).mean((0, 1)) / 255, looks.table, atol=0.02)
