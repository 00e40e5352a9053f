"""Every loss against sums written out from the paper's equations, in NumPy and double precision."""

import numpy as np
import pytest
import torch
from scipy.cluster.vq import kmeans2
from torch import nn

from understudy.methods.video_prompt.pdcp import (
    PDCP,
    PDCPConfig,
    k_means,
    metric_loss,
    nearest_centre,
    nt_xent,
    prototype_loss,
)

SKILLS = [0, 1, 0, 2, 1, 0, 3]


@pytest.fixture
def h():
    return torch.randn(len(SKILLS), 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def _sim(u, v):
    return u @ v / (np.linalg.norm(u) * np.linalg.norm(v))


def test_equation_6(h):
    z, tau, terms = h.numpy(), 0.3, []
    for i, skill in enumerate(SKILLS):
        partners = [j for j, other in enumerate(SKILLS) if other == skill and j != i]
        if partners:  # 2 and 3 occur once
            below = sum(np.exp(_sim(z[i], z[a]) / tau) for a in range(len(z)) if a != i)
            terms.append(-np.mean([np.log(np.exp(_sim(z[i], z[p]) / tau) / below) for p in partners]))
    assert len(terms) == 5
    assert nt_xent(h, torch.tensor(SKILLS), tau).item() == pytest.approx(np.mean(terms))
    assert nt_xent(h[:2], torch.tensor([0, 1]), tau).item() == 0


def test_equation_7(h):
    centres = torch.randn(3, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    cluster, tau, terms = [0, 2, 1, 1, 0, 2, 2], 0.2, []
    for i, own in enumerate(cluster):
        scores = [np.exp(_sim(h[i].numpy(), mu) / tau) for mu in centres.numpy()]
        terms.append(-np.log(scores[own] / sum(scores)))
    assert prototype_loss(h, centres, torch.tensor(cluster), tau).item() == pytest.approx(np.mean(terms))


def test_equation_8(h):
    torch.manual_seed(0)
    head = nn.Linear(1, 1).double()
    weight, bias = head.weight.item(), head.bias.item()
    same, other = [], []
    for i in range(len(SKILLS)):
        for j in range(i):
            p = 1 / (1 + np.exp(-(weight * np.linalg.norm(h[i].numpy() - h[j].numpy()) + bias)))
            (same if SKILLS[i] == SKILLS[j] else other).append(-np.log(p if SKILLS[i] == SKILLS[j] else 1 - p))
    expected = np.mean(same) + np.mean(other)
    assert metric_loss(h, torch.tensor(SKILLS), head).item() == pytest.approx(expected)


def test_equal_points_have_finite_gradients():
    h = torch.ones(3, 4, requires_grad=True)
    metric_loss(h, torch.tensor([0, 0, 1]), nn.Linear(1, 1)).backward()
    assert torch.isfinite(h.grad).all()


def test_k_means_agrees_with_scipy():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(place, 0.2, (40, 2)) for place in ((0, 0), (5, 0), (0, 5))])
    ours = k_means(torch.from_numpy(points), 3, torch.Generator().manual_seed(0))
    theirs, labels = kmeans2(points, 3, minit="++", rng=np.random.default_rng(0))
    assert np.allclose(sorted(ours.numpy().tolist()), sorted(theirs.tolist()), atol=1e-8)
    own = nearest_centre(torch.from_numpy(points), ours).numpy()
    assert all(len(set(own[labels == label])) == 1 for label in range(3))


def test_k_means_of_equal_points_is_finite():
    centres = k_means(torch.ones(8, 2), 3, torch.Generator().manual_seed(0))
    assert torch.equal(centres, torch.ones(3, 2))


def _step(pdcp, seed, generator):
    h = torch.randn(12, 6, generator=torch.Generator().manual_seed(seed))
    return pdcp(h, torch.arange(12) % 3, generator)


@pytest.mark.parametrize("prototypes", ["k_means", "labels"])
def test_prototypes_are_found_on_schedule_and_kept_in_checkpoints(prototypes):
    torch.manual_seed(0)
    config = PDCPConfig(prototypes=prototypes, num_prototypes=4, bank=30, refresh=2, projection=3)
    pdcp, generator = PDCP(6, 3, config), torch.Generator().manual_seed(0)
    first = _step(pdcp, 0, generator)
    assert first["prototype"].item() == first["metric"].item() == 0
    assert first["contrastive"] > 0
    _step(pdcp, 1, generator)
    found = pdcp.centres.clone()
    assert pdcp.alive.all()
    if prototypes == "labels":
        h = torch.cat([torch.randn(12, 6, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)])
        assert torch.allclose(found, torch.stack([h[skill::3].mean(0) for skill in range(3)]), atol=1e-6)
    copy = PDCP(6, 3, config)
    copy.load_state_dict(pdcp.state_dict())
    later = [_step(each, 2, torch.Generator().manual_seed(5)) for each in (pdcp, copy)]
    assert all(later[0][name] > 0 and torch.equal(later[0][name], later[1][name]) for name in first)
    assert torch.equal(pdcp.centres, found)
    _step(pdcp, 3, generator)
    assert not torch.equal(pdcp.centres, found)
    oldest = torch.randn(12, 6, generator=torch.Generator().manual_seed(0))
    assert not any(torch.equal(row, oldest[0]) for row in pdcp.bank)  # the memory holds the last 30 of 48


def test_labels_that_the_memory_has_not_seen_count_nothing():
    pdcp, generator = PDCP(6, 3, PDCPConfig(prototypes="labels", bank=8, refresh=1)), torch.Generator()
    h = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    pdcp(h, torch.tensor([0, 0, 1, 1]), generator)
    losses = pdcp(h, torch.tensor([2, 2, 2, 2]), generator)
    assert losses["prototype"].item() == losses["metric"].item() == 0


def test_weights_of_equation_4():
    pdcp = PDCP(4, 2, PDCPConfig(contrastive=2.0, prototype=3.0, metric=0.5))
    losses = {name: torch.tensor(value) for name, value in (("contrastive", 1.0), ("prototype", 10.0), ("metric", 4.0))}
    assert pdcp.weighted(losses).item() == 34


def test_centres_that_are_known_are_a_start_and_the_best_run_is_kept():
    points = torch.tensor([[0.0, 0], [0, 1], [9, 0], [9, 1]])
    best = torch.tensor([[0, 0.5], [9, 0.5]])
    kept = k_means(points, 2, torch.Generator().manual_seed(0), known_KD=best.flip(0), attempts=0)
    assert torch.equal(kept, best.flip(0))
    stuck = torch.tensor([[4.5, 0], [4.5, 1]])
    assert torch.equal(k_means(points, 2, torch.Generator().manual_seed(0), known_KD=stuck, attempts=0), stuck)
    found = k_means(points, 2, torch.Generator().manual_seed(0), known_KD=stuck)
    assert sorted(found.tolist()) == best.tolist()


def test_there_are_as_many_prototypes_as_skills_unless_said_otherwise():
    assert len(PDCP(4, 3, PDCPConfig()).centres) == 3
    assert len(PDCP(4, 3, PDCPConfig(num_prototypes=7)).centres) == 7
    assert len(PDCP(4, 3, PDCPConfig(prototypes="labels", num_prototypes=7)).centres) == 3
