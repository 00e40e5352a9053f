"""A plan that is put where things stand: what its network may depend on, what it learns, and the policy around it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from tests.episodes.acted_recording import ROBOT, write_acted
from tests.methods.video_prompt.debug_policy import write_debug_policy
from tests.methods.video_prompt.observations import observation

from understudy.episodes.normalisation import Normalisation
from understudy.errors import UnderstudyError
from understudy.methods import make_policy
from understudy.methods.experiments import get_experiment
from understudy.methods.video_prompt import loss as losses
from understudy.methods.video_prompt.plan_anchor import PlanAnchor, anchor_loss
from understudy.records import Observation
from understudy.training import train

ACTION, POINTS, THINGS = 5, 8, 6


def scaled_anchor(seed=0):
    torch.manual_seed(seed)
    anchor = PlanAnchor(ACTION, POINTS)
    torch.nn.init.normal_(anchor.out.weight, std=0.1)
    names = tuple("xyzab")
    anchor.fit(Normalisation("symmetric", names, np.arange(5) / 10, np.arange(1, 6) / 10))
    return anchor.eval()


def scene(seed, points=POINTS, batch=1):
    g = torch.Generator().manual_seed(seed)
    p = 0.1 * torch.randn(batch, points, 3, generator=g)
    things = torch.cat([0.2 * torch.randn(batch, THINGS, 2, generator=g), 0.03 * torch.ones(batch, THINGS, 2)], -1)
    return p, torch.randn(batch, points, ACTION - 3, generator=g), things


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)))
def test_only_where_things_are_from_the_path_counts(seed, way):
    anchor, (p, rest, things) = scaled_anchor(), scene(seed)
    found = anchor.corrected(p, rest, things)
    assert not torch.allclose(found, p, atol=1e-3)
    moved = torch.tensor([*way, 0.0])
    both = anchor.corrected(p + moved, rest, things + torch.tensor([*way, 0.0, 0.0]))
    torch.testing.assert_close(both, found + moved, atol=2e-5, rtol=0)
    order = torch.randperm(THINGS, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(anchor.corrected(p, rest, things[:, order]), found, atol=1e-6, rtol=0)
    absent = torch.cat([things, torch.full((1, 3, 4), float("nan"))], dim=1)
    torch.testing.assert_close(anchor.corrected(p, rest, absent), found, atol=1e-6, rtol=0)
    assert not torch.allclose(anchor.corrected(p, rest, things + torch.tensor([0.05, 0, 0, 0])), found, atol=1e-5)
    assert anchor.corrected(p, rest, torch.full((1, 2, 4), float("nan"))).isfinite().all()


def test_paths_are_normalised_and_only_positions_change():
    anchor, (p, rest, things) = scaled_anchor(), scene(0)
    offset, scale = anchor.offset[:3], anchor.scale[:3]
    torch.testing.assert_close(torch.cat([offset, scale]), torch.tensor([0.0, 0.1, 0.2, 0.1, 0.2, 0.3]))
    path = torch.cat([(p - offset) / scale, rest], dim=-1)
    found = anchor(path, things)
    torch.testing.assert_close(found[..., 3:], rest)
    torch.testing.assert_close(found[..., :3] * scale + offset, anchor.corrected(p, rest, things))
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(anchor(path, things), found, atol=1e-5, rtol=0)


def test_new_weights_leave_a_path_as_it_is():
    p, rest, things = scene(1)
    torch.testing.assert_close(PlanAnchor(ACTION, POINTS).corrected(p, rest, things), p)


def test_rotations_turn_with_the_path():
    names, rng = ("x", "y", "z", "qw", "qx", "qy", "qz", "finger"), np.random.default_rng(0)
    normal = Normalisation("symmetric", names, rng.random(8), rng.random(8) + 0.5)
    anchor = PlanAnchor(8, POINTS)
    anchor.fit(normal)
    turn = Rotation.from_euler("z", 0.4)
    before = Rotation.random(POINTS, random_state=0)
    rows = np.concatenate([rng.random((POINTS, 3)), before.as_quat(scalar_first=True), rng.random((POINTS, 1))], axis=1)
    path = torch.from_numpy(normal.apply(rows))[None]
    found = normal.invert(anchor.turn(path, torch.tensor([0.4]))[0].numpy())
    np.testing.assert_allclose(found[:, [0, 1, 2, 7]], rows[:, [0, 1, 2, 7]], atol=1e-5)
    after = Rotation.from_quat(found[:, 3:7], scalar_first=True)
    assert (after * (turn * before).inv()).magnitude().max() < 1e-4
    assert torch.equal(scaled_anchor().turn(path[..., :5], torch.tensor([0.4])), path[..., :5])


def test_half_precision_and_missing_things_do_not_disturb_the_loss():
    path, things = dips(8, 3)
    things[:, 1] = float("nan")

    def value(precision):
        anchor = scaled_anchor()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = anchor_loss(anchor, path, things, torch.Generator().manual_seed(0))
        loss.backward()
        assert all(weight.grad.isfinite().all() for weight in anchor.parameters())
        return loss

    assert value("no") > 0
    assert torch.equal(value("bf16"), value("no"))


def dips(count, seed):
    """Paths that go down at one of the things, a little beside it."""
    g = torch.Generator().manual_seed(seed)
    things = torch.cat([0.4 * torch.randn(count, 3, 2, generator=g), torch.full((count, 3, 2), 0.03)], dim=-1)
    share = torch.linspace(0, 1, POINTS)[:, None]
    start = things[:, :1, :2] + torch.tensor([0.0, -0.3])
    xy = start + (things[:, :1, :2] + torch.tensor([0.02, 0.0]) - start) * (2 * share).clamp(max=1)
    height = (0.3 - 0.6 * share).abs().expand(count, -1, -1)
    return torch.cat([xy, height, torch.zeros(count, POINTS, 2)], dim=-1), things


def test_it_learns_where_paths_are_among_things():
    torch.manual_seed(0)
    anchor = PlanAnchor(ACTION, POINTS)
    optimiser, g = torch.optim.AdamW(anchor.parameters(), 3e-3), torch.Generator().manual_seed(0)
    path, things = dips(256, 0)
    for step in range(300):
        rows = torch.randint(len(path), (32,), generator=g)
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * (1 - step / 300)
        optimiser.zero_grad()
        anchor_loss(anchor, path[rows], things[rows], g).backward()
        optimiser.step()
    path, things = dips(100, 1)
    low = path[..., 2].argmin(1)
    wrong = path.clone()
    wrong[..., :2] += 0.04 * torch.randn(100, 1, 2, generator=g)
    with torch.no_grad():
        found = anchor(wrong, things)
    before, after = (((some - path)[range(100), low, :2]).norm(dim=-1).median() for some in (wrong, found))
    assert after < 0.5 * before


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    root = tmp_path_factory.mktemp("things")
    write_debug_policy(root)
    debug = get_experiment("video_prompt_xhand_debug")
    data = (write_acted(root / "data", copies=2),)
    model = replace(debug.model, things=3)
    return replace(debug, data=data, representation=root / "representation", variants=1, model=model)


@pytest.fixture(scope="module")
def trained(experiment, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "things"
    train(experiment, folder, threads=1, tensorboard=False)
    return folder / "policy"


def test_the_action_head_learns_on_plans_that_are_put_where_things_stand(experiment, monkeypatch):
    data = experiment.make_data()
    policy = experiment.make_model(data).policy.eval()
    torch.nn.init.normal_(policy.anchor.out.weight)
    np.testing.assert_allclose(policy.anchor.scale.numpy(), data.normalisation.scale, rtol=1e-6)
    batch = torch.utils.data.default_collate([data.sample(index, np.random.default_rng(0)) for index in range(2)])
    batch["things"] = torch.tensor([[0.4, 0.1, 0.03, 0.05], [0.5, -0.1, 0.03, 0.05]]).expand(2, -1, -1)
    shown, ours = [], policy.observe
    monkeypatch.setattr(policy, "observe", lambda path, *rest: shown.append(path) or ours(path, *rest))
    unshifted = replace(experiment.losses, path_shift=0.0)
    total, parts = losses.loss(policy, None, batch, torch.Generator().manual_seed(0), unshifted)
    expected = policy.anchor(policy.plan(batch["z"]), batch["things"])
    torch.testing.assert_close(shown[0], expected.repeat_interleave(batch["actions"].shape[1], 0), atol=1e-5, rtol=0)
    assert not torch.allclose(expected, policy.plan(batch["z"]), atol=1e-3)
    total.backward()
    assert parts["anchor"] > 0
    assert all(weight.grad is not None for weight in policy.anchor.parameters())


def test_one_sample_in_four_teaches_where_paths_are_among_things(experiment, monkeypatch):
    data = experiment.make_data()
    policy, taught = experiment.make_model(data).policy, []
    batch = torch.utils.data.default_collate(
        [data.sample(index % 2, np.random.default_rng(index)) for index in range(5)]
    )
    monkeypatch.setattr(losses, "anchor_loss", lambda *words: taught.append(words) or anchor_loss(*words))
    losses.loss(policy, None, batch, torch.Generator().manual_seed(0), experiment.losses)
    ((_, path, things, _),) = taught
    assert torch.equal(path, batch["path"][:2])
    torch.testing.assert_close(things, batch["things"][:2], equal_nan=True)


def acting(folder, monkeypatch):
    """A policy whose anchor does something, and the images in which it has looked for things."""
    policy, looked = make_policy(str(folder), ROBOT), []

    def things(image, camera):
        looked.append((image, camera))
        return np.array([[0.45, 0.1, 0.03, 0.05]], dtype=np.float32)

    monkeypatch.setattr(policy.looks_for_things, "of_robot", things)
    torch.manual_seed(0)
    torch.nn.init.normal_(policy._model.anchor.out.weight)
    return policy, looked


def test_a_trained_policy_plans_once_where_things_stand(trained, monkeypatch):
    policy, looked = acting(trained, monkeypatch)
    normal = policy._execution.normalisation
    np.testing.assert_array_equal(policy._model.anchor.offset.numpy(), normal.offset.astype(np.float32))
    np.testing.assert_array_equal(policy._model.anchor.scale.numpy(), normal.scale.astype(np.float32))
    policy.reset(None)
    for seed in range(2):
        assert np.isfinite(policy.act(observation(seed)).actions).all()
    (image, camera), *more = looked
    assert not more
    np.testing.assert_array_equal(image, observation(0).image)
    np.testing.assert_allclose(camera.K, observation(0).camera.K)
    there = torch.tensor([[[0.45, 0.1, 0.03, 0.05], [np.nan] * 4, [np.nan] * 4]])
    policy.reset(None)
    policy.act(observation(0))
    assert len(looked) == 2
    plan = policy._model.plan(policy._z())
    torch.testing.assert_close(policy._path, policy._model.anchor(plan, there))
    assert not torch.allclose(policy._path, plan, atol=1e-3)


@pytest.mark.parametrize(("by_clock", "each_chunk"), [(True, False), (False, True)])
def test_by_the_clock_and_with_a_plan_for_every_chunk(experiment, tmp_path, monkeypatch, by_clock, each_chunk):
    if each_chunk:
        debug = get_experiment("video_prompt_xhand_debug_z_each_chunk")
        experiment = replace(
            debug, data=experiment.data, representation=experiment.representation, model=experiment.model
        )
    else:
        model = replace(experiment.model, clocked=0.5)
        experiment = replace(experiment, model=model, by_clock=True)
    train(replace(experiment, variants=1), tmp_path / "run", threads=1, tensorboard=False)
    policy, looked = acting(tmp_path / "run" / "policy", monkeypatch)
    assert (policy.by_clock, policy.each_chunk) == (by_clock, each_chunk)
    policy.reset(None)
    paths = []
    for seed in range(2):
        policy.act(observation(seed))
        paths.append(policy._path)
    assert len(looked) == 1
    assert torch.equal(*paths) != each_chunk
    assert not torch.allclose(paths[1], policy._model.plan(policy._z()), atol=1e-3)


def test_a_camera_without_a_pose_is_refused(trained):
    policy = make_policy(str(trained), ROBOT)
    policy.reset(None)
    seen = observation(0)
    with pytest.raises(UnderstudyError, match="where things stand: its camera has no pose over the table"):
        policy.act(Observation(seen.image, replace(seen.camera, T_world_camera=None), 0.0, None))


@pytest.mark.parametrize("name", ["video_prompt_xhand_debug_end_to_end", "video_prompt_xhand_debug_language"])
def test_policies_without_a_plan_from_z_look_for_nothing(experiment, name):
    other = get_experiment(name)
    other = replace(other, data=experiment.data, model=replace(other.model, things=3))
    with pytest.raises(UnderstudyError, match=r"model\.things 3: its policies look for none, set 0"):
        other.make_data()


@pytest.mark.parametrize("count", [-1, 33])
def test_how_many_things_is_said_before_any_is_looked_for(experiment, count):
    with pytest.raises(UnderstudyError, match=rf"acted.things {count}: from 0 to 32"):
        replace(experiment, model=replace(experiment.model, things=count)).make_data()
