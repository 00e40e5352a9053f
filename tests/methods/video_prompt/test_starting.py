"""A run that goes on from a trained policy, and losses in metres."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.episodes.acted_recording import write_acted
from tests.methods.video_prompt.debug_policy import write_debug_policy

from understudy.episodes.acted import ActedConfig
from understudy.errors import UnderstudyError
from understudy.methods import PRETRAINED
from understudy.methods.experiments import get_experiment
from understudy.methods.video_prompt import loss as losses
from understudy.methods.video_prompt.loss import LossConfig, position_reach
from understudy.training.run_folder import data_state, refuse_other_data


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder of a policy and of its representation, and an experiment on other data that goes on from it."""
    root = tmp_path_factory.mktemp("starting")
    policy = write_debug_policy(root)
    data = (write_acted(root / "more", copies=3),)
    debug = get_experiment("video_prompt_xhand_debug")
    return policy, replace(debug, data=data, representation=root / "representation", variants=2, start=policy)


def batch_of(data, count=2):
    samples = [data.sample(index, np.random.default_rng(index)) for index in range(count)]
    return {name: torch.from_numpy(np.stack([sample[name] for sample in samples])) for name in samples[0]}


def said(policy):
    return json.loads((policy / "policy.json").read_text())


def test_weights_and_normalisation_are_those_of_the_policy_whose_prompts_stay_familiar(trained, tmp_path):
    policy, experiment = trained
    data = experiment.make_data()
    assert data.normalisation.to_json() == said(policy)["normalisation"]
    assert replace(experiment, start=None).make_data().normalisation.to_json() != said(policy)["normalisation"]
    model = experiment.make_model(data)
    assert all(weight.requires_grad for weight in model.parameters())
    experiment.export(model, data, tmp_path / "again")
    experiment.export(replace(experiment, start=None).make_model(data), data, tmp_path / "new")
    own, again, new = (
        load_file(folder / "model.safetensors") for folder in (policy, tmp_path / "again", tmp_path / "new")
    )
    shared = [name for name in own if not name.startswith("familiarity.")]
    assert all(torch.equal(again[name], own[name]) for name in shared)
    assert not all(torch.equal(new[name], own[name]) for name in shared)
    assert said(policy)["model"]["familiar_prompts"] == 12
    assert said(tmp_path / "again")["model"]["familiar_prompts"] == 12 + len(data)
    components = own["familiarity.basis"].shape[1]
    assert torch.equal(again["familiarity.basis"][:, :components], own["familiarity.basis"])
    assert torch.equal(again["familiarity.points"][:12, :components], own["familiarity.points"])


def test_a_shipped_policy_is_found_by_its_name():
    shipped = replace(get_experiment("video_prompt_xhand_tiny"), start=Path("video_prompt_tiny"))
    kept = shipped.kept_normalisation()
    assert kept.to_json() == said(PRETRAINED / "video_prompt_tiny")["normalisation"]


@pytest.mark.parametrize(
    ("field", "value", "line"),
    [
        ("robot", "xarm7_gripper", "trained for xarm7_gripper"),
        ("model", {"num_phases": 8}, "num_phases 8, this run's is 4"),
        ("representation", {"folder": "x", "fingerprint": "0123"}, "this run's has the fingerprint"),
        ("representation", None, "this run's has the fingerprint"),
    ],
)
def test_a_policy_of_something_else_is_one_clear_line(trained, tmp_path, field, value, line):
    policy, experiment = trained
    shutil.copytree(policy, tmp_path / "policy")
    content = said(policy)
    content[field] = content[field] | value if field == "model" else value
    (tmp_path / "policy" / "policy.json").write_text(json.dumps(content))
    other = replace(experiment, start=tmp_path / "policy")
    with pytest.raises(UnderstudyError, match=line) as caught:
        other.make_model(other.make_data())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"linear_plan": True}, "linear_plan: is fitted"),
        ({"acted": ActedConfig(normalisation="unit")}, "has 'symmetric'"),
    ],
)
def test_what_would_be_ignored_is_refused(trained, changes, line):
    with pytest.raises(UnderstudyError, match=line):
        replace(trained[1], **changes).make_data()


def test_the_same_recordings_again_are_no_further_prompts(trained, tmp_path):
    _, experiment = trained
    first = replace(experiment, start=None)
    data = first.make_data()
    first.export(first.make_model(data), data, tmp_path / "first")
    again = replace(experiment, start=tmp_path / "first")
    data = again.make_data()
    again.export(again.make_model(data), data, tmp_path / "again")
    assert said(tmp_path / "again")["model"]["familiar_prompts"] == len(data)
    started = said(tmp_path / "again")["start"]
    assert started["folder"] == str(tmp_path / "first")
    assert again.fitted(data)["start"] == started
    was = data_state(again, data)
    refuse_other_data(tmp_path / "run", again, was, data)
    shutil.copytree(tmp_path / "again", tmp_path / "first", dirs_exist_ok=True)
    (tmp_path / "first" / "model.safetensors").write_bytes(b"another")
    with pytest.raises(UnderstudyError, match=r"start .*first: not what this run was made with"):
        refuse_other_data(tmp_path / "run", again, was, data)


def test_the_papers_network_goes_on_from_its_own_resnet(trained, tmp_path):
    _, experiment = trained
    joint = get_experiment("video_prompt_xhand_joint_debug")
    joint = replace(joint, data=experiment.data, representation=experiment.representation, variants=2, resnet=None)
    joint = replace(joint, acted=replace(joint.acted, shift=0))
    data = joint.make_data()
    joint.export(joint.make_model(data), data, tmp_path / "joint")
    on = replace(joint, start=tmp_path / "joint", resnet=tmp_path / "nowhere")
    made = on.make_model(on.make_data()).policy.state_dict()
    kept = load_file(tmp_path / "joint" / "model.safetensors")
    looks = [name for name in kept if name.startswith("images.")]
    assert len(looks) > 5
    assert all(torch.equal(made[name].to(kept[name].dtype), kept[name]) for name in looks)


@pytest.mark.parametrize(
    "name",
    [
        "video_prompt_xhand_debug",
        "video_prompt_xhand_debug_language",
        "video_prompt_xhand_joint_debug",
        "video_prompt_xhand_debug_end_to_end",
    ],
)
def test_every_experiment_counts_positions_as_it_is_told(trained, name):
    experiment = replace(get_experiment(name), data=trained[1].data)
    experiment = replace(experiment, losses=replace(experiment.losses, pdcp=None))  # whose prototypes change
    if hasattr(experiment, "representation"):
        experiment = replace(experiment, representation=trained[1].representation, variants=2)
    if hasattr(experiment, "resnet"):
        experiment = replace(experiment, resnet=None)
    data = experiment.make_data()
    model, batch = experiment.make_model(data).eval(), batch_of(data)

    def value(**changes):
        told = replace(experiment, losses=replace(experiment.losses, **changes))
        torch.manual_seed(0)
        return told.loss(model, batch, torch.Generator().manual_seed(0))[0].item()

    plain = value()
    assert value() == plain
    assert value(position_unit_m=0.001) > 2 * plain
    if not hasattr(experiment, "resnet"):  # it has no path
        assert value(path_shift_m=0.5) != plain


def test_errors_of_positions_count_in_the_unit_that_is_asked_for(trained):
    _, experiment = trained
    data = replace(experiment, start=None).make_data()
    model = replace(experiment, start=None).make_model(data)
    reach = position_reach(data.normalisation)
    torch.testing.assert_close(model.reach, torch.tensor(data.normalisation.scale[:3], dtype=torch.float32))
    error, exists = torch.rand(2, 4, 19), torch.ones(2, 4, dtype=torch.bool)
    config = LossConfig(position=0.5, rotation=0.0, finger=0.0, position_unit_m=0.1)
    metres = error[..., :3] * reach.square()
    expected = 0.5 * (metres / 0.1**2).mean()
    torch.testing.assert_close(losses.action_loss(error, exists, config, reach), expected)
    others = replace(config, position=0.0, rotation=0.3, finger=0.7)
    plain = replace(others, position_unit_m=0.0)
    torch.testing.assert_close(
        losses.action_loss(error, exists, others, reach), losses.action_loss(error, exists, plain)
    )
    batch, policy = batch_of(data), model.policy.eval()
    _, parts = losses.loss(policy, None, batch, torch.Generator().manual_seed(0), config, reach)
    weights = torch.cat([(reach / 0.1).square(), torch.ones(16)])
    with torch.no_grad():
        missed = (policy.read(batch["z"]) - batch["path"]).square()
    torch.testing.assert_close(parts["path"], (missed * weights).mean())
    _, plain_parts = losses.loss(policy, None, batch, torch.Generator().manual_seed(0), LossConfig(), reach)
    assert not torch.isclose(parts["state"], plain_parts["state"])


def test_the_path_is_shifted_alike_along_every_axis_in_metres(trained, monkeypatch):
    _, experiment = trained
    data = experiment.make_data()
    policy, batch = experiment.make_model(data).policy.eval(), batch_of(data, 6)
    batch = {name: value.repeat(40, *[1] * (value.dim() - 1)) for name, value in batch.items()}
    shown, ours = [], policy.observe
    monkeypatch.setattr(policy, "observe", lambda path, *rest: shown.append(path) or ours(path, *rest))
    reach = torch.tensor([0.1, 0.5, 0.2])
    config = LossConfig(path_shift_m=0.01, path_shift=9.0)
    with torch.no_grad():
        losses.loss(policy, None, batch, torch.Generator().manual_seed(0), config, reach)
        plan = policy.plan(batch["z"]).repeat_interleave(batch["actions"].shape[1], 0)
    shift = (shown[0] - plan)[:, 0]
    assert not shift[:, 3:].any()
    np.testing.assert_allclose((shift[:, :3] * reach).std(0), 0.01, rtol=0.15)


@pytest.mark.parametrize("name", ["path_shift_m", "position_unit_m"])
@pytest.mark.parametrize("value", [-0.1, float("nan")])
def test_a_length_that_is_none_is_refused_before_the_data_are_read(trained, name, value):
    _, experiment = trained
    wrong = replace(experiment, data=(Path("nowhere"),), losses=replace(experiment.losses, **{name: value}))
    with pytest.raises(UnderstudyError, match=rf"losses\.{name} .*: a length"):
        wrong.make_data()
