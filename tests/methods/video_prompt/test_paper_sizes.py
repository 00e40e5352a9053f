"""The paper's sizes, counted without memory, and its settings, beside the tables of the paper."""

import torch
from transformers import ResNetConfig, ResNetForImageClassification

from understudy.methods.experiments import get_experiment
from understudy.methods.video_prompt.joint_model import JointConfig, JointPromptModel
from understudy.methods.video_prompt.model import PARTS
from understudy.methods.video_prompt.policy_network import make_network
from understudy.networks.resnet import ResNetFeatures, ResNetSizes

RESNET_34 = 21_797_672
"""Weights of ResNet-34 as torchvision publishes it."""
STAGE_2 = 77_709_115
"""The ResNet; 5096 x 512 + 512 of the joint token; 3 x 512 of times and clustering; 53,300,243 of the transformer."""


def count(module):
    return sum(value.numel() for value in module.parameters())


def test_stage_2_has_the_papers_networks():
    with torch.device("meta"):
        model = make_network(get_experiment("video_prompt_xhand_paper").model)
    assert isinstance(model, JointPromptModel)
    assert count(model.images) == RESNET_34
    assert (model.join.in_features, model.join.out_features) == (1000 + 4096, 512)
    assert count(model) == STAGE_2
    assert sum(PARTS) == 19


def test_base_is_the_same_network_and_smaller():
    with torch.device("meta"):
        model = make_network(get_experiment("video_prompt_xhand_base").model)
    assert isinstance(model, JointPromptModel)
    assert 0.1 < count(model) / STAGE_2 < 0.3


def test_settings_of_stage_1_are_those_of_table_3():
    paper = get_experiment("video_prompt_stage1_paper")
    assert (paper.batch_size, paper.learning_rate, paper.clips.cross_probability) == (64, 5e-6, 0.6)
    assert (paper.clips.image_size, paper.clips.num_frames, paper.pooling.num_frames) == (256, 16, 16)
    assert paper.pooling.size == JointConfig().z_size == 4096
    assert paper.sampling_steps == 50
    assert paper.tuning.lora_rank == 0
    assert paper.new_unet is None


def test_settings_of_stage_2_are_those_of_table_4():
    paper = get_experiment("video_prompt_xhand_paper")
    assert (paper.batch_size * paper.num_times, paper.learning_rate, paper.weight_decay) == (128, 1e-4, 1e-6)
    assert (paper.model.image_size, paper.model.chunk) == (160, 8)
    head, edm = paper.model.diffusion, paper.model.diffusion.edm
    assert (head.width, head.heads, head.encoder_layers, head.decoder_layers) == (512, 8, 4, 6)
    assert (head.attention_dropout, head.dropout, head.mlp_dropout) == (0.3, 0.1, 0.05)
    assert (edm.sigma_data, edm.sigma_min, edm.sigma_max) == (0.5, 0.001, 80.0)
    weights = paper.losses
    assert (weights.finger, weights.rotation, weights.position) == (12 / 19, 4 / 19, 3 / 19)
    assert (weights.pdcp.contrastive, weights.pdcp.prototype, weights.pdcp.metric) == (1, 1, 1)
    assert paper.acted.normalisation == "unit"


def test_a_resnet_sees_colours_as_imagenet_has_them_and_new_ones_have_no_statistics():
    sizes = ResNetSizes(8, (8, 16), (1, 1), features=5)
    features = ResNetFeatures(sizes)
    net = ResNetForImageClassification(
        ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=5)
    ).eval()
    net.load_state_dict(features.net.state_dict())
    colour = torch.tensor([0.485 + 0.229, 0.456, 0.406 - 0.225])
    images = (2 * colour - 1).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    expected = net(torch.tensor([1.0, 0.0, -1.0]).view(1, 3, 1, 1).expand(1, 3, 32, 32)).logits
    assert torch.allclose(features.train()(images), expected, atol=1e-5)
    grouped = ResNetFeatures(ResNetSizes(8, (8, 16), (1, 1), features=5, norm="group"))
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in grouped.modules())
    assert grouped(images).shape == (1, 5)
