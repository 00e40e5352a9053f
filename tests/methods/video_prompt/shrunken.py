"""Folders in the layout of published weights, shrunken."""

import torch
from transformers import ResNetConfig, ResNetForImageClassification

from understudy.networks.video_diffusion.svd import SvdVideoModel
from understudy.networks.video_diffusion.svd_config import DEBUG, SvdIds
from understudy.networks.video_diffusion.svd_folder import SvdParts, write_folder


def write_svd(folder):
    """What `video_prompt_stage1_svd_debug` reads; without the part of ours."""
    torch.manual_seed(0)
    parts = SvdVideoModel.build(DEBUG, SvdIds()).parts()
    write_folder(folder, SvdParts(parts.unet, parts.vae, parts.clip, None))
    return folder


def write_resnet(folder, **changes):
    """What `video_prompt_xhand_joint_debug` reads; statistics of its norms are not those of a new one."""
    torch.manual_seed(1)
    sizes = {"embedding_size": 8, "hidden_sizes": [8, 8], "depths": [1, 1], "layer_type": "basic", "num_labels": 6}
    net = ResNetForImageClassification(ResNetConfig(**sizes | changes))
    for part in net.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.uniform_(-0.1, 0.1)
            part.running_var.uniform_(0.5, 1.5)
    net.save_pretrained(str(folder))
    return folder
