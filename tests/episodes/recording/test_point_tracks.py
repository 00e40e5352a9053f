"""Point tracks against MuJoCo's own ray casting, and on things that move as one."""

import mujoco
import numpy as np
import pytest

from understudy.episodes.recording.point_tracks import NUM_POINTS, PointTracker, point_names
from understudy.geometry.cameras import project
from understudy.simulation.experts import scripted_expert
from understudy.simulation.human import RenderedFrames, record_human
from understudy.simulation.tabletop import Tabletop

SIZE, SEED, EVERY = 64, 3, 9
CLOSE_M = 0.015
SEEN_GEOMS = np.array([1, 0, 1, 0, 0, 0], dtype=np.uint8)


@pytest.fixture(scope="module")
def robot():
    """A tracker that has seen every ninth step of a robot, and the scene as it was."""
    table = Tabletop("push", SEED, "xarm7_gripper", image_size=SIZE)
    table.reset()
    tracker = PointTracker(table.scene, table.camera(SIZE))
    states = []
    for step, action in enumerate(scripted_expert(table)):
        if step % EVERY == 0:
            tracker.add(table.data)
            states.append(table.data.qpos.copy())
        table.step(action, observe=False)
    yield table, states, tracker
    tracker.close()
    table.close()


def test_visibility_is_what_rays_say(robot):
    table, states, tracker = robot
    model, camera = table.scene.model, table.camera(SIZE)
    T = camera.T_world_camera
    points, visible = tracker.follow(np.random.default_rng(0))
    data, agree = mujoco.MjData(model), []
    geom = np.zeros(1, dtype=np.int32)
    for qpos, p_camera, seen in zip(states, points, visible, strict=True):
        data.qpos[:] = qpos
        mujoco.mj_forward(model, data)
        inside = (np.abs(project(camera.K, p_camera) - (SIZE - 1) / 2) < SIZE / 2).all(axis=1)
        for p, is_seen in zip((p_camera @ T[:3, :3].T)[inside], seen[inside], strict=True):
            distance = np.linalg.norm(p)
            hit = mujoco.mj_ray(model, data, T[:3, 3], p / distance, SEEN_GEOMS, 1, -1, geom)
            agree.append((hit > distance - CLOSE_M) == is_seen)
    assert len(agree) > 4 * NUM_POINTS
    assert np.mean(agree) > 0.98
    assert 0.5 < visible.mean() < 0.95


def test_the_columns_are_pixels_and_a_flag(robot):
    table, _, tracker = robot
    points, visible = tracker.follow(np.random.default_rng(0))
    tracks = tracker.tracks(np.random.default_rng(0)).reshape(*visible.shape, 3)
    assert tracks.shape[1:] == (NUM_POINTS, 3) == (len(point_names()) // 3, 3)
    assert np.allclose(tracks[..., :2], project(table.camera(SIZE).K, points))
    assert (tracks[..., 2] == visible).all()
    outside = (np.abs(tracks[..., :2] - (SIZE - 1) / 2) > SIZE / 2).any(axis=-1)
    assert not visible[outside].any()


def test_points_on_the_table_stay_and_pushed_ones_move(robot):
    tracks = robot[2].tracks(np.random.default_rng(0)).reshape(-1, NUM_POINTS, 3)
    way = np.linalg.norm(tracks[-1, :, :2] - tracks[0, :, :2], axis=1)
    assert (way < 1e-6).sum() >= 12
    assert way.max() > 5


def test_points_of_a_hand_are_seen_on_it():
    demonstration = record_human("push", SEED, size=SIZE)
    chosen = tuple(range(0, demonstration.track.num_frames, 20))
    tracker = None
    for scene, data in RenderedFrames(demonstration, chosen=chosen).posed():
        tracker = tracker or PointTracker(scene, demonstration.camera)
        tracker.add(data)
    tracks = tracker.tracks(np.random.default_rng(0)).reshape(len(chosen), NUM_POINTS, 3)
    tracker.close()
    assert set(np.unique(tracks[..., 2])) <= {0.0, 1.0}
    assert tracks[0, :, 2].mean() > 0.5
    # The first points are the hand's and sleeve's: most move with the wrist.
    wrist = demonstration.track.keypoints_px[list(chosen), 0]
    moved = tracks[-1, :24, :2] - tracks[0, :24, :2]
    hand = np.linalg.norm(moved - (wrist[-1] - wrist[0]), axis=1)
    assert np.median(hand) < 8
