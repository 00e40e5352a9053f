"""SVD against diffusers: scalings, the whole sampler, and what of the model learns."""

import pytest
import torch
from diffusers import EulerDiscreteScheduler, StableVideoDiffusionPipeline
from diffusers.pipelines.stable_video_diffusion.pipeline_stable_video_diffusion import _resize_with_antialiasing

from understudy.errors import UnderstudyError, UnknownName
from understudy.networks.edm import karras_sigmas
from understudy.networks.video_diffusion.clip_frames import resize_for_clip
from understudy.networks.video_diffusion.fine_tuning import FineTuning, make_trainable
from understudy.networks.video_diffusion.svd import SvdVideoModel
from understudy.networks.video_diffusion.svd_config import DEBUG
from understudy.networks.video_diffusion.video_model import (
    SVD_LEVELS,
    Guidance,
    VideoLoss,
    encode_first,
    one_step_features,
    sample_video,
    video_loss,
)

from .conftest import BATCH, FRAMES, IDS, PROMPT, SIZE, images, random

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # diffusers' schedulers and numpy 2
STEPS = 3
LATENTS = (BATCH, FRAMES, 4, 8, 8)


def published_scheduler():
    return EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        interpolation_type="linear",
        prediction_type="v_prediction",
        timestep_type="continuous",
        timestep_spacing="leading",
        steps_offset=1,
        sigma_min=0.002,
        sigma_max=700.0,
        use_karras_sigmas=True,
    )


def test_levels_and_scalings_are_those_of_the_published_scheduler():
    scheduler = published_scheduler()
    scheduler.set_timesteps(STEPS)
    sigmas = karras_sigmas(SVD_LEVELS, STEPS)
    assert torch.allclose(sigmas, scheduler.sigmas, rtol=1e-4)
    x, v = random(4, 5), random(4, 5, seed=1)
    for sigma, time in zip(sigmas[:-1], scheduler.timesteps, strict=True):
        skip, out, scale, noise = (part[0] for part in SVD_LEVELS.scalings(sigma[None]))
        assert torch.allclose(scale * x, scheduler.scale_model_input(x, time), rtol=1e-5)
        assert float(noise) == pytest.approx(float(time), rel=1e-4)
        step = scheduler.step(v, time, x)
        assert torch.allclose(skip * x - out * v, step.pred_original_sample, rtol=1e-4, atol=1e-5)


def test_a_prompt_that_is_the_first_frame_samples_as_the_published_pipeline(model, monkeypatch):
    """Then every token is the embedding of that frame, which is all that the pipeline's attention sees."""
    first, noise = images(BATCH, 3, SIZE, SIZE), random(*LATENTS)
    # a cross-check of everything between the embedding and the latents; resizing has a test of its own
    monkeypatch.setattr(
        StableVideoDiffusionPipeline, "_encode_image", lambda *_: torch.cat([torch.zeros_like(token), token])
    )
    token = model.clip(first)[:, None]
    pipeline = StableVideoDiffusionPipeline(model.vae, model.clip.clip, model.unet, published_scheduler(), None)
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(
        first / 2 + 0.5,
        height=SIZE,
        width=SIZE,
        num_frames=FRAMES,
        num_inference_steps=STEPS,
        min_guidance_scale=1.0,
        max_guidance_scale=3.0,
        fps=IDS.fps,
        motion_bucket_id=IDS.motion_bucket,
        noise_aug_strength=IDS.noise_aug,
        generator=torch.Generator().manual_seed(7),
        latents=noise,
        output_type="latent",
    ).frames
    generator = torch.Generator().manual_seed(7)
    beside = encode_first(model, first, generator)
    tokens = model.prompt_tokens(first[:, None].expand(-1, PROMPT, -1, -1, -1), first)
    monkeypatch.setattr(torch, "randn", lambda *_, **__: noise)
    ours = sample_video(model, beside, tokens, FRAMES, STEPS, generator, Guidance(1.0, 3.0))
    assert theirs.abs().max() > 0.1
    assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("size", [20, 32, 50, 200])
def test_frames_are_resized_for_clip_as_svd_does(size):
    x = images(2, 3, size, size)
    assert torch.allclose(resize_for_clip(x, 32), _resize_with_antialiasing(x, (32, 32)), atol=1e-5)


def test_latents_are_scaled_and_decoded_as_by_the_autoencoder(model):
    frames = images(BATCH, FRAMES, 3, SIZE, SIZE)
    latents = model.encode(frames)
    assert latents.shape == LATENTS
    expected = model.vae.encode(frames[1]).latent_dist.mode() * 0.18215
    assert torch.allclose(latents[1], expected, atol=1e-5)
    decoded = model.vae.decode(expected / 0.18215, num_frames=FRAMES).sample
    assert torch.allclose(model.decode(latents)[1], decoded, atol=1e-5)


def test_tokens_are_the_first_frame_and_the_prompt_and_a_black_prompt_is_none(model):
    prompt, first = images(BATCH, PROMPT, 3, 20, 20), images(BATCH, 3, SIZE, SIZE, seed=1)
    prompt[1] = -1
    tokens = model.prompt_tokens(prompt, first)
    assert tokens.shape == (BATCH, 1 + PROMPT, DEBUG.embedding)
    assert torch.allclose(tokens[0, 0], model.clip(first)[0], atol=1e-6)
    assert torch.allclose(tokens[0, 1:], model.clip(prompt[0]), atol=1e-6)
    assert tokens[1].eq(0).all()


def test_time_codes_tell_frames_apart_once_learned(model):
    prompt, first = images(1, 1, 3, SIZE, SIZE).expand(1, PROMPT, -1, -1, -1), images(1, 3, SIZE, SIZE)
    with torch.no_grad():
        model.prompt.time.weight.normal_(generator=torch.Generator().manual_seed(0))
        tokens = model.prompt_tokens(prompt, first)
    torch.nn.init.zeros_(model.prompt.time.weight)
    apart = torch.cdist(tokens[0, 1:], tokens[0, 1:])[~torch.eye(PROMPT, dtype=torch.bool)]
    assert float(apart.min()) > 0.1


def test_taps_have_their_shapes_and_wrong_ones_are_named(model):
    latents, tokens = random(*LATENTS), random(BATCH, 5, DEBUG.embedding)
    found = model.denoise(latents, torch.ones(BATCH), latents[:, 0], tokens, ("up_blocks.1", "up_blocks.0"))
    assert {name: tuple(value.shape) for name, value in found.features.items()} == {
        "up_blocks.0": (BATCH, FRAMES, 64, 8, 8),
        "up_blocks.1": (BATCH, FRAMES, 32, 8, 8),
    }
    plain = model.denoise(latents, torch.ones(BATCH), latents[:, 0], tokens)
    assert plain.features == {}
    assert torch.equal(plain.latents, found.latents)
    with pytest.raises(UnknownName, match=r"up_blocks\.0, up_blocks\.1"):
        model.denoise(latents, torch.ones(BATCH), latents[:, 0], tokens, ("up_blocks.2",))


def test_the_last_up_block_is_what_the_output_layer_reads(model):
    """Frames and samples come back in their order."""
    latents, tokens = random(*LATENTS), random(BATCH, 5, DEBUG.embedding)
    sigma = torch.tensor([0.5, 3.0])
    found = model.denoise(latents, sigma, latents[:, 0], tokens, ("up_blocks.1",))
    unet = model.unet
    v = unet.conv_out(unet.conv_act(unet.conv_norm_out(found.features["up_blocks.1"].flatten(0, 1)))).view(LATENTS)
    s = sigma.view(-1, 1, 1, 1, 1)
    assert torch.allclose(found.latents, latents / (s**2 + 1) - s / (s**2 + 1).sqrt() * v, atol=1e-5)


def test_features_and_samples_are_the_same_for_the_same_seed(model):
    beside, tokens = random(BATCH, 4, 8, 8), random(BATCH, 5, DEBUG.embedding)
    first, again = (one_step_features(model, beside, tokens, FRAMES, ("up_blocks.0",))["up_blocks.0"] for _ in "12")
    assert torch.equal(first, again)
    one, two, three = (
        sample_video(model, beside, tokens, FRAMES, 2, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(one, two)
    assert not torch.allclose(one, three)


def loss_of(model, seed=0):
    frames, prompt = images(BATCH, FRAMES, 3, SIZE, SIZE), images(BATCH, PROMPT, 3, SIZE, SIZE, seed=1)
    generator = torch.Generator().manual_seed(seed)
    beside = encode_first(model, frames[:, 0], generator)
    tokens = model.prompt_tokens(prompt, frames[:, 0])
    return video_loss(model, model.encode(frames), beside, tokens, generator, VideoLoss(drop_prompt=0.0))[0].mean()


@pytest.mark.parametrize("rank", [0, 2])
def test_a_training_step_changes_only_what_learns(rank):
    torch.manual_seed(0)
    model = SvdVideoModel.build(DEBUG, IDS)
    count = make_trainable(model, FineTuning(lora_rank=rank))
    before = {name: value.clone() for name, value in model.named_parameters()}
    assert count == sum(value.numel() for value in model.parameters() if value.requires_grad)
    loss = loss_of(model)
    loss.backward()
    torch.optim.AdamW([value for value in model.parameters() if value.requires_grad], lr=3e-4).step()
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert {"prompt.frame.weight", "prompt.frame.bias", "prompt.time.weight"} <= changed
    unet = {name for name in changed if name.startswith("unet.")}
    assert changed - unet == {name for name in changed if name.startswith("prompt.")}
    if rank:
        # B starts at zero, so that A has no gradient in the first step, but for what weight decay does
        assert {name.rsplit(".", 2)[-2] for name in unet} <= {"up", "down"}
        assert any(name.endswith("attn2.to_v.up.weight") for name in unet)
    else:
        assert {"unet.conv_in.weight", "unet.conv_out.bias", "unet.time_embedding.linear_1.weight"} <= unet
    assert float(loss_of(model).detach()) < float(loss.detach())


def test_checkpointing_gives_the_same_gradients():
    gradients = []
    for checkpointing in (False, True):
        torch.manual_seed(0)
        model = SvdVideoModel.build(DEBUG, IDS)
        make_trainable(model, FineTuning(checkpointing=checkpointing))
        assert model.unet.is_gradient_checkpointing == checkpointing
        loss_of(model).backward()
        gradients.append(model.prompt.frame.weight.grad)
    assert gradients[0].abs().max() > 0
    assert torch.allclose(*gradients, rtol=1e-4, atol=1e-8)


def test_parts_that_do_not_fit_are_refused(model):
    other = SvdVideoModel.build(DEBUG, IDS)
    other.clip.width = 99
    with pytest.raises(UnderstudyError, match="reads tokens of 16 numbers; the image encoder gives 99"):
        SvdVideoModel(model.unet, model.vae, other.clip, IDS)
    other.vae.register_to_config(latent_channels=3)
    with pytest.raises(UnderstudyError, match="8 in and 4 out; the autoencoder's 3 latents need 6 and 3"):
        SvdVideoModel(model.unet, other.vae, model.clip, IDS)
