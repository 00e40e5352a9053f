"""The paper's size is the published one, weight for weight."""

import json

import pytest
import torch
from diffusers import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from understudy.networks.video_diffusion.svd_config import BASE, DEBUG, PAPER

PUBLISHED_UNET = {
    "addition_time_embed_dim": 256,
    "block_out_channels": [320, 640, 1280, 1280],
    "cross_attention_dim": 1024,
    "down_block_types": ["CrossAttnDownBlockSpatioTemporal"] * 3 + ["DownBlockSpatioTemporal"],
    "in_channels": 8,
    "layers_per_block": 2,
    "num_attention_heads": [5, 10, 20, 20],
    "num_frames": 14,
    "out_channels": 4,
    "projection_class_embeddings_input_dim": 768,
    "sample_size": 96,
    "transformer_layers_per_block": 1,
    "up_block_types": ["UpBlockSpatioTemporal"] + ["CrossAttnUpBlockSpatioTemporal"] * 3,
}
"""unet/config.json of stabilityai/stable-video-diffusion-img2vid."""
UNET_WEIGHTS, CLIP_WEIGHTS = 1_524_623_082, 632_076_800
"""Table G.6 of arXiv:2506.00227 (Ctrl-Crash), which lists the parts of SVD."""
UNET_BYTES, VAE_BYTES, CLIP_BYTES = 6_098_682_464, 391_017_740, 2_528_371_296
"""Sizes of the float32 safetensors files at the publisher (revision 9cf024d of the repository above).

The header of such a file holds every name, shape and offset, so that its length checks the names: one letter more or
less anywhere moves it, but for padding to 8 bytes."""


def make(kind, config):
    with torch.device("meta"):
        if kind is UNetSpatioTemporalConditionModel:
            return kind(**config.unet())
        if kind is AutoencoderKLTemporalDecoder:
            return kind(**config.vae())
        return kind(CLIPVisionConfig(**config.clip()))


def size_of(module):
    return sum(value.numel() for value in module.parameters())


def header_of(module, first):
    offset, header = 0, dict(first)
    for name, value in sorted(module.state_dict().items()):
        end = offset + 4 * value.numel()
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [offset, end]}
        offset = end
    return len(json.dumps(header, separators=(",", ":"))), offset


def test_the_unet_has_the_published_configuration_and_count():
    assert json.loads(json.dumps(PAPER.unet())) == PUBLISHED_UNET
    assert size_of(make(UNetSpatioTemporalConditionModel, PAPER)) == UNET_WEIGHTS
    assert size_of(make(CLIPVisionModelWithProjection, PAPER)) == CLIP_WEIGHTS


@pytest.mark.parametrize(
    ("kind", "published"),
    [
        (UNetSpatioTemporalConditionModel, UNET_BYTES),
        (AutoencoderKLTemporalDecoder, VAE_BYTES),
        (CLIPVisionModelWithProjection, CLIP_BYTES),
    ],
)
def test_files_of_these_names_and_shapes_have_the_published_length(kind, published):
    header, weights = header_of(make(kind, PAPER), {"__metadata__": {"format": "pt"}})
    assert 8 + header <= published - weights < 8 + header + 8


def test_names_are_the_published_ones():
    names = set(make(UNetSpatioTemporalConditionModel, PAPER).state_dict())
    assert {
        "conv_in.weight",
        "add_embedding.linear_2.bias",
        "down_blocks.2.attentions.1.temporal_transformer_blocks.0.attn2.to_k.weight",
        "mid_block.resnets.1.time_mixer.mix_factor",
        "up_blocks.3.resnets.2.temporal_res_block.conv2.weight",
        "conv_norm_out.weight",
    } <= names


@pytest.mark.parametrize(("config", "low", "high"), [(DEBUG, 2e5, 5e6), (BASE, 1e8, 4e8)])
def test_smaller_sizes_build(config, low, high):
    assert low < size_of(make(UNetSpatioTemporalConditionModel, config)) < high
