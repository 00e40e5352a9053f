import pytest
import torch
from diffusers import DDIMScheduler

from understudy.networks.ddpm import DDPM
from understudy.networks.edm import sample

MEAN, STD = 0.3, 0.2
ABAR = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0)


def generator():
    return torch.Generator().manual_seed(0)


def abar_of(c_noise):
    """What the network is told is ln sigma / 4, with sigma^2 = (1 - abar) / abar."""
    return 1 / (1 + (8 * c_noise.double()).exp())


def best(scaled, c_noise):
    """E[eps | a] of data from N(MEAN, STD^2): a is normal, and eps with it."""
    abar = abar_of(c_noise)[:, None]
    variance = abar * STD**2 + 1 - abar
    return ((1 - abar).sqrt() * (scaled.double() - abar.sqrt() * MEAN) / variance).float()


def test_the_loss_is_eq_1_and_3_at_any_level():
    """From what the network is given the noise can be had back: it is what the loss compares with."""
    clean = MEAN + STD * torch.randn(4000, 3, generator=generator())
    given = []

    def network(scaled, c_noise):
        given.append((scaled.double(), abar_of(c_noise)[:, None]))
        return 0.5 * scaled

    errors, _ = DDPM().loss(network, clean, generator())
    noisy, abar = given[0]
    noise = (noisy - abar.sqrt() * clean) / (1 - abar).sqrt()
    assert errors.shape == clean.shape
    torch.testing.assert_close(errors.double(), (noise - 0.5 * noisy) ** 2, rtol=1e-3, atol=1e-3)
    assert float(noise.mean()) == pytest.approx(0, abs=0.03)
    assert float(noise.std()) == pytest.approx(1, abs=0.03)
    assert abs(float(torch.corrcoef(torch.stack([noise.flatten(), clean.double().flatten()]))[0, 1])) < 0.03
    level = (abar.flatten()[:, None] - ABAR).abs().argmin(1)
    torch.testing.assert_close(abar.flatten(), ABAR[level], rtol=1e-4, atol=1e-7)
    tenths = torch.bincount(level // 100, minlength=10) / len(level)
    assert (tenths - 0.1).abs().max() < 0.02, "all alike"


def test_a_share_of_the_training_levels_is_where_sampling_begins():
    ddpm = DDPM()
    levels = ddpm.training_sigmas(4000, generator(), at_highest=0.5)
    assert 0.46 < (levels == ddpm.sigma_max).float().mean() < 0.54
    assert ddpm.sampling_sigmas(5)[0] == ddpm.sigma_max
    assert (ddpm.training_sigmas(4000, generator()) == ddpm.sigma_max).float().mean() < 0.01


@pytest.mark.parametrize("steps", [1, 5, 10])
def test_a_step_of_euler_is_one_of_ddim(steps):
    weight = torch.randn(3, 3, generator=generator())

    def network(scaled, c_noise):
        return torch.tanh(scaled @ weight + c_noise[:, None])

    scheduler = DDIMScheduler(1000, 1e-4, 0.02, "linear", clip_sample=False, timestep_spacing="trailing")
    scheduler.set_timesteps(steps)
    start = torch.randn(4, 3, generator=generator())
    a = start.clone()
    for i in scheduler.timesteps:
        abar = scheduler.alphas_cumprod[i]
        told = (((1 - abar) / abar).sqrt().log() / 4).expand(len(a))
        a = scheduler.step(network(a, told), i, a).prev_sample
    found = sample(DDPM(), network, start * ((1 + DDPM().sigma_max ** -2) ** 0.5), steps, "euler")
    torch.testing.assert_close(found, a, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("sampler", "steps", "off"), [("heun", 100, 0.05), ("euler", 200, 0.06)])
def test_samples_of_a_gaussian_have_its_mean_and_spread(sampler, steps, off):
    found = sample(DDPM(), best, torch.randn(4000, 1, generator=generator()), steps, sampler)
    assert float(found.mean()) == pytest.approx(MEAN, abs=0.02)
    assert float(found.std()) == pytest.approx(STD, rel=off)


@pytest.mark.parametrize("sampler", ["euler", "heun"])
def test_from_zero_noise_few_steps_find_the_mean_though_the_network_errs(sampler):
    """Where D = x - sigma F multiplies an error of F by 157, the steps that follow take it back."""
    for error in (0.0, 0.05, -0.05):
        found = sample(DDPM(), lambda a, c, e=error: best(a, c) + e, torch.zeros(1, 1), 5, sampler)
        assert float(found) == pytest.approx(MEAN, abs=1e-3 + 1.5 * abs(error))


def test_any_number_of_steps_goes_down_to_zero():
    for steps in (1, 3, 7, 1000, 1700):
        levels = DDPM().sampling_sigmas(steps)
        assert len(levels) == steps + 1
        assert levels[-1] == 0
        assert (levels.diff() <= 0).all()
        assert (levels.diff() < 0).all() == (steps <= 1000)
