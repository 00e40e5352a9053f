"""Kinematics against MuJoCo and against finite differences, for every robot and for odd trees."""

import os
import subprocess
import sys

import mujoco
import numpy as np
import pytest

from understudy.embodiments import EMBODIMENTS, ROBOTS, get_embodiment
from understudy.errors import UnknownName
from understudy.retargeting.kinematics import KinematicTree

STEP = 1e-6
ODD_TREE = """
<mujoco><compiler angle="radian"/><worldbody>
 <body pos=".1 .2 .3" quat=".9 .1 -.2 .3">
  <joint name="a" type="slide" axis="1 2 -1"/><joint name="b" axis=".3 -1 .2" pos=".05 0 .1" ref=".4"/>
  <joint name="c" type="slide" axis="0 0 1" ref=".1"/><geom size=".1"/>
  <body pos="0 .3 0"><joint name="idle" axis="1 0 0" ref=".2"/><geom size=".1"/>
   <body pos=".2 0 .1" euler=".3 .2 .1"><joint name="d" axis="0 1 1"/><geom size=".1"/>
    <site name="tip" pos=".1 .2 .3"/></body>
  </body>
  <body pos="0 -.3 0"><joint name="e" axis="1 0 0"/><geom size=".1"/><site name="side" pos="0 0 .2"/></body>
 </body><site name="fixed" pos="1 2 3" euler=".1 .2 .3"/>
</worldbody></mujoco>"""


def mujoco_sites(model, joint_names, site_names, q):
    """Positions, rotations and Jacobians of sites by MuJoCo itself."""
    data = mujoco.MjData(model)
    data.qpos[:] = model.qpos0
    data.qpos[[model.joint(name).qposadr[0] for name in joint_names]] = q
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    dofs = [model.joint(name).dofadr[0] for name in joint_names]
    jacobians = []
    for name in site_names:
        rows = np.zeros((6, model.nv))
        mujoco.mj_jacSite(model, data, rows[:3], rows[3:], model.site(name).id)
        jacobians.append(rows[:, dofs])
    ids = [model.site(name).id for name in site_names]
    return data.site_xpos[ids], data.site_xmat[ids].reshape(-1, 3, 3), np.stack(jacobians)


def check(model, tree, samples):
    positions, rotations = tree.forward(samples)
    jacobians = tree.jacobians(samples)
    for i, q in enumerate(samples):
        expected = mujoco_sites(model, tree.joint_names, tree.site_names, q)
        for ours, theirs in zip((positions[i], rotations[i], jacobians[i]), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-10)


@pytest.mark.parametrize("name", EMBODIMENTS)
def test_every_body_agrees_with_mujoco(name, joint_samples):
    body = get_embodiment(name)
    model = body.build().compile()
    tree = KinematicTree.from_model(model, body.joint_names, ("wrist", *(f"k{i}" for i in body.keypoints)))
    check(model, tree, joint_samples(tree, 12))


def test_odd_trees_agree_with_mujoco():
    model = mujoco.MjModel.from_xml_string(ODD_TREE)
    tree = KinematicTree.from_model(model, ("a", "b", "c", "d", "e"), ("tip", "side", "fixed"))
    check(model, tree, np.random.default_rng(0).normal(0, 1, (12, 5)))
    # A joint that is left out stays where the model's reference has it; a site no joint moves has no Jacobian.
    assert not tree.jacobians(np.ones(5))[2].any()


@pytest.mark.parametrize("robot", ROBOTS)
def test_jacobians_are_the_derivatives(robot, tree, joint_samples):
    this = tree(robot)
    q = joint_samples(this, 1, seed=3)[0]
    jacobian = this.jacobians(q)
    for j in range(this.num_joints):
        step = STEP * np.eye(this.num_joints)[j]
        (ahead, R_ahead), (behind, R_behind) = this.forward(q + step), this.forward(q - step)
        np.testing.assert_allclose(jacobian[:, :3, j], (ahead - behind) / (2 * STEP), atol=1e-8)
        spin = (R_ahead - R_behind) / (2 * STEP) @ np.swapaxes(this.forward(q)[1], 1, 2)
        turning = np.stack([spin[:, 2, 1], spin[:, 0, 2], spin[:, 1, 0]], axis=-1)
        np.testing.assert_allclose(jacobian[:, 3:, j], turning, atol=1e-8)


def test_batches_have_the_shape_of_their_input(tree, joint_samples):
    this = tree("xarm7_gripper")
    q = joint_samples(this, 6).reshape(2, 3, -1)
    positions, rotations = this.forward(q)
    assert positions.shape == (2, 3, len(this.site_names), 3)
    assert rotations.shape == (2, 3, len(this.site_names), 3, 3)
    np.testing.assert_array_equal(positions[1, 2], this.forward(q[1, 2])[0])
    np.testing.assert_array_equal(this.jacobians(q)[0, 1], this.jacobians(q[0, 1]))


def test_limits_are_the_models():
    model = mujoco.MjModel.from_xml_string(
        '<mujoco><worldbody><body><joint name="free_turn"/><geom size=".1"/><body><joint name="hinge" range="-20 70"/>'
        '<geom size=".1"/></body></body></worldbody></mujoco>'
    )
    tree = KinematicTree.from_model(model, ("free_turn", "hinge"), ())
    np.testing.assert_allclose(tree.lower, [-np.inf, np.radians(-20)])
    np.testing.assert_allclose(tree.upper, [np.inf, np.radians(70)])


def test_wrong_names_and_orders_are_refused():
    model = mujoco.MjModel.from_xml_string(ODD_TREE)
    with pytest.raises(UnknownName, match=r"unknown joint 'z'.*a, b, c, d, e, idle"):
        KinematicTree.from_model(model, ("a", "z"), ())
    with pytest.raises(UnknownName, match=r"unknown site 'top'.*fixed, side, tip"):
        KinematicTree.from_model(model, ("a",), ("top",))
    with pytest.raises(ValueError, match="base outwards"):
        KinematicTree.from_model(model, ("d", "a"), ())
    floating = '<mujoco><worldbody><body><joint name="f" type="free"/><geom size=".1"/></body></worldbody></mujoco>'
    with pytest.raises(ValueError, match="'f' is neither a hinge nor a slide"):
        KinematicTree.from_model(mujoco.MjModel.from_xml_string(floating), ("f",), ())


def test_without_a_folder_to_write_to_it_compiles_all_the_same(tmp_path):
    package = tmp_path / "site"
    (package / "understudy_probe").mkdir(parents=True)
    source = "from understudy.retargeting.compiled import compiled\n\n\n@compiled\ndef twice(x):\n    return 2 * x\n"
    (package / "understudy_probe" / "__init__.py").write_text(source)
    # A file where numba wants a folder: neither beside the source nor in the user's cache can anything be written,
    # whoever runs this.
    (package / "understudy_probe" / "__pycache__").write_text("")
    (tmp_path / "home").write_text("")
    environment = {**os.environ, "PYTHONPATH": str(package), "HOME": str(tmp_path / "home")}
    environment |= {"XDG_CACHE_HOME": str(tmp_path / "home" / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("NUMBA_CACHE_DIR", None)
    code = "import understudy_probe; assert understudy_probe.twice(3.0) == 6.0; print(understudy_probe.twice._cache)"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "NullCache" in done.stdout
