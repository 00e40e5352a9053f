"""Images to vectors by a ResNet (He et al., 2015) of transformers: ResNet-34 of ImageNet, or one from nothing.

Published weights keep the statistics of their batch norms, which a policy's batches (windows of few episodes) would
spoil. New weights have group norm in their place, as in Diffusion Policy (Chi et al., 2023): averages of weights do not
go with running statistics of others.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.errors import UnderstudyError

__all__ = ["ResNetFeatures", "ResNetSizes", "read_resnet"]

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's colours, 0 to 1: what published ResNets were trained on."""
_CHANNELS_A_GROUP = 16


@dataclass(frozen=True)
class ResNetSizes:
    """Sizes; the defaults are ResNet-34 with the 1000 outputs of ImageNet: 21,797,672 weights."""

    embedding: int = 64
    widths: tuple[int, ...] = (64, 128, 256, 512)
    depths: tuple[int, ...] = (3, 4, 6, 3)
    """Blocks of two convolutions in each stage."""
    features: int = 1000
    """Length of the output."""
    norm: Literal["batch", "group"] = "batch"
    """`batch`: statistics stay as they were published; `group`: for new weights."""


class ResNetFeatures(nn.Module):
    """Images of any size to the outputs of the last layer."""

    mean: Tensor
    std: Tensor

    def __init__(self, sizes: ResNetSizes) -> None:
        from transformers import ResNetConfig, ResNetForImageClassification  # seconds, which most policies do not need

        super().__init__()
        self.net = ResNetForImageClassification(
            ResNetConfig(
                embedding_size=sizes.embedding,
                hidden_sizes=list(sizes.widths),
                depths=list(sizes.depths),
                layer_type="basic",
                num_labels=sizes.features,
            )
        )
        if sizes.norm == "group":
            _use_group_norm(self.net)
        self.register_buffer("mean", torch.tensor(_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(3, 1, 1), persistent=False)

    def forward(self, images_BCSS: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B F"]:
        """Features of images in -1 to 1."""
        return self.net(((images_BCSS + 1) / 2 - self.mean) / self.std).logits

    def train(self, mode: bool = True) -> "ResNetFeatures":
        """As of any module, but statistics of batch norms stay."""
        super().train(mode)
        for part in self.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.eval()
        return self


def read_resnet(folder: Path, sizes: ResNetSizes) -> ResNetFeatures:
    """A ResNet with published weights.

    Args:
        folder: config.json and model.safetensors of transformers, such as microsoft/resnet-34.
        sizes: that it must have; `norm` must be `batch`.

    Raises:
        UnderstudyError: something is absent, broken or of other sizes.
    """
    from transformers import ResNetForImageClassification

    from understudy.networks.published import read_published

    if sizes.norm != "batch":
        raise UnderstudyError(f"{folder}: published weights go with norm 'batch', not {sizes.norm!r}")
    published = read_published(folder, "model", ResNetForImageClassification)
    found = published.config
    is_basic = found.layer_type == "basic" and not found.downsample_in_first_stage
    has = ResNetSizes(found.embedding_size, tuple(found.hidden_sizes), tuple(found.depths), found.num_labels)
    if has != sizes or not is_basic:
        kind = "" if is_basic else " with bottlenecks"
        raise UnderstudyError(f"{folder / 'config.json'}: a ResNet of {has}{kind}; the policy's is {sizes}")
    features = ResNetFeatures(sizes)
    features.net.load_state_dict(published.state_dict())
    return features


def _use_group_norm(net: nn.Module) -> None:
    norms = [(path, part) for path, part in net.named_modules() if isinstance(part, nn.BatchNorm2d)]
    for path, part in norms:
        groups = max(1, part.num_features // _CHANNELS_A_GROUP)
        net.set_submodule(path, nn.GroupNorm(groups, part.num_features))
