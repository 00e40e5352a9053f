"""robot(A) - person(A) + person(B) at every layer, against what algebra says it must be."""

import pytest
import torch

from understudy.errors import UnderstudyError
from understudy.networks.video_diffusion.arithmetic import PROMPT_TOKENS, ArithmeticModel, Conditions, layers_of
from understudy.networks.video_diffusion.small import SmallConfig, SmallVideoModel
from understudy.networks.video_diffusion.small_unet import UNetConfig
from understudy.networks.video_diffusion.svd import SvdVideoModel
from understudy.networks.video_diffusion.svd_config import DEBUG, SvdIds
from understudy.networks.video_diffusion.video_model import sample_video

SMALL = SmallConfig(32, UNetConfig(8, (8, 16), heads=2, blocks=2), (8, 8, 8), prompt_width=8)
FRAMES = 4


def _small():
    torch.manual_seed(0)
    model = SmallVideoModel(SMALL).eval()
    for block in (*model.unet.down_fine, *model.unet.up_fine):
        torch.nn.init.normal_(block.conv_out.weight, std=0.1)
    torch.nn.init.normal_(model.unet.conv_out.weight, std=0.2)
    return model


def _svd():
    torch.manual_seed(0)
    return SvdVideoModel.build(DEBUG, SvdIds()).eval()


MODELS = {"small": _small, "svd": _svd}
CUTS = [(kind, layer) for kind, make in MODELS.items() for layer in layers_of(make())]


def _inputs(model, count=2):
    g = torch.Generator().manual_seed(1)
    size = 32
    clips = torch.rand(3, count, FRAMES, 3, size, size, generator=g) * 2 - 1
    conditions = [Conditions(model.encode(c[:, :1])[:, 0], model.prompt_tokens(c, c[:, 0]).detach()) for c in clips]
    latents = conditions[0].first.shape[1:]
    return conditions, torch.randn(count, FRAMES, *latents, generator=g), torch.tensor([3.0, 0.4])


@torch.no_grad()
def _made(model, layer, robot_a, person_a, person_b, x, sigma):
    cut = ArithmeticModel(model, layer, person_a, person_b)
    return cut.denoise(x, sigma, robot_a.first, robot_a.tokens).latents


@pytest.mark.parametrize(("kind", "layer"), CUTS)
@torch.no_grad()
def test_what_is_subtracted_and_added_again_changes_nothing(kind, layer):
    model = MODELS[kind]()
    (robot, person, _), x, sigma = _inputs(model)
    plain = model.denoise(x, sigma, robot.first, robot.tokens).latents
    assert torch.allclose(_made(model, layer, robot, person, person, x, sigma), plain, atol=1e-4)
    theirs = model.denoise(x, sigma, person.first, person.tokens).latents
    assert torch.allclose(_made(model, layer, robot, robot, person, x, sigma), theirs, atol=1e-4)
    assert not torch.allclose(plain, theirs, atol=1e-3)


@pytest.mark.parametrize(("kind", "layer"), CUTS)
@torch.no_grad()
def test_nothing_but_the_sum_crosses_the_cut(kind, layer):
    """Robot(A) + person(B) = person(B) + robot(A): whose pass goes on after the cut must not matter."""
    model = MODELS[kind]()
    (robot_a, person_a, person_b), x, sigma = _inputs(model)
    made = _made(model, layer, robot_a, person_a, person_b, x, sigma)
    assert torch.allclose(_made(model, layer, person_b, person_a, robot_a, x, sigma), made, atol=1e-4)
    plain = model.denoise(x, sigma, robot_a.first, robot_a.tokens).latents
    assert not torch.allclose(made, plain, atol=1e-3)
    assert torch.equal(model.denoise(x, sigma, robot_a.first, robot_a.tokens).latents, plain)  # hooks are gone


@torch.no_grad()
def test_at_the_last_layer_it_is_the_output_of_the_sum_of_its_maps():
    model = _small()
    conditions, x, sigma = _inputs(model)
    r, p, q = (model.denoise(x, sigma, c.first, c.tokens, ("up_1",)).features["up_1"] for c in conditions)
    out = torch.nn.functional.silu(model.unet.norm_out((r - p + q).flatten(0, 1)))
    network = model.unet.conv_out(out).unflatten(0, (2, FRAMES))
    firsts = [c.first[:, None] for c in conditions]
    first = firsts[0] - firsts[1] + firsts[2]
    expected = first + model.levels.denoise(lambda *_: network, x - first, sigma)
    assert torch.allclose(_made(model, "up_1", *conditions, x, sigma), expected, atol=1e-5)


@torch.no_grad()
def test_the_layers_differ_and_videos_are_sampled_through_them():
    model = _small()
    (robot_a, person_a, person_b), *_ = _inputs(model)
    videos = []
    for layer in layers_of(model):
        cut = ArithmeticModel(model, layer, person_a, person_b)
        generator = torch.Generator().manual_seed(0)
        videos.append(sample_video(cut, robot_a.first, robot_a.tokens, FRAMES, 2, generator))
        assert cut.decode(videos[-1]).shape == (2, FRAMES, 3, 32, 32)
    assert all(torch.isfinite(video).all() for video in videos)
    assert not any(torch.allclose(a, b) for i, a in enumerate(videos) for b in videos[:i])


def test_an_unknown_layer_lists_the_layers():
    model = _small()
    (_, person_a, person_b), *_ = _inputs(model)
    assert layers_of(model) == (PROMPT_TOKENS, "mid", "up_0", "up_1")
    with pytest.raises(UnderstudyError, match=r"unknown layer 'up_2': .*valid: mid, prompt_tokens, up_0, up_1"):
        ArithmeticModel(model, "up_2", person_a, person_b)
