import mujoco
import numpy as np
import pytest

from understudy.embodiments import get_embodiment
from understudy.embodiments.arm_reach import reach
from understudy.geometry.transforms import make_transform

NUM_POSES = 10


@pytest.fixture(scope="module")
def robot():
    embodiment = get_embodiment("xarm7_xhand")
    model = embodiment.build().compile()
    return embodiment, model, mujoco.MjData(model)


def test_reach_inverts_forward_kinematics(robot):
    embodiment, model, data = robot
    rng = np.random.default_rng(1)
    home = embodiment.home[:7]
    for _ in range(NUM_POSES):
        for joint, value in zip(embodiment.arm_joints, home + rng.uniform(-0.5, 0.5, 7), strict=True):
            data.joint(joint).qpos = value
        mujoco.mj_kinematics(model, data)
        site = data.site("wrist")
        target = make_transform(site.xmat.reshape(3, 3).copy(), site.xpos.copy())
        pose = reach(model, data, "wrist", embodiment.arm_joints, target, home)
        assert pose.position_error_m < 1e-4
        assert pose.rotation_error_rad < 1e-3
        low, high = np.array([model.joint(joint).range for joint in embodiment.arm_joints]).T
        assert ((low <= pose.joints) & (pose.joints <= high)).all()


def test_reach_says_how_far_it_stays_away(robot):
    embodiment, model, data = robot
    target = make_transform(np.eye(3), np.array([2.0, 0.0, 0.3]))
    pose = reach(model, data, "wrist", embodiment.arm_joints, target, embodiment.home[:7])
    assert pose.position_error_m > 0.8
