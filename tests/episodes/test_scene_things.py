"""Things of scenes: those that stand on the table, whoever is about to act there."""

import numpy as np
import pytest
from tests.episodes.acted_recording import IMAGES, ROBOT, SIZE, write_acted

from understudy.episodes import scene_things
from understudy.episodes.acted import ActedConfig, ActedWindows
from understudy.episodes.frame_cache import FrameCache
from understudy.episodes.image_shift import ImageShift
from understudy.episodes.person_scene import camera_of_episode, square_camera, without_person
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.scene_things import SceneThings, SeenEpisode, cached_things, first_things
from understudy.errors import UnderstudyError
from understudy.geometry.cameras import project, resize_camera
from understudy.geometry.transforms import apply_transform, inverse_transform
from understudy.perception.scene_objects import find_objects
from understudy.records import Camera
from understudy.simulation.scene import tabletop_camera
from understudy.simulation.tabletop import Tabletop

FROM_LARGE_PX, WITHIN_M = 96, 0.025


@pytest.mark.parametrize("seed", [3, 5])
def test_what_stands_before_the_robot_is_found_and_the_robot_is_not(seed):
    table = Tabletop("push", seed, ROBOT)
    try:
        image, layout = table.reset().image, table.layout
    finally:
        table.close()
    camera = tabletop_camera(FROM_LARGE_PX)
    found = SceneThings(ROBOT).of_robot(image, camera)
    for item in layout.objects:
        assert np.linalg.norm(found[:, :2] - item.position, axis=1).min() < WITHIN_M, item.name
    everything = find_objects(image, camera)
    assert 0 < len(found) <= len(everything)
    painted = SceneThings(ROBOT)._cover(camera)
    theirs = [thing for thing in everything if (thing.mask & painted).sum() > 0.5 * thing.mask.sum()]
    assert len(found) <= len(everything) - len(theirs)


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


def test_a_persons_scene_is_looked_at_without_the_person(recording):
    episode = seen(recording, "human_hand", 1)
    frames = np.asarray(episode.frames.episode(1))
    camera = camera_of_episode(episode.reader, 1, SIZE)
    empty = without_person(episode.reader, 1, frames, camera)
    assert (empty != frames[0]).any()
    expected = [[*thing.xy, thing.radius_m, thing.height_m] for thing in find_objects(empty, camera)]
    np.testing.assert_allclose(SceneThings(ROBOT).of(episode), np.reshape(expected, (-1, 4)), rtol=1e-6)


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
    for other in ((ROBOT, episodes, 3), ("xarm7_gripper", episodes, 2), (ROBOT, episodes[1:], 2)):
        before = len(calls)
        cached_things(*other)
        assert len(calls) > before
    monkeypatch.setattr(scene_things, "_VERSION", b"other")
    before = len(calls)
    cached_things(ROBOT, episodes, 2)
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
    camera = tabletop_camera(SIZE)
    to_camera = inverse_transform(camera.T_world_camera)
    feet = np.array([[*there[0, :2], 0], [*shifted[0, :2], 0]], dtype=float)
    before, after = project(camera.K, apply_transform(to_camera, feet))
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
