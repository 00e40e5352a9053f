"""The path that a ridge regression reads off z, and its half of the plan."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from tests.episodes.acted_recording import ROBOT, write_acted
from tests.methods.video_prompt.debug_policy import write_debug_policy

from understudy.errors import UnderstudyError
from understudy.methods import make_policy
from understudy.methods.experiments import get_experiment
from understudy.methods.video_prompt.linear_plan import LinearPlan
from understudy.methods.video_prompt.loss import loss
from understudy.training import train


def fitted(z, path, skill, components):
    plan = LinearPlan(z.shape[1], components, int(skill.max()) + 1, *path.shape[1:])
    plan.fit(z, path, skill)
    return plan


def test_one_skill_is_ridge_regression_on_principal_components():
    g = torch.Generator().manual_seed(0)
    z = torch.randn(60, 12, generator=g) * torch.where(torch.arange(12) < 6, 3, 0.01) + 5
    path = torch.randn(60, 4, 3, generator=g)
    plan = fitted(z, path, torch.zeros(60, dtype=torch.int64), 6)
    seen = PCA(6, svd_solver="full").fit(z.numpy().astype(float))
    x = seen.transform(z.numpy().astype(float))
    line = Ridge(alpha=(x**2).sum(1).mean()).fit(x, path.flatten(1).numpy())
    new = torch.randn(5, 12, generator=g) + 5
    expected = line.predict(seen.transform(new.numpy().astype(float))).reshape(5, 4, 3)
    np.testing.assert_allclose(plan(new).numpy(), expected, atol=2e-4)


def test_each_skill_has_a_map_of_its_own_and_z_says_which():
    g = torch.Generator().manual_seed(0)
    skill = torch.arange(80) % 2
    z = torch.randn(80, 8, generator=g)
    z[:, 0] = torch.where(skill == 0, -3.0, 3.0)
    sign = torch.where(skill == 0, 1.0, -1.0)
    path = (z[:, 1:4] * sign[:, None])[:, None]
    plan = fitted(z, path, skill, 8)
    assert (plan(z) - path).abs().mean() < 0.2
    one_map = fitted(z, path, torch.zeros(80, dtype=torch.int64), 8)
    assert (one_map(z) - path).abs().mean() > 0.5


def test_a_single_sample_is_its_own_plan():
    z, path = torch.randn(3, 4, generator=torch.Generator().manual_seed(0)), torch.arange(6.0).reshape(3, 2, 1)
    plan = fitted(z, path, torch.tensor([0, 1, 1]), 2)
    torch.testing.assert_close(plan(z[:1]), path[:1])
    assert plan(z * 1e3).isfinite().all()


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    root = tmp_path_factory.mktemp("linear")
    write_debug_policy(root)
    data = (write_acted(root / "data", copies=3),)
    debug = get_experiment("video_prompt_xhand_debug")
    return replace(debug, data=data, representation=root / "representation", variants=2, linear_plan=True)


def test_half_of_the_plan_is_read_by_regression_and_the_network_learns_the_whole_path(experiment, monkeypatch):
    data = experiment.make_data()
    policy = experiment.make_model(data).policy.eval()
    sizes = policy.config
    assert (sizes.linear_skills, sizes.linear_components) == (len(data.skills), len(data) - 1)
    z, path, skill = data.read_off()
    assert len(z) == 2 * len(data)
    assert len(data.skills) == int(skill.max()) + 1
    with torch.no_grad():
        torch.testing.assert_close(policy.plan(z), (policy.read(z) + policy.linear(z)) / 2)
    assert ((policy.linear(z) - path) ** 2).mean() < ((path.mean(0) - path) ** 2).mean()
    batch = torch.utils.data.default_collate([data.sample(index, np.random.default_rng(0)) for index in range(2)])
    shown, ours = [], policy.observe
    monkeypatch.setattr(policy, "observe", lambda path, *rest: shown.append(path) or ours(path, *rest))
    with torch.no_grad():
        unshifted = replace(experiment.losses, path_shift=0.0)
        _, parts = loss(policy, None, batch, torch.Generator().manual_seed(0), unshifted)
        torch.testing.assert_close(parts["path"], ((policy.read(batch["z"]) - batch["path"]) ** 2).mean())
        torch.testing.assert_close(shown[0], policy.plan(batch["z"]).repeat_interleave(batch["actions"].shape[1], 0))


def test_what_is_read_off_is_what_samples_hold(experiment):
    data = replace(experiment, acted=replace(experiment.acted, shift=2)).make_data()
    z, path, skill = data.read_off()
    rng = np.random.default_rng(0)
    for place, (index, variant) in enumerate(np.ndindex(len(data), 2)):
        sample = data.windows.sample(index, rng, data._z.shift(index, variant))
        np.testing.assert_array_equal(path[place], sample["path"])
        assert skill[place] == sample["skill"]
        np.testing.assert_array_equal(z[place], data._z.z(index, variant))
    assert not torch.equal(path[0], path[1])


def test_moved_and_painted_z_are_read_too(experiment):
    data = replace(experiment, scene_arithmetic=0.5, painted_robot=0.5).make_data()
    acts = [data.windows.clips(index)[1] for index in range(len(data))]
    z, path, skill = data.read_off()
    assert len(z) == len(path) == len(skill) == 2 * (2 * len(data) + acts.count("human_hand"))
    person = acts.index("human_hand")
    first = sum(2 * (2 + (actor == "human_hand")) for actor in acts[:person])
    own, moved, painted = z[first : first + 3]
    np.testing.assert_array_equal(own, data._z.z(person, 0))
    np.testing.assert_array_equal(painted, data._painted.z(person, 0))
    assert not torch.allclose(own, moved)
    assert torch.equal(path[first], path[first + 2])


def test_a_trained_policy_has_both_halves(experiment, tmp_path):
    z, _, _ = experiment.make_data().read_off()
    for wanted in (True, False):
        out = tmp_path / str(wanted)
        train(replace(experiment, linear_plan=wanted), out, threads=1, tensorboard=False)
        network = make_policy(str(out / "policy"), ROBOT)._model
        assert (network.linear is not None) == wanted
        if wanted:
            fresh = experiment.make_model(experiment.make_data()).policy
            torch.testing.assert_close(network.linear(z), fresh.linear(z), atol=0.05, rtol=0)


def test_a_network_without_a_path_has_no_linear_plan(experiment):
    joint = get_experiment("video_prompt_xhand_joint_debug")
    joint = replace(joint, data=experiment.data, representation=experiment.representation, resnet=None)
    with pytest.raises(UnderstudyError, match="linear_plan: its network plans no path"):
        replace(joint, linear_plan=True).make_model(joint.make_data())
