"""The parts of the loop against outside oracles: torch's schedulers and optimisers, plain formulas, counting."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from understudy.errors import UnderstudyError
from understudy.methods.experiment import Experiment
from understudy.training.batches import Sharding, Shards, batch_stream
from understudy.training.devices import open_accelerator
from understudy.training.ema import Ema
from understudy.training.learner import Learner
from understudy.training.progress import duration
from understudy.training.randomness import Purpose, derived_rng, derived_seed
from understudy.training.schedule import Schedule

STEPS, WARMUP = 50, 10


class Numbers:
    """Sample i is the number i."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def sample(self, index, rng):
        return {"index": np.int64(index), "chance": np.float64(rng.random())}


def test_the_cosine_is_that_of_torch():
    schedule = Schedule(STEPS, WARMUP)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS - WARMUP)
    for step in range(WARMUP, STEPS):
        assert schedule.factor(step, 0.0) == pytest.approx(cosine.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        cosine.step()
    assert [schedule.factor(step, 0.0) for step in range(WARMUP)] == pytest.approx(np.arange(1, WARMUP + 1) / WARMUP)
    assert [schedule.is_over(step, 1e9) for step in (0, STEPS - 1, STEPS)] == [False, False, True]


def test_the_clock_in_place_of_steps():
    schedule = Schedule(None, 0, budget_s=60.0)
    assert [schedule.factor(10**6, s) for s in (0.0, 30.0, 60.0, 90.0)] == pytest.approx([1.0, 0.5, 0.0, 0.0])
    assert [schedule.is_over(10**6, s) for s in (0.0, 59.9, 60.0)] == [False, False, True]
    both = Schedule(10, 0, budget_s=60.0)
    assert both.is_over(10, 1.0)
    assert both.factor(5, 30.0) == pytest.approx(0.5)
    assert both.seconds_left(5, 30.0, 1.0) == 5.0
    assert both.share_done(5, 12.0) == 0.5


@settings(deadline=None, max_examples=30)
@given(
    length=st.integers(1, 30),
    size=st.integers(1, 4),
    accumulate=st.integers(1, 3),
    processes=st.integers(1, 3),
    seed=st.integers(0, 9),
)
def test_every_epoch_has_each_sample_once_whoever_takes_it(length, size, accumulate, processes, seed):
    batch = size * accumulate * processes
    steps = -(-3 * length // batch)
    seen = {}
    for rank in range(processes):
        sharding = Sharding(batch, accumulate, processes, rank)
        shards = Shards(Numbers(length), seed, sharding)
        for number in range(steps * accumulate):
            step, turn = divmod(number, accumulate)
            seen |= dict(zip(sharding.positions(step, turn), shards[number]["index"].tolist(), strict=True))
    assert sorted(seen) == list(range(steps * batch))
    for epoch in range(3):
        assert sorted(seen[epoch * length + entry] for entry in range(length)) == list(range(length))
    alone = Shards(Numbers(length), seed, Sharding(steps * batch))[0]["index"].tolist()
    assert alone == [seen[position] for position in sorted(seen)]


def test_a_stream_begins_anywhere():
    shards = Shards(Numbers(7), 0, Sharding(4, accumulate=2))
    whole = [batch["chance"].tolist() for batch in batch_stream(shards, 0, 6)]
    assert len(whole) == 12
    assert [batch["chance"].tolist() for batch in batch_stream(shards, 4, 6)] == whole[8:]
    endless = batch_stream(shards, 4, None)
    assert [next(endless)["chance"].tolist() for _ in range(4)] == whole[8:]
    chances = [chance for batch in whole for chance in batch]
    assert max(Counter(chances).values()) == 1


@pytest.mark.parametrize("workers", [0, 1])
def test_what_is_wrong_with_a_sample_is_one_line(workers, linear):
    data = replace(linear, broken_index=3).make_data()
    with pytest.raises(UnderstudyError) as caught:
        list(batch_stream(Shards(data, 0, Sharding(2)), 0, 11, num_workers=workers))
    assert str(caught.value) == "episode 3: the video cannot be read"


def test_batches_that_cannot_be_split():
    with pytest.raises(
        UnderstudyError, match=r"batch_size 9 .* accumulate 2 x 2 processes: it must be a multiple of 4"
    ):
        Sharding(9, 2, 2)
    with pytest.raises(UnderstudyError, match="no sample"):
        Shards(Numbers(0), 0, Sharding(1))


def test_places_have_chances_of_their_own():
    places = [(purpose, *place) for purpose in Purpose for place in ((0, 1), (1, 0), (1, 1))]
    assert len({derived_rng(0, *place).random() for place in places}) == len(places)
    assert len({derived_seed(seed, *place) for seed in (0, 1) for place in places}) == 2 * len(places)
    assert derived_rng(3, Purpose.SAMPLE, 1, 2).random() == derived_rng(3, Purpose.SAMPLE, 1, 2).random()


def test_averages_are_the_weighted_sum_of_all_weights():
    model = nn.Linear(1, 1, bias=False)
    ema = Ema(model, 0.5)
    expected = initial = model.weight.item()
    for step, value in enumerate([1.0, -2.0, 5.0, 0.25]):
        nn.init.constant_(model.weight, value)
        ema.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    assert ema.averages["weight"].item() == pytest.approx(expected, rel=1e-6)
    assert expected != initial
    with ema.in_place():
        assert model.weight.item() == pytest.approx(expected, rel=1e-6)
    assert model.weight.item() == 0.25


@dataclass(frozen=True)
class ConvExperiment(Experiment):
    make_data = make_model = export = None

    def loss(self, model, batch, generator):
        return model(batch["x"]).square().mean(), {}


@pytest.fixture
def accelerator():
    with open_accelerator("no") as opened:
        yield opened


def learner_of(experiment, model, accelerator):
    return Learner(experiment, model, accelerator, Sharding(experiment.batch_size))


def test_a_step_is_a_step_of_adamw(linear, accelerator):
    """Against a loop written out: same data, noise, clipping and decay of matrices only."""
    experiment = replace(linear, dropout=0.0, weight_decay=0.5)
    data = experiment.make_data()
    ours, theirs = (experiment.make_model(data) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    learner = learner_of(experiment, ours, accelerator)
    matrices, others = (
        [weight for weight in theirs.parameters() if (weight.ndim > 1) == decays] for decays in (True, False)
    )
    groups = [{"params": matrices, "weight_decay": 0.5}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.5 * experiment.learning_rate, betas=experiment.betas)
    generator = torch.Generator()
    shards = Shards(data, 0, Sharding(experiment.batch_size))
    for step in range(5):
        scalars = learner.step(iter([shards[step]]), step, 0.5)
        loss, _ = experiment.loss(theirs, shards[step], generator.manual_seed(derived_seed(0, Purpose.LOSS, step, 0)))
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(theirs.parameters(), experiment.clip_norm)
        optimizer.step()
        assert scalars["loss"].item() == pytest.approx(loss.item(), rel=1e-5)
        assert scalars["grad_norm"].item() == pytest.approx(norm.item(), rel=1e-5)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)


def test_state_in_another_memory_format_is_restored_exactly(accelerator):
    """A convolution in channels-last order: files hold rows in order, the optimiser walks through memory."""

    def make():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 1)).to(memory_format=torch.channels_last)
        return learner_of(ConvExperiment(name="conv", size="debug", data=(Path(),)), model, accelerator)

    rng = torch.Generator().manual_seed(0)
    batches = [{"x": torch.randn(2, 3, 3, 3, generator=rng)} for _ in range(6)]
    whole, first, second = make(), make(), make()
    for step, batch in enumerate(batches):
        whole.step(iter([batch]), step, 1.0)
    for step, batch in enumerate(batches[:3]):
        first.step(iter([batch]), step, 1.0)
    second.load({name: tensor.contiguous() for name, tensor in first.tensors().items()})
    for step, batch in enumerate(batches[3:], 3):
        second.step(iter([batch]), step, 1.0)
    for name, tensor in whole.tensors().items():
        assert torch.equal(tensor, second.tensors()[name]), name


def test_weights_of_another_model_are_refused(linear, accelerator):
    data = linear.make_data()
    learner = learner_of(linear, linear.make_model(data), accelerator)
    tensors = learner.tensors()
    with pytest.raises(UnderstudyError, match=r"another model: '0.weight' is on one side only"):
        learner.load({name: tensor for name, tensor in tensors.items() if name != "model.0.weight"})
    with pytest.raises(UnderstudyError, match=r"another model: 0.bias has shape \(9,\), not \(8,\)"):
        learner.load(tensors | {"model.0.bias": torch.zeros(9)})


def test_durations():
    assert [duration(s) for s in (0.4, 59.6, 3599.0, 3723.0)] == ["0:00", "1:00", "59:59", "1:02:03"]
