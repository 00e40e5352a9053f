import mujoco
import numpy as np
import pytest

from understudy.embodiments import ROBOTS, get_embodiment
from understudy.embodiments.robot_parts import WRIST_HIGH, WRIST_LOW

NUM_SAMPLES = 200
TABLE_HALF_HEIGHT = 0.02
ARM_RANGE = np.array([(-1.2, 1.2), (-1.0, 1.0), (-0.8, 0.8), (0.2, 2.6), (-0.8, 0.8), (0.0, 3.0), (-3.0, 3.0)])


def touching(model, data):
    mujoco.mj_forward(model, data)
    names = [[model.body(model.geom_bodyid[geom]).name for geom in contact.geom] for contact in data.contact]
    return {tuple(sorted(pair)) for pair in names}


def set_joints(data, names, values):
    for name, value in zip(names, values, strict=True):
        data.joint(name).qpos = value


def is_hand(model, body):
    while body and model.body(body).name != "palm":
        body = model.body_parentid[body]
    return body != 0


@pytest.mark.parametrize("name", ROBOTS)
def test_neighbours_do_not_touch_near_the_table(name):
    """In random poses over the table, only the hand may touch, and only the arm beyond the wrist."""
    embodiment = get_embodiment(name)
    model = embodiment.build().compile()
    data = mujoco.MjData(model)
    rng = np.random.default_rng(0)
    set_joints(data, embodiment.joint_names, embodiment.home)
    found, free = 0, 0
    while found < NUM_SAMPLES:
        set_joints(data, embodiment.arm_joints, rng.uniform(*ARM_RANGE.T))
        mujoco.mj_kinematics(model, data)
        p, x = data.site("wrist").xpos, data.site("wrist").xmat.reshape(3, 3)[:, 0]
        if (p > WRIST_LOW).all() and (p < WRIST_HIGH).all() and p[0] > 0.3 and x[2] < -0.3:
            found += 1
            pairs = touching(model, data)
            free += not pairs
            for pair in pairs:
                hands = [is_hand(model, model.body(body).id) for body in pair]
                assert sum(hands) == 1, pair
                assert set(pair).isdisjoint({"link5", "link6", "link7"}), pair
    assert free > 0.9 * NUM_SAMPLES


def test_hand_folded_onto_the_forearm_is_felt():
    embodiment = get_embodiment("xarm7_xhand")
    model = embodiment.build().compile()
    data = mujoco.MjData(model)
    set_joints(data, embodiment.joint_names, embodiment.home)
    data.joint("joint6").qpos = model.joint("joint6").range[1]
    assert ("link4", "mid_distal") in touching(model, data)


def test_thumb_and_finger_that_cross_are_felt():
    embodiment = get_embodiment("xarm7_xhand")
    model = embodiment.build().compile()
    data = mujoco.MjData(model)
    set_joints(data, embodiment.joint_names, embodiment.home)
    fingers = {"thumb_bend": 1.2, "thumb_rota1": 0.9, "thumb_rota2": 0.6, "index_joint1": 1.2, "index_joint2": 1.2}
    set_joints(data, fingers.keys(), fingers.values())
    assert touching(model, data) == {("index_distal", "thumb_distal")}


@pytest.mark.parametrize("name", ROBOTS)
@pytest.mark.parametrize(
    ("pose", "part"),
    [
        ({"joint2": 0.6, "joint4": 1.05, "joint6": 0.45}, "hand"),
        ({"joint2": 1.75, "joint4": 1.0, "joint6": 0.0}, "link4"),
    ],
)
def test_arm_and_hand_feel_a_table(name, pose, part):
    embodiment = get_embodiment(name)
    spec = embodiment.build()
    half = (0.4, 0.6, TABLE_HALF_HEIGHT)
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=half, pos=(0.6, 0, -TABLE_HALF_HEIGHT))
    model = spec.compile()
    data = mujoco.MjData(model)
    set_joints(data, embodiment.joint_names, embodiment.home)
    set_joints(data, ["joint1", *pose], [0.0, *pose.values()])
    on_table = {pair[0] if pair[1] == "world" else pair[1] for pair in touching(model, data) if "world" in pair}
    assert on_table
    assert any(is_hand(model, model.body(body).id) if part == "hand" else body == part for body in on_table)
