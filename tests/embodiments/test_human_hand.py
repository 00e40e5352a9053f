import dataclasses

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.embodiments.hand_bodies import HAND_BODIES, HELD_OUT_BODIES, TRAINING_BODIES, HandBody
from understudy.embodiments.hand_skeleton import HAND_JOINTS, HandSkeleton
from understudy.embodiments.hand_surface import BIND_JOINTS, SKIN_FILE, load_mesh, phalanx_frames
from understudy.embodiments.human_hand import human_hand
from understudy.geometry.hand_frame import wrist_frame

MAX_SKIN_FILE_BYTES = 400 * 1024
MODELS = {
    (length, hand): human_hand(HandBody(hand_length_m=length, handedness=hand)).build().compile()
    for length in (0.165, 0.209)
    for hand in ("right", "left")
}


def sites(model, joints):
    data = mujoco.MjData(model)
    for name, value in zip(HAND_JOINTS, joints, strict=True):
        data.joint(name).qpos = value
    mujoco.mj_kinematics(model, data)
    return np.stack([data.site(f"k{i}").xpos for i in range(21)])


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(sorted(MODELS)), st.lists(st.floats(0, 1), min_size=20, max_size=20))
def test_sites_are_the_skeletons_keypoints(key, fractions):
    length, hand = key
    skeleton = HandSkeleton(length)
    low, high = skeleton.limits.T
    joints = low + np.array(fractions) * (high - low)
    expected = skeleton.keypoints(joints) * (1, -1 if hand == "left" else 1, 1)
    np.testing.assert_allclose(sites(MODELS[key], joints), expected, atol=1e-9)


@pytest.mark.parametrize("hand", ["right", "left"])
def test_root_carries_the_wrist_frame(hand):
    keypoints = sites(MODELS[0.209, hand], np.zeros(20))
    np.testing.assert_allclose(wrist_frame(keypoints, hand), np.eye(4), atol=1e-9)


def test_straight_hand_has_the_length_asked_for():
    keypoints = sites(MODELS[0.165, "right"], np.zeros(20))
    assert np.linalg.norm(keypoints[12] - keypoints[0]) == pytest.approx(0.165, abs=1e-3)


def test_mocap_body_drags_the_hand_along():
    model = human_hand().build().compile()
    data = mujoco.MjData(model)
    data.mocap_pos[0] = (0.05, -0.02, 0.03)
    for _ in range(300):
        mujoco.mj_step(model, data)
    np.testing.assert_allclose(data.body("hand").xpos, data.mocap_pos[0], atol=1e-3)


def test_hand_touches_objects_but_not_itself():
    spec = human_hand().build()
    ball = spec.worldbody.add_body(name="ball", pos=(0.05, 0.0, 0.02))
    ball.add_geom(size=(0.02, 0, 0), type=mujoco.mjtGeom.mjGEOM_SPHERE)
    ball.add_freejoint()
    model = spec.compile()
    data = mujoco.MjData(model)
    for name, (_, high) in zip(HAND_JOINTS, HandSkeleton().limits, strict=True):
        data.joint(name).qpos = high
    mujoco.mj_forward(model, data)
    bodies = [{model.body(model.geom_bodyid[geom]).name for geom in contact.geom} for contact in data.contact]
    assert bodies
    assert all("ball" in pair for pair in bodies)


def test_skin_weights_are_shares_and_every_body_moves_some():
    mesh = load_mesh("skin")
    np.testing.assert_allclose(mesh.weights.sum(axis=1), 1, atol=1e-9)
    assert (mesh.weights.max(axis=0) > 0.9).all()
    assert SKIN_FILE.stat().st_size <= MAX_SKIN_FILE_BYTES


def test_skin_faces_look_outwards():
    mesh = load_mesh("skin")
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    volume = np.einsum("fi,fi->", a, np.cross(b, c)) / 6
    assert 2e-4 < volume < 1.2e-3  # a hand and some forearm displace a third of a litre to a litre


def test_every_keypoint_lies_below_the_skin_and_tips_at_it():
    mesh = load_mesh("skin")
    keypoints = HandSkeleton().keypoints(BIND_JOINTS)
    distance = np.linalg.norm(mesh.vertices[None] - keypoints[:, None], axis=2).min(axis=1)
    tips = [4, 8, 12, 16, 20]
    assert (distance[tips] < 0.003).all()
    assert (np.delete(distance, tips) > 0.004).all()
    assert (distance < 0.026).all()


def test_bind_frames_are_those_of_the_bodies():
    model = human_hand().build().compile()
    data = mujoco.MjData(model)
    for name, value in zip(HAND_JOINTS, BIND_JOINTS, strict=True):
        data.joint(name).qpos = value
    mujoco.mj_kinematics(model, data)
    frames = phalanx_frames(HandSkeleton(), BIND_JOINTS)
    for finger, name in enumerate(("thumb", "index", "middle", "ring", "little")):
        for bone, part in enumerate(("proximal", "medial", "distal")):
            T = frames[1 + 3 * finger + bone]
            np.testing.assert_allclose(T[:3, 3], data.body(f"{name}_{part}").xpos, atol=1e-12)
            np.testing.assert_allclose(T[:3, :3], data.body(f"{name}_{part}").xmat.reshape(3, 3), atol=1e-12)


def test_skin_file_is_what_its_command_makes(tmp_path):
    pytest.importorskip("skimage", reason="rebuilding the skin needs the extra `skin`")
    from understudy.embodiments.hand_skin import make_skin_file

    make_skin_file(tmp_path / "first.npz")
    make_skin_file(tmp_path / "second.npz")
    assert (tmp_path / "first.npz").read_bytes() == (tmp_path / "second.npz").read_bytes()
    with np.load(SKIN_FILE) as stored, np.load(tmp_path / "first.npz") as made:
        assert set(stored) == set(made)
        for name in stored:
            assert stored[name].shape == made[name].shape
            assert np.abs(stored[name].astype(int) - made[name].astype(int)).max() <= 1


def test_pools_are_apart_and_span_the_sizes_of_adults():
    assert not set(TRAINING_BODIES) & set(HELD_OUT_BODIES)
    assert len(TRAINING_BODIES) >= 8
    looks = [dataclasses.astuple(body) for body in HAND_BODIES.values()]
    assert len(set(looks)) == len(looks)
    lengths = [body.hand_length_m for body in HAND_BODIES.values()]
    assert min(lengths) == pytest.approx(0.165)
    assert max(lengths) == pytest.approx(0.209)


@pytest.mark.parametrize("name", HAND_BODIES)
def test_every_body_compiles_with_its_size(name):
    body = HAND_BODIES[name]
    model = human_hand(body).build().compile()
    assert model.nskin == 2
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    reach = np.linalg.norm(data.site("k12").xpos)
    assert reach == pytest.approx(body.hand_length_m, abs=1e-3)
