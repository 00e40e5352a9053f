"""Things on the table and their moves, from rendered pixels, against the layout that was rendered."""

import mujoco
import numpy as np
import pytest

from understudy.geometry.cameras import camera_from_fov, look_at, project
from understudy.geometry.transforms import apply_transform, inverse_transform
from understudy.perception.scene_change import find_moves, watch_scene
from understudy.perception.scene_objects import beside_hand, find_objects, foreground
from understudy.simulation.layout import sample_layout
from understudy.simulation.looks import sample_looks
from understudy.simulation.rendering import SceneRenderer
from understudy.simulation.scene import build_scene, tabletop_camera

SIZE = 512
SEEDS = (17, 18)
OBJECT_ERROR_M, BUTTON_ERROR_M = 0.006, 0.015


def render(seed, moved=None):
    """The layout of a seed with one object at another (x, y, height)."""
    layout = sample_layout(seed)
    scene = build_scene(mujoco.MjSpec(), layout, sample_looks(seed))
    data = mujoco.MjData(scene.model)
    if moved is not None:
        name, (x, y, lift) = moved
        address = scene.qpos_address(name)
        data.qpos[address : address + 2] = x, y
        data.qpos[address + 2] += lift
    mujoco.mj_forward(scene.model, data)
    renderer = SceneRenderer(scene.model, SIZE)
    try:
        return renderer.render(data), layout
    finally:
        renderer.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_every_object_and_button_is_found_where_it_stands(seed):
    image, layout = render(seed)
    found = find_objects(image, tabletop_camera(SIZE))
    for item in (*layout.objects, *layout.buttons):
        bound = OBJECT_ERROR_M if item in layout.objects else BUTTON_ERROR_M
        assert min(np.linalg.norm(thing.xy - item.position) for thing in found) < bound, item.name


def test_heights_come_from_the_outline():
    image, layout = render(SEEDS[0])
    found = find_objects(image, tabletop_camera(SIZE))
    for item in layout.objects:
        thing = min(found, key=lambda thing, item=item: np.linalg.norm(thing.xy - item.position))
        assert thing.height_m == pytest.approx({"cube": 0.05, "cylinder": 0.07}[item.kind], abs=0.012)


@pytest.mark.parametrize("onto_plate", [True, False])
def test_a_moved_object_is_found_at_both_places(onto_plate):
    image, layout = render(SEEDS[0])
    item = layout.objects[1]
    target = (*layout.plates[0].xy, 0.01) if onto_plate else (item.xy[0] + 0.1, item.xy[1], 0.0)
    after, _ = render(SEEDS[0], (item.name, target))
    camera = tabletop_camera(SIZE)
    moves = find_moves(image, after, find_objects(image, camera), camera)
    assert len(moves) == 1
    np.testing.assert_allclose(moves[0].start.xy, item.position, atol=OBJECT_ERROR_M)
    np.testing.assert_allclose(moves[0].end.xy, target[:2], atol=0.012)


def test_nothing_moves_between_equal_images():
    image, _ = render(SEEDS[0])
    camera = tabletop_camera(SIZE)
    assert find_moves(image, image, find_objects(image, camera), camera) == []


def test_what_is_taken_away_and_set_back_is_unseen_meanwhile():
    image, layout = render(SEEDS[0])
    item = layout.objects[1]
    gone, _ = render(SEEDS[0], (item.name, (*item.xy, 0.3)))
    nowhere = np.full((21, 2), np.nan)
    scene = watch_scene([image, gone, gone, image], tabletop_camera(SIZE), nowhere, nowhere)
    away = [np.linalg.norm(thing.xy - item.position) for thing in scene.objects]
    taken = int(np.argmin(away))
    assert scene.unseen[:, taken].tolist() == [False, True, True, False]
    assert not np.delete(scene.unseen, taken, axis=1).any()
    assert scene.moves == []


def test_what_stands_beside_the_hand_is_looked_up_without_the_person():
    image, layout = render(SEEDS[0])
    camera = tabletop_camera(SIZE)
    item = layout.objects[0]
    place = np.array([*item.xy, 0.05])
    hand = project(camera.K, apply_transform(inverse_transform(camera.T_world_camera), place + 0.03 * np.eye(3)))
    resting = np.tile(hand, (7, 1))
    nowhere = np.full((21, 2), np.nan)

    def found(view):
        scene = watch_scene([image, image], camera, resting, nowhere, view)
        return min(np.linalg.norm(thing.xy - item.position) for thing in scene.objects)

    assert found(None) > 0.05
    assert found(image) < OBJECT_ERROR_M


def test_a_clip_needs_a_frame():
    nowhere = np.full((21, 2), np.nan)
    with pytest.raises(ValueError, match="without frames"):
        watch_scene([], tabletop_camera(SIZE), nowhere, nowhere)


def test_a_shadow_is_not_foreground_and_a_colour_is():
    table = np.full((40, 40, 3), (150, 120, 90), np.uint8)
    shaded, painted = table.copy(), table.copy()
    shaded[10:30, 10:30] = table[10:30, 10:30] * 0.7
    painted[10:30, 10:30] = (160, 40, 40)
    assert not foreground(shaded, table)[0].any()
    assert foreground(painted, table)[0].sum() == pytest.approx(400, abs=12)


def test_what_touches_a_hand_is_not_trusted():
    landmarks = np.stack([np.linspace(100, 140, 21), np.linspace(60, 160, 21)], -1)
    near, far = np.zeros((200, 300), dtype=bool), np.zeros((200, 300), dtype=bool)
    near[90:110, 130:150], far[90:110, 200:220] = True, True
    assert beside_hand(near, landmarks)
    assert not beside_hand(far, landmarks)
    assert not beside_hand(near, np.full((21, 2), np.nan))


def test_what_lies_above_the_tables_horizon_is_no_thing():
    level = camera_from_fov(64, 64, 60.0, look_at(np.array([1.0, 0.0, 0.3]), np.array([0.0, 0.0, 0.3])))
    image = np.full((64, 64, 3), 150, dtype=np.uint8)
    image[10:16, 30:36] = 200, 40, 40
    assert find_objects(image, level, reach_m=np.inf) == []
    image[50:56, 30:36] = 200, 40, 40
    assert len(find_objects(image, level, reach_m=np.inf)) == 1
