import json

import mujoco
import numpy as np
import pytest

from understudy.embodiments.hand_skeleton import HAND_JOINTS, HandSkeleton
from understudy.embodiments.human_hand import human_hand
from understudy.errors import UnderstudyError
from understudy.geometry.hand_frame import wrist_frame
from understudy.geometry.transforms import apply_transform
from understudy.perception.track_file import load_hand_track
from understudy.simulation import demonstration_file
from understudy.simulation.demonstration_file import save_demonstration
from understudy.simulation.human import RenderedFrames, record_human
from understudy.simulation.human_motion import Motion, minimum_jerk
from understudy.simulation.human_pose import HandPose, hand_rotation, posture, solve_pose
from understudy.simulation.layout import OBJECT_HALF_HEIGHT, sample_layout
from understudy.simulation.looks import sample_looks
from understudy.simulation.rendering import SceneRenderer
from understudy.simulation.scene import build_scene
from understudy.simulation.tasks import TASKS, get_task

SEED = 11
SIZE = 128
TIPS = [4, 8, 12]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("handedness", ["right", "left"])
def test_the_person_does_the_task(task, handedness):
    for seed in range(2 if task == "pour" else 6):  # beads cost a second each
        demo = record_human(task, seed, size=SIZE, handedness=handedness)
        assert demo.body.handedness == demo.track.handedness == handedness
        assert get_task(task).reached(demo.goal, demo.layout, demo.final_state)[-1]
        assert not get_task(task).reached(demo.goal, demo.layout, demo.state(0))[-1]
        assert 2.5 < demo.track.time_s[-1] < (11.0 if task == "pour" else 8.0)
        keypoints = np.stack([demo.keypoints_world(i) for i in range(demo.track.num_frames)])
        assert keypoints[..., 2].min() > 0.0
        assert np.abs(np.diff(keypoints, axis=0)).max() * demo.fps < 2.0
        limits = HandSkeleton().limits
        assert (demo.track.joint_angles >= limits[:, 0] - 1e-9).all()
        assert (demo.track.joint_angles <= limits[:, 1] + 1e-9).all()


def test_seeds_repeat_bit_for_bit_and_differ():
    first, again = (record_human("push", SEED, size=SIZE) for _ in range(2))
    other = record_human("push", SEED + 1, size=SIZE)
    np.testing.assert_array_equal(first.track.keypoints_camera, again.track.keypoints_camera)
    assert first.body != other.body
    assert first.track.keypoints_camera.shape != other.track.keypoints_camera.shape


@pytest.mark.parametrize("handedness", ["right", "left"])
def test_truth_agrees_with_the_rendered_body(handedness):
    """Outside oracle: MuJoCo's own kinematics of the body, and equations 9-11."""
    demo = record_human("pick_place", SEED, size=SIZE, handedness=handedness)
    model = human_hand(demo.body).build().compile()
    data = mujoco.MjData(model)
    for frame in (0, 30, 60):
        data.qpos[:7] = demo.wrist_qpos[frame]
        for name, value in zip(HAND_JOINTS, demo.track.joint_angles[frame], strict=True):
            data.joint(name).qpos[0] = value
        mujoco.mj_kinematics(model, data)
        sites = np.stack([data.site(f"k{i}").xpos for i in range(21)])
        np.testing.assert_allclose(demo.keypoints_world(frame), sites, atol=1e-6)
    np.testing.assert_allclose(
        wrist_frame(demo.track.keypoints_camera, handedness)[:, :3, :3], demo.track.T_camera_wrist[:, :3, :3], atol=0.02
    )


@pytest.mark.parametrize("seed", [10, 14])  # light hands on grey cloth: the picture tells them apart
def test_keypoints_lie_on_the_person_in_the_picture(seed):
    demo = record_human("push", seed, size=SIZE)
    empty = build_scene(mujoco.MjSpec(), sample_layout(seed), sample_looks(seed))
    data = mujoco.MjData(empty.model)
    mujoco.mj_forward(empty.model, data)
    renderer = SceneRenderer(empty.model, SIZE, supersampling=1)
    background = renderer.render(data).astype(int)
    renderer.close()
    image = next(iter(RenderedFrames(demo, supersampling=1)))
    hand = np.abs(image.astype(int) - background).max(-1) > 15
    u, v = np.round(demo.track.keypoints_px[0]).astype(int).T
    assert hand[v, u].mean() > 0.95
    assert hand.mean() < 0.15
    skin = np.array(demo.body.skin_rgb) / np.linalg.norm(demo.body.skin_rgb)
    seen = image[v, u].astype(float)
    cosine = (seen @ skin) / np.linalg.norm(seen, axis=1)
    assert np.median(cosine) > 0.995


@pytest.mark.parametrize("seed", range(6))
def test_fingertips_hold_the_object_and_carry_it_high(seed):
    demo = record_human("pick_place", seed, size=SIZE)
    T = demo.object_poses[demo.goal.target]
    item = demo.layout.item(demo.goal.target)
    half_height = OBJECT_HALF_HEIGHT[item.kind]
    lifted = np.flatnonzero(T[:, 2, 3] > half_height + 0.03).tolist()
    lift = T[:, 2, 3].max() - half_height
    assert lift > 0.08
    for frame in (lifted[0], lifted[len(lifted) // 2], lifted[-1]):
        tips = (demo.keypoints_world(frame)[TIPS] - T[frame, :3, 3]) @ T[frame, :3, :3]
        outside = np.abs(tips[:, :2]).max(1) if item.kind == "cube" else np.linalg.norm(tips[:, :2], axis=1)
        np.testing.assert_allclose(outside, 0.025, atol=0.006)
        assert (np.abs(tips[:, 2]) < 0.02).all()
        assert tips[0, :2] @ tips[1:, :2].mean(0) < 0
    held = np.linalg.norm(demo.keypoints_world(lifted[0])[TIPS] - T[lifted[0], :3, 3], axis=1)
    later = np.linalg.norm(demo.keypoints_world(lifted[-1])[TIPS] - T[lifted[-1], :3, 3], axis=1)
    np.testing.assert_allclose(held, later, atol=1e-6)


def test_a_pushed_object_stays_ahead_of_the_fingertips():
    demo = record_human("push", SEED, size=SIZE)
    x = demo.object_poses[demo.goal.target][:, 0, 3]
    assert (np.diff(x) >= 0).all()
    moving = 1 + np.flatnonzero(np.diff(x) > 1e-4)
    gap = [x[i] - demo.keypoints_world(i)[8, 0] for i in moving.tolist()]
    np.testing.assert_allclose(gap, gap[0], atol=0.001)
    others = [T for name, T in demo.object_poses.items() if name != demo.goal.target]
    assert all((T[0] == T).all() for T in others)


def test_solved_poses_reach_their_tips():
    skeleton = HandSkeleton()
    R = hand_rotation(0.1, 0.8, 0.3)
    start = HandPose(
        np.block([[R, np.array([[0.4], [0.0], [0.2]])], [np.zeros((1, 3)), np.ones((1, 1))]]), np.zeros(20)
    )
    tips = {4: np.array([0.40, 0.02, 0.03]), 8: np.array([0.46, 0.01, 0.03]), 12: np.array([0.46, -0.01, 0.03])}
    pose, error = solve_pose(skeleton, start, tips)
    assert error < 5e-4
    np.testing.assert_allclose(pose.keypoints(skeleton)[TIPS], list(tips.values()), atol=5e-4)
    far = {4: np.array([0.4, 0.0, 0.03]), 8: np.array([0.9, 0.0, 0.03])}
    assert solve_pose(skeleton, start, far)[1] > 0.1


def test_minimum_jerk_starts_and_ends_at_rest():
    u = np.linspace(0, 1, 1001)
    s = minimum_jerk(u)
    speed = np.gradient(s, u)
    assert s[0] == 0.0
    assert s[-1] == 1.0
    assert speed[0] == pytest.approx(0.0, abs=1e-3)
    assert speed.max() == pytest.approx(1.875, abs=1e-3)  # Flash and Hogan 1985


def test_overlapping_moves_end_at_the_last_way_point():
    R = [hand_rotation(0.3 * i, 0.5, 0.1) for i in range(3)]
    poses = [
        HandPose(
            np.block([[r, np.full((3, 1), 0.1 * i)], [np.zeros((1, 3)), np.ones((1, 1))]]),
            posture((0.1 * i,) * 4, *[(0.2,) * 3] * 4),
        )
        for i, r in enumerate(R)
    ]
    motion = Motion(poses[0])
    motion.move(poses[1], 0.5)
    end_s = motion.move(poses[2], 0.5, overlap=0.5)
    assert end_s == pytest.approx(0.75)
    T, joints = motion.sample(np.array([0.0, end_s, 2.0]))
    np.testing.assert_allclose(T[0], poses[0].T_world_wrist, atol=1e-12)
    np.testing.assert_allclose(T[1:], [poses[2].T_world_wrist] * 2, atol=1e-9)
    np.testing.assert_allclose(joints[1], poses[2].joints)


def test_a_saved_demonstration_is_complete(tmp_path):
    demo = record_human("press_button", SEED, size=64, fps=5.0)
    save_demonstration(demo, tmp_path / "clip.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "clip.truth.json", "clip.truth.npz"]
    track = load_hand_track(tmp_path / "clip.truth.npz")
    np.testing.assert_array_equal(track.keypoints_camera, demo.track.keypoints_camera)
    truth = json.loads((tmp_path / "clip.truth.json").read_text())
    assert truth["task"] == "press_button"
    assert truth["label"] == "press a button"
    np.testing.assert_allclose(truth["camera"]["K"], demo.camera.K)
    poses = truth["objects"][demo.layout.objects[0].name]
    np.testing.assert_allclose(poses["position_m"][0][:2], demo.layout.objects[0].xy)
    tip = demo.keypoints_world(0)[8]
    world = apply_transform(np.array(truth["camera"]["T_world_camera"]), track.keypoints_camera[0])
    np.testing.assert_allclose(world[8], tip)


def test_a_demonstration_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    demo = record_human("press_button", SEED, size=64, fps=5.0)
    with pytest.raises(UnderstudyError, match=r"must end in \.mp4"):
        save_demonstration(demo, tmp_path / "clip.avi")

    def full(*_):
        raise UnderstudyError("no space left on device")

    monkeypatch.setattr(demonstration_file, "write_video", full)
    with pytest.raises(UnderstudyError, match="no space"):
        save_demonstration(demo, tmp_path / "clip.mp4")
    assert not list(tmp_path.iterdir())


def test_bad_arguments_are_named():
    with pytest.raises(UnderstudyError, match="unknown task"):
        record_human("fly", 0)
    with pytest.raises(UnderstudyError, match="frames a second"):
        record_human("push", 0, fps=0.5)
