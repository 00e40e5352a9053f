import mujoco
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from understudy.embodiments import ROBOTS
from understudy.errors import UnderstudyError
from understudy.geometry.rotations import rotation_angle
from understudy.geometry.transforms import make_transform
from understudy.simulation.controller import wrist_target
from understudy.simulation.human_pose import hand_rotation
from understudy.simulation.layout import OBJECT_HALF_HEIGHT
from understudy.simulation.objects import PLATE_TOP
from understudy.simulation.tabletop import Tabletop

IMAGE = 48
STEPS = 12


@pytest.fixture(scope="module", params=ROBOTS)
def table(request):
    table = Tabletop("pick_place", 4, request.param, image_size=IMAGE)
    yield table
    table.close()


def random_actions(table, rng, spread=1.0):
    space = table.body.action_space
    middle, half = (space.low + space.high) / 2, (space.high - space.low) / 2
    return middle + spread * half * rng.uniform(-1, 1, (STEPS, space.size))


def middle_action(table):
    """Hand over the middle of the table, fingers down; home for a robot that is commanded by joints."""
    if table.body.wrist_action == "none":
        return table.body.home.copy()
    action = (table.body.action_space.low + table.body.action_space.high) / 2
    R = hand_rotation(0.0, 1.2, 0.0)
    action[:3] = 0.45, 0.1, 0.30
    if table.body.wrist_action == "quaternion":
        mujoco.mju_mat2Quat(action[3:7], R.ravel())
    else:
        quaternion = np.zeros(4)
        mujoco.mju_mat2Quat(quaternion, R.ravel())
        mujoco.mju_quat2Vel(action[3:6], quaternion, 1.0)
    return action


def test_reset_shows_the_scene_and_the_state(table):
    observation = table.reset()
    assert observation.image.shape == (IMAGE, IMAGE, 3)
    assert observation.time_s == 0.0
    assert observation.camera.width == IMAGE
    np.testing.assert_allclose(table.joints(), table.body.home, atol=0.02)
    assert not table.success()
    assert table.score() == 0.0
    assert table.failure() == "not_approached"


def test_steps_are_deterministic(table):
    actions = random_actions(table, np.random.default_rng(0), spread=0.5)
    ends = []
    for _ in range(2):
        table.reset()
        for action in actions:
            table.step(action, observe=False)
        ends.append((table.data.qpos.copy(), table.observe().image))
    np.testing.assert_array_equal(ends[0][0], ends[1][0])
    np.testing.assert_array_equal(ends[0][1], ends[1][1])
    assert table.time_s == pytest.approx(STEPS * 0.1)


@given(seed=st.integers(0, 2**31), spread=st.sampled_from([1.0, 10.0, 1e6]))
@example(seed=24331, spread=10.0)
@settings(max_examples=4, deadline=None)
def test_wild_actions_are_survived(table, seed, spread):
    """Limits are soft: a finger that is rammed into something gives for a step, by 0.15 rad in the example."""
    table.reset()
    limits = table.scene.model.jnt_range
    for action in random_actions(table, np.random.default_rng(seed), spread):
        table.step(action, observe=False)
        for name, value in zip(table.body.joint_names, table.joints(), strict=True):
            low, high = limits[table.scene.model.joint(name).id]
            assert low - 0.3 < value < high + 0.3
    assert np.isfinite(table.data.qpos).all()
    assert table.data.warning.number.sum() == 0


def test_the_wrist_goes_where_it_is_sent(table):
    if table.body.wrist_action == "none":
        pytest.skip("commanded by joints")
    table.reset()
    action = middle_action(table)
    for _ in range(25):
        table.step(action, observe=False)
    site = table.data.site("wrist")
    T = make_transform(site.xmat.reshape(3, 3), site.xpos)
    target = wrist_target(table.body, action)
    np.testing.assert_allclose(T[:3, 3], target[:3, 3], atol=0.005)
    assert rotation_angle(T[:3, :3], target[:3, :3]) < 0.02


def test_proprioception_is_an_action_that_keeps_the_robot_there(table):
    table.reset()
    for _ in range(20):
        table.step(middle_action(table), observe=False)
    before, state = table.joints(), table.observe().proprioception
    assert state.shape == (table.body.action_space.size,)
    for _ in range(5):
        table.step(state, observe=False)
    np.testing.assert_allclose(table.joints(), before, atol=0.03)


def test_joints_keep_their_speed_limits(table):
    table.reset()
    action = middle_action(table)
    action[0] += 0.2
    for _ in range(8):
        before = table.joints()
        table.step(action, observe=False)
        moved = np.abs(table.joints() - before)
        assert (moved < 1.15 * 0.1 * table.body.speed_limit + 0.01).all()


def test_none_keeps_to_the_last_command(table):
    table.reset()
    for _ in range(20):
        table.step(middle_action(table), observe=False)
    before = table.joints()
    for _ in range(5):
        assert table.step(None, observe=False) is None
    np.testing.assert_allclose(table.joints(), before, atol=0.01)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(table, bad):
    table.reset()
    action = middle_action(table)
    action[1] = bad
    with pytest.raises(UnderstudyError, match=f"not a finite number in {table.body.action_space.names[1]}"):
        table.step(action)
    with pytest.raises(UnderstudyError, match="action of shape"):
        table.step(action[:-1])


def test_success_score_and_lost_objects(table):
    table.reset()
    item = table.layout.item(table.goal.target)
    address = table.scene.qpos_address(item.name)
    table.data.qpos[address : address + 3] = [*table.goal.place_xy, PLATE_TOP + OBJECT_HALF_HEIGHT[item.kind]]
    for _ in range(3):
        table.step(None, observe=False)
    assert table.success()
    assert table.done
    assert table.score() == 100 - 40
    assert table.failure() == ""
    table.data.qpos[address : address + 3] = [1.5, 0.0, 0.5]
    table.step(None, observe=False)
    assert table.lost()
    assert not table.success()
    assert table.failure() == f"lost:{item.name}"
    table.reset()
    assert not table.lost()


def test_the_state_is_what_mujoco_says(table):
    table.reset(observe=False)
    model, data = table.scene.model, table.data
    rng = np.random.default_rng(0)
    name = table.goal.target
    address = table.scene.qpos_address(name)
    # Thrown into the hand: contacts with what acts, and everything in motion.
    data.qpos[address : address + 3] = data.site("wrist").xpos + np.array([0.0, 0.0, 0.05])
    data.qvel[:] = rng.normal(0, 0.3, model.nv)
    mujoco.mj_forward(model, data)
    state = table.state
    for item in table.layout.objects:
        thing, joint = state.objects[item.name], model.joint(item.name)
        np.testing.assert_array_equal(thing.position, data.body(item.name).xpos)
        np.testing.assert_array_equal(thing.rotation.ravel(), data.body(item.name).xmat)
        velocity = data.qvel[joint.dofadr[0] : joint.dofadr[0] + 6]
        np.testing.assert_allclose(thing.speed, np.linalg.norm(velocity[:3]), rtol=1e-12)
        np.testing.assert_allclose(thing.turn_rate, np.linalg.norm(velocity[3:]), rtol=1e-12)
        bodies = [{model.geom_bodyid[g] for g in contact.geom} for contact in data.contact]
        own, room = model.body(item.name).id, [0] + [model.body(other.name).id for other in table.layout.objects]
        bases = [model.body(f"{button.name}_base").id for button in table.layout.buttons]
        others = {*room, *bases, *(model.body(fixed.name).id for fixed in table.layout.plates + table.layout.buttons)}
        assert thing.touched == any(own in pair and not (pair - {own}) <= others for pair in bodies)
    assert state.objects[name].touched
    table.reset(observe=False)


def test_physics_that_gives_up_ends_the_episode(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # MuJoCo writes a log of its own
    table.reset()
    table.data.qvel[table.scene.model.joint(table.layout.objects[0].name).dofadr[0]] = 1e12
    table.step(None, observe=False)
    assert table.lost()
    assert table.failure() == "unstable"
    table.reset()
    assert not table.lost()


def test_unknown_names_are_listed():
    with pytest.raises(UnderstudyError, match=r"unknown robot 'human_hand'.*xarm7_gripper"):
        Tabletop("push", 0, "human_hand")
    with pytest.raises(UnderstudyError, match=r"unknown task 'dance'.*press_button"):
        Tabletop("dance", 0, ROBOTS[0])
    with pytest.raises(UnderstudyError, match="lies in no range"):
        Tabletop("push", -1, ROBOTS[0])
