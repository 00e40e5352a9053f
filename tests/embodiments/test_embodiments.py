import mujoco
import numpy as np
import pytest

from understudy.embodiments import EMBODIMENTS, ROBOTS, get_embodiment
from understudy.embodiments.embodiment import ActionSpace
from understudy.embodiments.primitives import new_spec
from understudy.errors import UnknownName

STEPS = 100
ACTION_SIZE = {"human_hand": 20, "xarm7_xhand": 19, "xarm7_gripper": 7, "xarm7_allegro": 23}


def at_home(embodiment):
    model = embodiment.build().compile()
    data = mujoco.MjData(model)
    for joint, value in zip(embodiment.joint_names, embodiment.home, strict=True):
        data.joint(joint).qpos = value
        data.ctrl[model.actuator(joint).id] = value
    mujoco.mj_forward(model, data)
    return model, data


@pytest.mark.parametrize("name", EMBODIMENTS)
def test_body_keeps_what_the_interface_promises(name):
    embodiment = get_embodiment(name)
    model, _ = at_home(embodiment)
    assert embodiment.name == name
    assert tuple(model.actuator(i).name for i in range(model.nu)) == embodiment.joint_names
    sites = {model.site(i).name for i in range(model.nsite)}
    assert {"wrist", *(f"k{i}" for i in embodiment.keypoints)} <= sites
    assert set(embodiment.fingertips.values()) <= set(embodiment.keypoints)
    assert embodiment.speed_limit.shape == embodiment.home.shape == (len(embodiment.joint_names),)
    assert (embodiment.speed_limit > 0).all()
    for joint, value in zip(embodiment.joint_names, embodiment.home, strict=True):
        low, high = model.joint(joint).range
        assert low <= value <= high
        assert model.actuator(joint).ctrlrange[1] == pytest.approx(high)
    assert embodiment.sources


@pytest.mark.parametrize("name", EMBODIMENTS)
def test_servos_hold_home(name):
    embodiment = get_embodiment(name)
    model, data = at_home(embodiment)
    for _ in range(STEPS):
        mujoco.mj_step(model, data)
    held = np.array([data.joint(joint).qpos[0] for joint in embodiment.joint_names])
    np.testing.assert_allclose(held, embodiment.home, atol=0.02)


@pytest.mark.parametrize("name", EMBODIMENTS)
def test_action_space_has_the_size_and_limits_of_the_benchmark(name):
    embodiment = get_embodiment(name)
    space = embodiment.action_space
    assert space.size == ACTION_SIZE[name]
    assert set(space.units) <= {"m", "rad", "1"}
    assert (space.low < space.high).all()
    if embodiment.wrist_action == "none":
        model, _ = at_home(embodiment)
        limits = np.array([model.joint(joint).range for joint in space.names])
        np.testing.assert_allclose(np.stack([space.low, space.high], axis=1), limits)


def test_action_space_rejects_lengths_that_differ():
    with pytest.raises(ValueError, match="different lengths"):
        ActionSpace(names=("x", "y"), units=("m",), low=np.zeros(2), high=np.ones(2))


@pytest.mark.parametrize("name", ROBOTS)
def test_home_lies_inside_the_workspace_and_touches_nothing(name):
    embodiment = get_embodiment(name)
    _, data = at_home(embodiment)
    assert data.ncon == 0
    space = embodiment.action_space
    if embodiment.wrist_action != "none":
        wrist = data.site("wrist").xpos
        assert (space.low[:3] <= wrist).all()
        assert (wrist <= space.high[:3]).all()
    tips = np.array([data.site(f"k{i}").xpos for i in embodiment.fingertips.values()])
    assert tips[:, 2].min() > 0.05


@pytest.mark.parametrize("name", [name for name in EMBODIMENTS if name != "xarm7_gripper"])
def test_wrist_frame_follows_equations_9_to_11(name):
    _, data = at_home(get_embodiment(name))
    wrist, index, middle = (data.site(f"k{i}").xpos for i in (0, 5, 9))
    x = (middle - wrist) / np.linalg.norm(middle - wrist)
    z = np.cross(index - wrist, middle - wrist)
    z /= np.linalg.norm(z)
    expected = np.stack([x, np.cross(z, x), z], axis=1)
    np.testing.assert_allclose(data.site("wrist").xmat.reshape(3, 3), expected, atol=1e-9)
    np.testing.assert_allclose(data.site("wrist").xpos, wrist, atol=1e-12)


@pytest.mark.parametrize("name", ["human_hand", "xarm7_xhand", "xarm7_allegro"])
def test_fingers_close_towards_the_palm_of_a_right_hand(name):
    embodiment = get_embodiment(name)
    model, data = at_home(embodiment)
    R, p = data.site("wrist").xmat.reshape(3, 3).copy(), data.site("wrist").xpos.copy()
    tips = [keypoint for finger, keypoint in embodiment.fingertips.items() if finger != "thumb"]
    before = np.array([(data.site(f"k{i}").xpos - p) @ R for i in tips])
    for joint in embodiment.hand_joints:
        if not joint.startswith(("th", "thumb")) and not joint.endswith(("0", "abd", "bend")):
            data.joint(joint).qpos = 0.5
    mujoco.mj_kinematics(model, data)
    after = np.array([(data.site(f"k{i}").xpos - p) @ R for i in tips])
    assert (after[:, 2] > before[:, 2] + 0.02).all()  # z leaves the palm
    assert (np.diff(before[:, 1]) > 0.005).all()  # y runs from the index to the little finger
    thumb = (data.site("k1").xpos - p) @ R
    assert thumb[1] < 0


def test_gripper_frame_and_pads():
    embodiment = get_embodiment("xarm7_gripper")
    model, data = at_home(embodiment)
    R, p = data.site("wrist").xmat.reshape(3, 3).copy(), data.site("wrist").xpos.copy()
    thumb, index, tcp = ((data.site(name).xpos - p) @ R for name in ("k4", "k8", "tcp"))
    assert thumb[1] == pytest.approx(-0.04)
    assert index[1] == pytest.approx(0.04)
    assert tcp[0] > 0.1  # x along the approach
    for joint in embodiment.hand_joints:
        data.joint(joint).qpos = 0
    mujoco.mj_kinematics(model, data)
    for site in ("k4", "k8"):
        np.testing.assert_allclose(data.site(site).xpos, data.site("tcp").xpos, atol=1e-12)


def test_unknown_embodiment_lists_the_valid_ones():
    with pytest.raises(UnknownName, match="xarm7_xhand"):
        get_embodiment("xarm7_xhnad")


@pytest.mark.parametrize("name", EMBODIMENTS)
def test_body_attaches_to_a_scene(name):
    scene = new_spec("scene")
    scene.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=(1, 1, 0.1), pos=(0, 0, -1))
    scene.attach(get_embodiment(name).build(), frame=scene.worldbody.add_frame(), prefix="body/")
    model = scene.compile()
    assert model.nu == len(get_embodiment(name).joint_names)
