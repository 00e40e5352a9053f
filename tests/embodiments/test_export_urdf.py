import xml.etree.ElementTree as ET

import mujoco
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from understudy.embodiments import EMBODIMENTS, get_embodiment
from understudy.embodiments.export_urdf import export_urdf, write_urdf

NUM_POSES = 10


def _transform(R, p):
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = R, p
    return T


def _vector(element, key):
    return np.array([float(word) for word in element.get(key).split()])


def _forward_kinematics(robot, values):
    """World pose of every link, straight from the URDF's definition: origin, then motion along or about the axis."""
    joints = {joint.find("child").get("link"): joint for joint in robot.findall("joint")}

    def pose(link):
        if link not in joints:
            return np.eye(4)
        joint = joints[link]
        origin = joint.find("origin")
        T = _transform(Rotation.from_euler("xyz", _vector(origin, "rpy")).as_matrix(), _vector(origin, "xyz"))
        if joint.get("type") != "fixed":
            step = _vector(joint.find("axis"), "xyz") * values[joint.get("name")]
            turns = joint.get("type") == "revolute"
            T = T @ (_transform(Rotation.from_rotvec(step).as_matrix(), 0) if turns else _transform(np.eye(3), step))
        return pose(joint.find("parent").get("link")) @ T

    return {link.get("name"): pose(link.get("name")) for link in robot.findall("link")}


@pytest.mark.parametrize("name", EMBODIMENTS)
def test_urdf_has_the_forward_kinematics_of_the_body(name):
    embodiment = get_embodiment(name)
    model = embodiment.build().compile()
    data = mujoco.MjData(model)
    robot = ET.fromstring(export_urdf(embodiment))
    rng = np.random.default_rng(0)
    for _ in range(NUM_POSES):
        low, high = np.array([model.joint(joint).range for joint in embodiment.joint_names]).T
        q = rng.uniform(low, high)
        for joint, value in zip(embodiment.joint_names, q, strict=True):
            data.joint(joint).qpos = value
        mujoco.mj_kinematics(model, data)
        links = _forward_kinematics(robot, dict(zip(embodiment.joint_names, q, strict=True)))
        for site in ["wrist", *(f"k{i}" for i in embodiment.keypoints)]:
            np.testing.assert_allclose(links[site][:3, 3], data.site(site).xpos, atol=1e-6)
        np.testing.assert_allclose(links["wrist"][:3, :3], data.site("wrist").xmat.reshape(3, 3), atol=1e-6)


@pytest.mark.parametrize("name", EMBODIMENTS)
def test_mujoco_reads_the_urdf_back_with_the_same_joints(name, tmp_path):
    embodiment = get_embodiment(name)
    write_urdf(embodiment, tmp_path / "robot.urdf")
    model = mujoco.MjModel.from_xml_path(str(tmp_path / "robot.urdf"))
    original = embodiment.build().compile()
    assert {model.joint(i).name for i in range(model.njnt)} == set(embodiment.joint_names)
    for joint, speed in zip(embodiment.joint_names, embodiment.speed_limit, strict=True):
        np.testing.assert_allclose(model.joint(joint).range, original.joint(joint).range, atol=1e-9)
        element = ET.parse(tmp_path / "robot.urdf").find(f"joint[@name='{joint}']/limit")
        assert float(element.get("velocity")) == pytest.approx(speed)
        assert float(element.get("effort")) > 0
