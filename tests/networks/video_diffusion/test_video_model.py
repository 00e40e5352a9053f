"""Loss, sampler and features on a model whose exact answer is known: latents that are one Gaussian."""

import pytest
import torch
from torch import Tensor

from understudy.networks.video_diffusion.video_model import (
    SVD_LEVELS,
    Denoised,
    Guidance,
    VideoLoss,
    VideoModel,
    encode_first,
    is_blank,
    one_step_features,
    sample_video,
    video_loss,
)

T, L, G = 2, 1, 1
MEAN = torch.tensor([0.5, -1.0])
COVARIANCE = torch.tensor([[1.0, 0.6], [0.6, 0.5]])
SHIFT = torch.tensor([2.0, 4.0])


class GaussianModel(VideoModel):
    """D = mu + C (C + sigma^2)^-1 (x - mu) over the T frames; a token of 1 adds SHIFT to mu."""

    noise_aug = 0.5
    image_size = 1

    def __init__(self, mean: Tensor = MEAN, covariance: Tensor = COVARIANCE):
        super().__init__()
        self.mean, self.covariance = mean, covariance
        self.seen: list[tuple[Tensor, ...]] = []

    @property
    def tap_channels(self):
        return {}

    def encode(self, frames_BTCSS):
        return frames_BTCSS[:, :, :1, :1, :1]

    def decode(self, latents_BTLGG):
        return latents_BTLGG.expand(-1, -1, 3, -1, -1)

    def prompt_tokens(self, prompt_BNCSS, first_BCSS):
        return prompt_BNCSS[:, :, 0, 0, :1]

    def denoise(self, noisy_BTLGG, sigma_B, first_BLGG, tokens_BMD, taps=()):
        self.seen.append((noisy_BTLGG, sigma_B, first_BLGG, tokens_BMD))
        mean = self.mean + tokens_BMD[:, 0] * SHIFT
        gain = self.covariance @ torch.linalg.inv(self.covariance + sigma_B[:, None, None] ** 2 * torch.eye(T))
        found = mean + (gain @ (noisy_BTLGG.flatten(1) - mean)[..., None])[..., 0]
        return Denoised(found.view_as(noisy_BTLGG), dict.fromkeys(taps, noisy_BTLGG))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def conditions(count, token=0.0):
    return torch.ones(count, L, G, G), torch.full((count, 1, 1), token)


def test_samples_of_a_gaussian_have_its_mean_and_covariance():
    found = sample_video(GaussianModel(), *conditions(8000), T, 200, seeded()).flatten(1)
    assert torch.allclose(found.mean(dim=0), MEAN, atol=0.03)
    assert torch.allclose(torch.cov(found.T), COVARIANCE, atol=0.06)


def test_guidance_moves_the_mean_of_each_frame_by_its_own_weight():
    model = GaussianModel(covariance=torch.eye(T))
    found = sample_video(model, *conditions(4000, 1.0), T, 60, seeded(), Guidance(1.0, 3.0))
    assert torch.allclose(found.flatten(1).mean(dim=0), MEAN + torch.tensor([1.0, 3.0]) * SHIFT, atol=0.06)


@pytest.mark.parametrize("left_out", [("prompt",), ("first_frame",), ("prompt", "first_frame")])
def test_guidance_leaves_out_what_it_says(left_out):
    model = GaussianModel()
    sample_video(model, *conditions(3, 1.0), T, 2, seeded(), Guidance(1.0, 3.0, left_out))
    for condition, told in zip(("first_frame", "prompt"), model.seen[0][2:], strict=True):
        without, given = told.flatten().chunk(2)
        assert without.eq(condition not in left_out).all()
        assert given.eq(1).all()


def test_training_says_what_it_leaves_out():
    assert VideoLoss().left_out == ("prompt", "first_frame")
    assert VideoLoss(drop_first=0.0).left_out == ("prompt",)
    assert VideoLoss(drop_prompt=0.0, drop_first=0.0).left_out == ()


def test_guidance_of_one_is_no_guidance():
    plain = sample_video(GaussianModel(), *conditions(3, 1.0), T, 9, seeded())
    guided = sample_video(GaussianModel(), *conditions(3, 1.0), T, 9, seeded(), Guidance(1.0, 1.0))
    assert torch.allclose(plain, guided, atol=1e-5)


def test_sampling_depends_on_the_seed_alone():
    first, again, other = (sample_video(GaussianModel(), *conditions(2), T, 4, seeded(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert not torch.allclose(first[0], first[1])


def test_the_exact_denoiser_of_unit_variance_has_loss_one_at_every_level():
    model = GaussianModel(torch.zeros(T), torch.eye(T))
    clean = torch.randn(40_000, T, L, G, G, generator=seeded(1))
    loss_B, sigma_B = video_loss(model, clean, *conditions(40_000), seeded(), VideoLoss())
    assert float(loss_B.mean()) == pytest.approx(1.0, abs=0.02)
    for part in (sigma_B < 0.5, (sigma_B > 1) & (sigma_B < 4), sigma_B > 20):
        assert float(loss_B[part].mean()) == pytest.approx(1.0, abs=0.05)
    assert float(sigma_B.log().mean()) == pytest.approx(0.7, abs=0.03)
    assert float(sigma_B.log().std()) == pytest.approx(1.6, abs=0.03)


def test_conditions_are_left_out_as_often_as_asked_and_apart():
    model = GaussianModel()
    config = VideoLoss(drop_prompt=0.2, drop_first=0.5)
    video_loss(model, torch.zeros(10_000, T, L, G, G), *conditions(10_000, 1.0), seeded(), config)
    first, tokens = (part.flatten() for part in model.seen[0][2:])
    assert float(tokens.eq(0).float().mean()) == pytest.approx(0.2, abs=0.02)
    assert float(first.eq(0).float().mean()) == pytest.approx(0.5, abs=0.02)
    assert float((first + tokens).eq(0).float().mean()) == pytest.approx(0.1, abs=0.02)
    assert set(first.unique().tolist()) == set(tokens.unique().tolist()) == {0.0, 1.0}


def test_one_step_features_come_from_one_noise_at_the_highest_level():
    model = GaussianModel()
    maps = one_step_features(model, *conditions(3), T, ("up",))["up"]
    assert torch.equal(maps[0], maps[2])
    assert torch.equal(maps, one_step_features(model, *conditions(3), T, ("up",))["up"])
    assert not torch.equal(maps, one_step_features(model, *conditions(3), T, ("up",), seed=1)["up"])
    assert model.seen[0][1].tolist() == [SVD_LEVELS.sigma_max] * 3
    assert 0.01 * SVD_LEVELS.sigma_max < float(maps.abs().max()) < 5 * SVD_LEVELS.sigma_max


def test_noise_on_the_first_frame_is_the_models_own():
    model = GaussianModel()
    first = torch.zeros(5000, 3, 4, 4)
    assert float(encode_first(model, first, seeded()).std()) == pytest.approx(0.5, abs=0.02)
    model.noise_aug = 0.0
    assert encode_first(model, first, seeded()).eq(0).all()


def test_a_prompt_is_blank_when_all_of_it_is_black():
    prompt = -torch.ones(2, 3, 3, 4, 4)
    prompt[1, 2, 0, 1, 1] = -0.9
    assert is_blank(prompt).tolist() == [True, False]
