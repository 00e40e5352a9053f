"""A representation made of Stable Video Diffusion, on disk: its published layout, and the projection beside it.

The folder holds unet/, vae/, image_encoder/, feature_extractor/ and prompt/ (see `svd_folder.py`; LoRA is merged), the
projection in model.safetensors, and in network.json what the UNet is told, how z is pooled, how many passes a video
takes, and what training left out.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import nn

from understudy.methods.config_json import config_from_json
from understudy.methods.policy_folder import load_weights
from understudy.methods.video_prompt.network_folder import (
    LEFT_OUT,
    SAMPLING_STEPS,
    SVD_REPRESENTATION,
    make_representation,
    write_network,
)
from understudy.methods.video_prompt.representation import Representation, RepresentationConfig
from understudy.networks.video_diffusion.svd import SvdVideoModel
from understudy.networks.video_diffusion.svd_config import SvdIds
from understudy.networks.video_diffusion.svd_folder import write_folder
from understudy.networks.video_diffusion.video_model import Condition

__all__ = ["read_svd_representation", "write_svd_representation"]


@dataclass(frozen=True)
class _Sizes:
    image_size: int
    ids: SvdIds
    pooling: RepresentationConfig


class _Projection(nn.Module):
    """What of a representation is not its video model: the same tensors, by the same names."""

    def __init__(self, representation: Representation) -> None:
        super().__init__()
        self.register_buffer("mean", representation.mean)
        self.register_buffer("basis", representation.basis)


def write_svd_representation(
    folder: Path,
    representation: Representation,
    experiment: str,
    sampling_steps: int,
    left_out: Sequence[Condition],
) -> None:
    """Write the video model, then the projection of its features, which says that all is there.

    Args:
        folder: made if need be.
        representation: fitted.
        experiment: that it is of.
        sampling_steps: passes that a video is to be sampled with.
        left_out: what training left out at times.
    """
    model = representation.model
    assert isinstance(model, SvdVideoModel)
    write_folder(folder, model.parts())
    sizes = asdict(_Sizes(model.image_size, model.ids, representation.config))
    content = {"experiment": experiment, "sizes": sizes, SAMPLING_STEPS: sampling_steps, LEFT_OUT: list(left_out)}
    write_network(folder, SVD_REPRESENTATION, _Projection(representation), content)


def read_svd_representation(folder: Path, content: object, where: str) -> Representation:
    """The representation, in evaluation mode and without gradients.

    Args:
        folder: as `write_svd_representation` writes it.
        content: sizes in network.json.
        where: file and field, for errors.

    Raises:
        UnderstudyError: not a whole folder.
    """
    sizes = config_from_json(_Sizes, content, where)
    model = SvdVideoModel.from_folder(folder, sizes.ids, image_size=sizes.image_size)
    representation = make_representation(model, sizes.pooling)
    load_weights(_Projection(representation), folder)
    return representation
