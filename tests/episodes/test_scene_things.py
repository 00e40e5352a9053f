"""Things of scenes: those that stand on the table, whoever is about to act there."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from tests.episodes.acted_recording import IMAGES, ROBOT, SIZE, write_acted

from understudy.episodes import scene_things
from understudy.episodes.acted import ActedConfig, ActedWindows
from understudy.episodes.frame_cache import FrameCache
from understudy.episodes.image_shift import ImageShift
from understudy.episodes.person_scene import camera_of_episode, square_camera, tracked_hand, without_person
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.scene_things import SceneThings, SeenEpisode, cached_things, first_things
from understudy.errors import UnderstudyError
from understudy.geometry.cameras import project, resize_camera
from understudy.geometry.transforms import apply_transform, inverse_transform
from understudy.perception.scene_objects import find_objects
from understudy.records import Camera
from understudy.simulation.robot_picture import resting_robot
from understudy.simulation.scene import tabletop_camera
from understudy.simulation.tabletop import Tabletop

LARGE_PX, WITHIN_M = 96, 0.025


@pytest.mark.parametrize("seed", [3, 5])
def test_what_stands_before_the_robot_is_found(seed):
    table = Tabletop("push", seed, ROBOT)
    try:
        image, layout = table.reset().image, table.layout
    finally:
        table.close()
    found = SceneThings(ROBOT).of_robot(image, tabletop_camera(LARGE_PX))
    for item in layout.objects:
        assert np.linalg.norm(found[:, :2] - item.position, axis=1).min() < WITHIN_M, item.name


def with_discs(size, places):
    """A grey table with red things."""
    image = np.full((size, size, 3), 150, dtype=np.uint8)
    for place in places:
        cv2.circle(image, place, size // 16, (200, 40, 40), -1)
    return image


def test_the_robot_at_rest_is_no_thing(monkeypatch):
    camera, (left, right) = tabletop_camera(LARGE_PX), ((30, 70), (66, 70))
    things = SceneThings(ROBOT)
    assert things._cover(camera)[resting_robot(ROBOT, camera).cover > 0.1].all()
    assert not things._cover(camera)[70].any()
    image = with_discs(LARGE_PX, [left, right])
    both = find_objects(image, camera)
    assert len(things.of_robot(image, camera)) == len(both) == 2
    cover = np.zeros((LARGE_PX, LARGE_PX), dtype=bool)
    cover[:, left[0] :][:, :3] = True
    monkeypatch.setattr(things, "_cover", lambda _: cover)
    (rest,) = things.of_robot(image, camera)
    there = next(thing for thing in both if thing.mask[right[1], right[0]])
    np.testing.assert_allclose(rest[:2], there.xy, rtol=1e-6)


def test_the_widest_come_first_and_what_is_not_there_is_nan():
    things = np.array([[0, 0, 0.02, 1], [1, 0, 0.05, 1], [2, 0, 0.03, 1]], dtype=np.float32)
    assert first_things(things, 2)[:, 0].tolist() == [1, 2]
    padded = first_things(things, 5)
    assert padded[:3, 0].tolist() == [1, 2, 0]
    assert np.isnan(padded[3:]).all()
    assert np.isnan(first_things(things[:0], 2)).all()


@pytest.fixture
def recording(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    return write_acted(tmp_path / "data")


def seen(root, name, index):
    reader = EpisodeReader(root / name)
    return SeenEpisode(reader, index, FrameCache(reader, IMAGES, SIZE), name == "human_hand")


def test_a_persons_scene_is_looked_at_without_the_person(recording, monkeypatch):
    episode = seen(recording, "human_hand", 1)
    camera = camera_of_episode(episode.reader, 1, SIZE)
    hand = project(camera.K, tracked_hand(episode.reader, 1))[0].mean(0)
    on_hand, free = tuple(int(number) for number in hand), (SIZE - 7, SIZE - 9)
    frames = np.stack([with_discs(SIZE, [on_hand, free])] * len(episode.frames.episode(1)))
    monkeypatch.setattr(FrameCache, "episode", lambda *_: frames)
    assert len(find_objects(frames[0], camera)) == 2
    empty = find_objects(without_person(episode.reader, 1, frames, camera), camera)
    assert len(empty) == 1
    (found,) = SceneThings(ROBOT).of(episode)
    np.testing.assert_allclose(found, [*empty[0].xy, empty[0].radius_m, empty[0].height_m], rtol=1e-6)


def test_they_are_looked_for_once_and_again_where_anything_differs(recording, monkeypatch):
    calls = []

    def of(_, episode):
        calls.append(episode.index)
        return np.full((1, 4), len(calls), dtype=np.float32)

    monkeypatch.setattr(SceneThings, "of", of)
    episodes = [seen(recording, name, index) for name in ("human_hand", ROBOT) for index in range(2)]
    first = cached_things(ROBOT, episodes, 2)
    assert first[:, 0, 0].tolist() == [1, 2, 3, 4]
    np.testing.assert_array_equal(cached_things(ROBOT, episodes, 2), first)
    assert len(calls) == 4
    assert cached_things(ROBOT, episodes[::-1], 5)[:, 0, 0].shape == (4,)
    assert len(calls) == 8, "in another order it is another file, with another number it is not"
    np.testing.assert_array_equal(cached_things(ROBOT, episodes[2:], 1)[:, :, 0], [[3], [4]])

    def again(change):
        with monkeypatch.context() as patch:
            change(patch)
            before = len(calls)
            cached_things(ROBOT, episodes, 2)
            return len(calls) - before

    hand, camera = scene_things.made_of, scene_things.camera_of_episode
    assert again(lambda patch: patch.setattr(scene_things, "_VERSION", b"other")) == 4
    assert again(lambda patch: patch.setattr(scene_things, "made_of", lambda *of: hand(*of) + b"1")) == 2
    turned = tabletop_camera(SIZE).T_world_camera + np.eye(4)[:, ::-1] * 1e-3
    other = replace(camera(episodes[0].reader, 0, SIZE), T_world_camera=turned)
    assert again(lambda patch: patch.setattr(scene_things, "camera_of_episode", lambda *_: other)) == 4
    before = len(calls)
    cached_things("xarm7_gripper", episodes, 2)
    assert len(calls) == before + 4


def test_samples_hold_them_where_the_shifted_image_shows_them(recording, monkeypatch):
    there = np.array([[0.45, 0.1, 0.03, 0.05]], dtype=np.float32)
    monkeypatch.setattr(SceneThings, "of", lambda *_: there)
    windows = ActedWindows([recording], ActedConfig(image_size=SIZE, num_times=1, things=2, shift=2))
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(windows.sample(0, rng, ImageShift())["things"][:1], there)
    shifted = windows.sample(0, rng, ImageShift(2, -1))["things"]
    assert np.isnan(shifted[1]).all()
    np.testing.assert_array_equal(shifted[0, 2:], there[0, 2:])
    camera, height = tabletop_camera(SIZE), windows._episodes[0].moves.actions[:, 2].min()
    to_camera = inverse_transform(camera.T_world_camera)
    above = np.array([[*there[0, :2], height], [*shifted[0, :2], height]], dtype=float)
    before, after = project(camera.K, apply_transform(to_camera, above))
    np.testing.assert_allclose(after - before, [2 * SIZE / 32, -SIZE / 32], atol=1e-4)
    assert "things" not in ActedWindows([recording], ActedConfig(image_size=SIZE, num_times=1)).sample(0, rng)


def test_the_camera_of_the_square_in_the_middle():
    camera = tabletop_camera(64)
    K = camera.K + np.array([[0, 0, 16], [0, 0, 0], [0, 0, 0]])
    wide = Camera(96, 64, K, camera.T_world_camera)
    square, expected = square_camera(wide, 32, "here"), resize_camera(camera, 32, 32)
    np.testing.assert_allclose(square.K, expected.K)
    assert (square.width, square.height) == (32, 32)
    with pytest.raises(UnderstudyError, match="here: its camera has no pose over the table"):
        square_camera(Camera(64, 64, camera.K, None), 32, "here")
    with pytest.raises(UnderstudyError, match="here: its camera does not look through the middle"):
        square_camera(Camera(64, 64, K, camera.T_world_camera), 32, "here")
