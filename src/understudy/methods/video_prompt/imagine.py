"""What a video model takes a prompt to mean for a robot: the robot's video, sampled."""

from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import UInt8

from understudy.episodes.square_image import square_image
from understudy.methods.prompt_frames import prompt_frames
from understudy.methods.video_prompt.network_folder import read_representation
from understudy.networks.image_encoder import to_float
from understudy.networks.video_diffusion.small import SmallVideoModel
from understudy.networks.video_diffusion.svd import SvdVideoModel
from understudy.networks.video_diffusion.svd_config import SvdIds
from understudy.networks.video_diffusion.video_model import VideoModel, encode_first, sample_video
from understudy.records import HumanVideo

__all__ = ["SHOWN_PX", "imagine", "load_video_model", "side_by_side"]

SHOWN_PX = 256
"""Side of each picture of `side_by_side`."""
_SVD_SIZE, _SVD_FRAMES = 256, 16
"""Of the paper (A.1)."""


def load_video_model(folder: Path) -> tuple[VideoModel, int, int]:
    """A model, the side of its frames [px] and how many there are.

    Args:
        folder: what stage 1 exported, or a folder in the published layout of Stable Video Diffusion.

    Raises:
        UnderstudyError: neither, or not whole.
    """
    if (folder / "unet").is_dir():
        return SvdVideoModel.from_folder(folder, SvdIds()), _SVD_SIZE, _SVD_FRAMES
    representation = read_representation(folder)
    assert isinstance(representation.model, SmallVideoModel)
    return representation.model, representation.model.config.image_size, representation.config.num_frames


@torch.inference_mode()
def imagine(
    prompt: HumanVideo, scene: UInt8[np.ndarray, "H W 3"], folder: Path, steps: int, seed: int
) -> tuple[UInt8[np.ndarray, "T S S 3"], UInt8[np.ndarray, "T S S 3"]]:
    """The prompt's frames as the model saw them, and the video that it makes of them.

    Args:
        prompt: a person doing something.
        scene: where the robot is to do it, RGB; its middle square is used.
        folder: of the model, see `load_video_model`.
        steps: passes through the model.
        seed: of the noise.

    Raises:
        UnderstudyError: a video or a model that cannot be read.
    """
    model, size, length = load_video_model(folder)
    shown = prompt_frames(prompt, length, size)
    first = to_float(torch.from_numpy(square_image(scene, size))[None])
    generator = torch.Generator().manual_seed(seed)
    tokens = model.prompt_tokens(to_float(torch.from_numpy(shown)[None]), first)
    latents = sample_video(model, encode_first(model, first, generator), tokens, length, steps, generator)
    frames = model.decode(latents)[0].clamp(-1, 1)
    return shown, ((frames + 1) * 127.5).round().to(torch.uint8).movedim(1, -1).numpy()


def side_by_side(
    shown: UInt8[np.ndarray, "T S S 3"], made: UInt8[np.ndarray, "T S S 3"]
) -> UInt8[np.ndarray, "T H W 3"]:
    """Both videos in one, the prompt on the left."""
    both = [np.concatenate(pair, axis=1) for pair in zip(shown, made, strict=True)]
    return np.stack([cv2.resize(frame, (2 * SHOWN_PX, SHOWN_PX), interpolation=cv2.INTER_CUBIC) for frame in both])
