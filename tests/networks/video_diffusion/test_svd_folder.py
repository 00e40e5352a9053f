"""Folders as diffusers and transformers write them, shrunken; what is wrong with one is one line."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from understudy.errors import UnderstudyError
from understudy.networks.video_diffusion.svd import SvdVideoModel
from understudy.networks.video_diffusion.svd_config import DEBUG
from understudy.networks.video_diffusion.svd_folder import SvdParts, write_folder

from .conftest import BATCH, FRAMES, IDS, PROMPT, SIZE, images, random

UNET, CLIP = "unet/diffusion_pytorch_model.safetensors", "image_encoder/model.safetensors"


@pytest.fixture(scope="module")
def published(model, tmp_path_factory):
    """As the publisher's: no part of ours."""
    folder = tmp_path_factory.mktemp("svd")
    model.unet.save_pretrained(str(folder / "unet"))
    model.vae.save_pretrained(str(folder / "vae"))
    model.clip.clip.save_pretrained(str(folder / "image_encoder"))
    (folder / "feature_extractor").mkdir()
    colours = {
        "image_mean": [0.4, 0.5, 0.6],
        "image_std": [0.2, 0.3, 0.4],
        "image_processor_type": "CLIPImageProcessor",
    }
    (folder / "feature_extractor/preprocessor_config.json").write_text(json.dumps(colours))
    return folder


@pytest.fixture
def folder(published, tmp_path):
    return shutil.copytree(published, tmp_path / "svd")


def outputs(model):
    latents, frames = random(BATCH, FRAMES, 4, 8, 8), images(BATCH, PROMPT, 3, SIZE, SIZE)
    with torch.no_grad():
        tokens = model.prompt_tokens(frames, frames[:, 0])
        clean = model.denoise(latents, torch.ones(BATCH), latents[:, 0], tokens).latents
    return clean, model.encode(frames), model.decode(latents)


def test_a_published_folder_gives_the_same_outputs_and_says_what_is_new(model, published):
    loaded = SvdVideoModel.from_folder(published, IDS)
    assert loaded.clip.mean.flatten().tolist() == pytest.approx([0.4, 0.5, 0.6])
    loaded.clip.mean, loaded.clip.std = model.clip.mean, model.clip.std
    for found, expected in zip(outputs(loaded), outputs(model), strict=True):
        assert torch.equal(found, expected)
    assert loaded.fresh == ("prompt.frame.weight", "prompt.frame.bias", "prompt.time.weight")
    assert not any(value.requires_grad for part in (loaded.vae, loaded.clip) for value in part.parameters())


def test_what_is_written_is_read_with_the_prompts_part(model, tmp_path):
    with torch.no_grad():
        model.prompt.time.weight.normal_(generator=torch.Generator().manual_seed(0))
    write_folder(tmp_path, SvdParts(model.unet, model.vae, model.clip, model.prompt))
    loaded, expected = SvdVideoModel.from_folder(tmp_path, IDS), outputs(model)
    torch.nn.init.zeros_(model.prompt.time.weight)
    for found, wanted in zip(outputs(loaded), expected, strict=True):
        assert torch.allclose(found, wanted, atol=1e-6)
    assert loaded.fresh == ()


def test_half_precision_files_are_read_as_float32(model, folder):
    (folder / UNET).unlink()
    weights = {name: value.half() for name, value in model.unet.state_dict().items()}
    save_file(weights, folder / UNET.replace(".safetensors", ".fp16.safetensors"))
    loaded = SvdVideoModel.from_folder(folder, IDS)
    assert loaded.unet.dtype == torch.float32
    assert torch.allclose(loaded.unet.conv_in.weight, model.unet.conv_in.weight, atol=1e-3)


def test_a_new_unet_may_stand_for_the_folders(folder):
    shutil.rmtree(folder / "unet")
    loaded = SvdVideoModel.from_folder(folder, IDS, new_unet=DEBUG)
    assert "unet.conv_in.weight" in loaded.fresh
    assert "prompt.frame.bias" in loaded.fresh
    assert not any(name.startswith(("vae.", "clip.")) for name in loaded.fresh)


def refused(folder):
    with pytest.raises(UnderstudyError) as error:
        SvdVideoModel.from_folder(folder, IDS)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_absent_parts_and_files_are_named(folder):
    shutil.rmtree(folder / "vae")
    shutil.rmtree(folder / "feature_extractor")
    assert "no vae, feature_extractor; a folder of Stable Video Diffusion holds unet, vae" in refused(folder)
    assert "no unet, vae, image_encoder, feature_extractor" in refused(folder / "nowhere")


def test_absent_weights_and_keys_are_named(folder):
    weights = load_file(folder / UNET)
    for name in ("conv_in.weight", "conv_out.bias"):
        del weights[name]
    save_file(weights, folder / UNET)
    assert f"2 of {len(weights) + 2} weights are missing, the first is conv_in.weight" in refused(folder)
    (folder / UNET).unlink()
    assert "it needs config.json and diffusion_pytorch_model.safetensors" in refused(folder)


def test_other_shapes_are_named(folder):
    weights = load_file(folder / CLIP)
    weights["visual_projection.weight"] = torch.zeros(7, 16)
    save_file(weights, folder / CLIP, metadata={"format": "pt"})
    assert "visual_projection.weight is (7, 16); config.json makes it (16, 16)" in refused(folder)


@pytest.mark.parametrize("part", ["unet", "vae", "image_encoder"])
def test_a_broken_configuration_is_named(folder, part):
    (folder / part / "config.json").write_text("{")
    assert f"{part}/config.json: not of " in refused(folder)


def test_cut_files_are_named(folder):
    content = (folder / UNET).read_bytes()
    (folder / UNET).write_bytes(content[: len(content) // 2])
    assert f"{UNET}: not a whole safetensors file" in refused(folder)


def test_colours_that_are_not_there_are_named(folder):
    path = folder / "feature_extractor/preprocessor_config.json"
    path.write_text(json.dumps({"image_mean": [0.5, 0.5, 0.5]}))
    assert "it needs image_mean and image_std" in refused(folder)
    path.write_text(json.dumps({"image_mean": [0.5], "image_std": [0.5]}))
    assert "need 3 numbers each" in refused(folder)
