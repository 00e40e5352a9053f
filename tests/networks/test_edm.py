import math

import pytest
import torch
from diffusers import EDMEulerScheduler

from understudy.networks.edm import EDM, karras_sigmas, sample

CPU = torch.Generator().manual_seed(0)
MEAN, STD = 0.3, 0.2


def test_scalings_are_those_of_diffusers():
    edm = EDM(sigma_min=0.002, sigma_max=80.0, sigma_data=0.5)
    scheduler = EDMEulerScheduler(sigma_min=0.002, sigma_max=80.0, sigma_data=0.5)
    clean, output = torch.randn(4, 3, generator=CPU), torch.randn(4, 3, generator=CPU)
    for sigma in (0.002, 0.1, 0.5, 3.0, 80.0):
        skip, out, scale, noise = (float(v[0]) for v in edm.scalings(torch.tensor([sigma])))
        assert torch.allclose(scale * clean, scheduler.precondition_inputs(clean, sigma), rtol=1e-5)
        assert noise == pytest.approx(float(scheduler.precondition_noise(sigma)), rel=1e-5)
        theirs = scheduler.precondition_outputs(clean, output, torch.tensor(sigma))
        assert torch.allclose(skip * clean + out * output, theirs, rtol=1e-5, atol=1e-6)


def test_noise_levels_are_those_of_diffusers():
    edm = EDM(sigma_min=0.002)
    scheduler = EDMEulerScheduler(sigma_min=0.002, sigma_max=80.0, sigma_schedule="karras")
    scheduler.set_timesteps(7)
    assert torch.allclose(karras_sigmas(edm, 7), scheduler.sigmas, rtol=1e-4)


def test_input_and_target_of_the_network_have_unit_variance():
    edm = EDM()
    clean = 0.5 * torch.randn(20_000, generator=CPU)
    for sigma in (0.05, 0.5, 10.0):
        skip, out, scale, _ = edm.scalings(torch.tensor([sigma]))
        noisy = clean + sigma * torch.randn(20_000, generator=CPU)
        assert float((scale * noisy).std()) == pytest.approx(1.0, rel=0.03)
        assert float(((clean - skip * noisy) / out).std()) == pytest.approx(1.0, rel=0.03)


def _gaussian_denoiser(edm: EDM):
    """F of the optimal denoiser of N(MEAN, STD^2): D = (STD^2 x + sigma^2 MEAN) / (STD^2 + sigma^2)."""

    def network(scaled: torch.Tensor, c_noise: torch.Tensor) -> torch.Tensor:
        sigma = (4 * c_noise).exp()
        skip, out, scale, _ = (v[:, None] for v in edm.scalings(sigma))
        x, s = scaled / scale, sigma[:, None]
        return ((STD**2 * x + s**2 * MEAN) / (STD**2 + s**2) - skip * x) / out

    return network


@pytest.mark.parametrize(("sampler", "steps"), [("heun", 30), ("euler", 200)])
def test_samples_of_a_gaussian_have_its_mean_and_spread(sampler, steps):
    edm = EDM()
    found = sample(edm, _gaussian_denoiser(edm), torch.randn(4000, 1, generator=CPU), steps, sampler)
    assert float(found.mean()) == pytest.approx(MEAN, abs=0.02)
    assert float(found.std()) == pytest.approx(STD, rel=0.06)


def test_from_zero_noise_the_mean_is_sampled():
    edm = EDM()
    found = sample(edm, _gaussian_denoiser(edm), torch.zeros(1, 1), 5, "euler")
    assert float(found) == pytest.approx(MEAN, abs=1e-3)


def test_a_perfect_network_has_no_loss_and_levels_follow_the_distribution():
    edm = EDM()
    clean = torch.full((5000, 2), MEAN)

    def network(scaled, c_noise):
        sigma = (4 * c_noise).exp()
        skip, out, scale, _ = (v[:, None] for v in edm.scalings(sigma))
        return (clean - skip * scaled / scale) / out

    loss, sigma = edm.loss(network, clean, CPU)
    # the network divides the noise by c_in and c_out: rounding grows with the noise level
    assert float(loss.mean()) < 1e-4
    assert edm.sigma_min <= float(sigma.min())
    assert float(sigma.max()) <= edm.sigma_max
    assert float(sigma.log().median()) == pytest.approx(math.log(edm.sigma_data), abs=0.05)
    # logistic: quartiles lie at scale * ln 3 from the median
    assert float(sigma.log().quantile(0.75)) - math.log(0.5) == pytest.approx(0.5 * math.log(3), abs=0.05)


def test_a_share_of_the_training_levels_is_where_sampling_begins():
    edm = EDM()
    levels = edm.training_sigmas(4000, torch.Generator().manual_seed(0), at_highest=0.5)
    assert 0.46 < (levels == edm.sigma_max).float().mean() < 0.54
    others = levels[levels < edm.sigma_max]
    assert 0.4 < others.median() < 0.6
    assert (edm.training_sigmas(4000, torch.Generator().manual_seed(0)) < edm.sigma_max).all()
