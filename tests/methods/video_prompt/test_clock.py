"""A policy that goes along its path by the clock, and sees no more than the scene at the start."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.episodes.acted_recording import ROBOT, write_acted
from tests.methods.video_prompt.debug_policy import write_debug_policy
from tests.methods.video_prompt.observations import observation

from understudy.errors import UnderstudyError
from understudy.methods import make_policy
from understudy.methods.experiments import get_experiment
from understudy.methods.video_prompt import loss as losses
from understudy.methods.video_prompt.model import Clock, PromptPolicyModel
from understudy.methods.video_prompt.whereabouts import way_point_shares
from understudy.training import train


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    root = tmp_path_factory.mktemp("clock")
    write_debug_policy(root)
    debug = get_experiment("video_prompt_xhand_debug")
    model = replace(debug.model, clocked=0.5)
    data = (write_acted(root / "data", copies=3),)
    return replace(debug, data=data, representation=root / "representation", model=model, by_clock=True)


@pytest.fixture(scope="module")
def trained(experiment, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "clock"
    train(experiment, folder, threads=1, tensorboard=False)
    return folder / "policy"


def test_the_present_lies_between_two_way_points():
    shares = way_point_shares(torch.tensor([0.0, 0.375, 1.0]), 5)
    assert torch.allclose(shares, torch.tensor([[1, 0, 0, 0, 0], [0, 0.5, 0.5, 0, 0], [0, 0, 0, 0, 1.0]]))


def test_by_the_clock_the_head_is_told_the_time_and_nothing_of_what_is_seen(experiment):
    torch.manual_seed(0)
    model = PromptPolicyModel(replace(experiment.model, z_size=64, z_tokens=4, z_cells=2)).eval()
    path, g = torch.randn(1, experiment.model.num_phases, 19), torch.Generator().manual_seed(0)
    images = [torch.rand(1, 2, 3, 32, 32, generator=g) for _ in range(2)]

    def context(image, progress=0.5, pace=0.02, used=True):
        clock = Clock(torch.tensor([progress]), torch.tensor([pace]), torch.tensor([used]))
        return model.context(path, image, clock=clock)

    assert torch.equal(context(images[0]), context(images[1]))
    clock = Clock(torch.tensor([0.5]), torch.tensor([0.02]), torch.tensor([True]))
    assert torch.allclose(context(images[0]), model.observe(path, images[0], clock)[0], atol=1e-5), "as in training"
    assert not torch.allclose(context(images[0]), context(images[0], progress=0.8))
    assert not torch.allclose(context(images[0]), context(images[0], pace=0.05))
    assert torch.equal(context(images[0], used=False), model.context(path, images[0]))
    assert not torch.allclose(context(images[0], used=False), context(images[1], used=False))


def batch_of(data):
    samples = [data.sample(index, np.random.default_rng(index)) for index in range(len(data))]
    return {name: torch.from_numpy(np.stack([sample[name] for sample in samples])) for name in samples[0]}


def test_where_all_go_by_the_clock_training_looks_at_nothing(experiment, monkeypatch):
    always = replace(experiment, model=replace(experiment.model, clocked=1.0))
    data = always.make_data()
    model, batch = always.make_model(data).policy.eval(), batch_of(data)
    torch.nn.init.normal_(model.head.action_out.parts[0][-1].weight)

    def value(some):
        return losses.loss(model, None, some, torch.Generator().manual_seed(0), always.losses)

    total, parts = value(batch)
    other, _ = value({**batch, "images": 255 - batch["images"]})
    assert torch.equal(total, other)
    assert set(parts) == {"action", "path"}
    total.backward()
    learns = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert {name for name, weight in model.named_parameters() if weight.grad is not None} == learns, "or DDP waits"
    assert "clock_in.weight" in learns
    assert not any(name.startswith("images.") for name in learns)

    def by_clock(path, clock):
        return model.observe(path, torch.zeros(len(path), 2, 3, 32, 32), clock)[0]

    monkeypatch.setattr(model, "context_by_clock", by_clock)
    torch.testing.assert_close(value(batch)[0], total, msg="as where some look")


def test_windows_by_the_clock_have_the_true_path_and_hold_its_end(experiment, monkeypatch):
    data = experiment.make_data()
    batch = batch_of(data)
    model = experiment.make_model(data).policy
    told, judged = [], []
    ours, acting = model.observe, losses.acting_loss

    def observe(path, images, clock):
        told.append((path, clock))
        return ours(path, images, clock)

    def judge(head, pdcp, context, batch, generator, config, reach):
        judged.append(batch["exists"])
        return acting(head, pdcp, context, batch, generator, config)

    monkeypatch.setattr(model, "observe", observe)
    monkeypatch.setattr(losses, "acting_loss", judge)
    losses.loss(model, None, batch, torch.Generator().manual_seed(0), experiment.losses)
    (path, clock), times = told[0], batch["progress"].shape[1]
    true, planned = (some.repeat_interleave(times, 0) for some in (batch["path"], model.plan(batch["z"])))
    assert 0 < clock.used.sum() < len(clock.used)
    assert torch.equal(path[clock.used], true[clock.used])
    seen = path[~clock.used]
    assert not torch.allclose(seen, true[~clock.used])
    assert torch.allclose(seen[..., 3:], planned[~clock.used][..., 3:], atol=0.7)  # but for dropout of z
    assert torch.allclose(clock.pace * batch["steps"].repeat_interleave(times), torch.ones(len(clock.pace)))
    assert (clock.progress - batch["progress"].flatten()).abs().max() < 0.1
    exists, inside, held = (some.flatten(0, 1).bool() for some in (judged[0], batch["exists"], batch["held"]))
    assert torch.equal(exists[clock.used], held[clock.used])
    assert torch.equal(exists[~clock.used], inside[~clock.used])
    assert not torch.equal(held, inside)


def test_a_policy_takes_as_long_as_its_prompt(trained, prompt):
    policy = make_policy(str(trained), ROBOT)
    torch.nn.init.normal_(policy._model.path.weight)
    for head in policy._model.head.action_out.parts:
        torch.nn.init.normal_(head[-1].weight)
    told = []
    ours = policy._model.context
    policy._model.context = lambda *words, clock: told.append(clock) or ours(*words, clock=clock)
    policy.reset(prompt)
    first = policy.act(observation(0)).actions
    later = [policy.act(observation(seed)).actions for seed in range(5)]
    assert not np.allclose(first, later[0])
    assert [clock.progress.item() for clock in told] == pytest.approx([0, 0.5, 1, 1, 1, 1])  # 9 frames in 0.8 s
    assert told[0].pace.item() == pytest.approx(1 / 9)
    policy.reset(prompt)
    assert np.array_equal(policy.act(observation(0)).actions, first)
    assert np.array_equal(policy.act(observation(7)).actions, later[0]), "it does not look on its way"
    policy.reset(None)
    policy.act(observation(0))
    assert (told[-1].progress.item(), told[-1].pace.item()) == pytest.approx((0, 1 / 51))


def test_an_encoder_that_learns_with_the_policy_can_go_by_the_clock(experiment, tmp_path, prompt):
    together = get_experiment("video_prompt_xhand_debug_end_to_end")
    always = replace(together, data=experiment.data, model=replace(together.model, clocked=1.0), by_clock=True)
    train(always, tmp_path / "run", threads=1, tensorboard=False)
    policy = make_policy(str(tmp_path / "run" / "policy"), ROBOT)
    torch.nn.init.normal_(policy._model.path.weight)
    for head in policy._model.head.action_out.parts:
        torch.nn.init.normal_(head[-1].weight)
    chunks = []
    for seen in ((0, 1), (0, 2), (3, 1)):
        policy.reset(prompt)
        chunks.append([policy.act(observation(seed)).actions for seed in seen])
    assert np.array_equal(chunks[0][1], chunks[1][1]), "it looks at the scene once"
    assert not np.allclose(chunks[0][0], chunks[2][0])
    assert not np.allclose(chunks[0][0], chunks[0][1])


def test_a_policy_that_is_told_in_words_takes_the_usual_time(experiment, tmp_path):
    words = get_experiment("video_prompt_xhand_debug_language")
    train(
        replace(words, data=experiment.data, model=experiment.model, by_clock=True),
        tmp_path / "run",
        threads=1,
        tensorboard=False,
    )
    policy = make_policy(str(tmp_path / "run" / "policy"), ROBOT)
    told = []
    ours = policy._model.context
    policy._model.context = lambda *words, clock: told.append(clock) or ours(*words, clock=clock)
    policy.reset("do push")
    for seed in range(2):
        policy.act(observation(seed))
    assert [clock.progress.item() for clock in told] == pytest.approx([0, 0.08])


def test_a_clock_needs_a_network_that_knows_it(experiment, trained, tmp_path):
    config = experiment.model
    with pytest.raises(UnderstudyError, match=r"model\.clocked 0\.5: .* only with model\.ahead above 0"):
        PromptPolicyModel(replace(config, ahead=0))
    with pytest.raises(UnderstudyError, match=r"by_clock: needs a network with a clock, set model\.clocked above 0"):
        replace(experiment, model=replace(config, clocked=0.0)).make_data()
    with pytest.raises(UnderstudyError, match=r"model\.clocked 1\.0: never learns to see"):
        replace(experiment, model=replace(config, clocked=1.0), by_clock=False).make_data()
    folder = write_debug_policy(tmp_path)
    content = json.loads((folder / "policy.json").read_text())
    (folder / "policy.json").write_text(json.dumps(content | {"by_clock": True}))
    with pytest.raises(UnderstudyError, match="by_clock: a network that was trained without a clock"):
        make_policy(str(folder), ROBOT)
    assert json.loads((trained / "policy.json").read_text())["by_clock"]
