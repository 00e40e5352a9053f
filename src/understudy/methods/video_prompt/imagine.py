"""What a video model takes a prompt to mean for a robot: the robot's video, sampled."""

import json
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import UInt8

from understudy.episodes.square_image import square_image
from understudy.errors import UnderstudyError
from understudy.methods.prompt_frames import prompt_frames
from understudy.methods.video_prompt.network_folder import (
    LEFT_OUT,
    read_left_out,
    read_representation,
    read_sampling_steps,
    representation_folder,
    shipped_or_own,
)
from understudy.networks.device import best_device
from understudy.networks.image_encoder import to_float
from understudy.networks.video_diffusion.svd_config import SvdIds
from understudy.networks.video_diffusion.video_model import (
    Condition,
    Guidance,
    VideoModel,
    encode_first,
    sample_video,
)
from understudy.records import HumanVideo

__all__ = ["SHOWN_PX", "LoadedModel", "imagine", "load_video_model", "side_by_side", "video_model_of"]

SHOWN_PX = 256
"""Side of each picture of `side_by_side`."""
_SVD_FRAMES, _SVD_STEPS = 16, 50
"""Of the paper (A.1, Table 3), for the published weights, which say neither."""


class LoadedModel(NamedTuple):
    """A video model, and how it is to be sampled."""

    model: VideoModel
    num_frames: int
    """Of its videos."""
    sampling_steps: int
    """Passes that a video is to be sampled with."""
    left_out: tuple[Condition, ...] | None
    """What training left out at times; None: its folder does not say."""


def load_video_model(folder: Path) -> LoadedModel:
    """A model with all that sampling needs.

    Args:
        folder: what stage 1 exported, or a folder in the published layout of Stable Video Diffusion.

    Raises:
        UnderstudyError: neither, or not whole.
    """
    if (folder / "unet").is_dir() and not (folder / "network.json").is_file():
        from understudy.networks.video_diffusion.svd import SvdVideoModel  # imports diffusers

        published = SvdVideoModel.from_folder(folder, SvdIds())
        return LoadedModel(published, _SVD_FRAMES, _SVD_STEPS, ("prompt", "first_frame"))
    found = shipped_or_own(folder)
    representation = read_representation(found)
    steps, left_out = read_sampling_steps(found), read_left_out(found)
    return LoadedModel(representation.model, representation.config.num_frames, steps, left_out)


def video_model_of(policy: Path) -> Path | None:
    """Folder of the video model that makes z of a policy's prompts; None for a policy without one.

    Args:
        policy: folder of a policy that could be loaded.

    Raises:
        UnderstudyError: it names a folder that is not there.
    """
    where = policy / "policy.json"
    said = json.loads(where.read_text(encoding="utf-8")).get("representation")
    return None if said is None else representation_folder(said, where)


@torch.inference_mode()
def imagine(
    prompt: HumanVideo,
    scene: UInt8[np.ndarray, "H W 3"],
    folder: Path,
    steps: int | None,
    seed: int,
    guidance: tuple[float, float] | None = None,
) -> tuple[UInt8[np.ndarray, "T S S 3"], UInt8[np.ndarray, "T S S 3"]]:
    """The prompt's frames as the model saw them, and the video that it makes of them.

    Args:
        prompt: a person doing something.
        scene: where the robot is to do it, RGB; its middle square is used.
        folder: of the model, see `load_video_model`.
        steps: passes through the model; None: as many as it is to be sampled with.
        seed: of the noise.
        guidance: w of the first frame and of the last, see `Guidance`; None: no guidance.

    Raises:
        UnderstudyError: a video or a model that cannot be read; guidance of a model that never did without a prompt.
    """
    model, length, usual, left_out = load_video_model(folder)
    guided = None if guidance is None else Guidance(*guidance, _left_out_prompt(left_out, folder))
    size = model.image_size
    device = best_device()
    model.to(device)
    shown = prompt_frames(prompt, length, size)
    first = to_float(torch.from_numpy(square_image(scene, size))[None]).to(device)
    generator = torch.Generator(device).manual_seed(seed)
    tokens = model.prompt_tokens(to_float(torch.from_numpy(shown)[None]).to(device), first)
    beside = encode_first(model, first, generator)
    latents = sample_video(model, beside, tokens, length, usual if steps is None else steps, generator, guided)
    frames = model.decode(latents)[0].clamp(-1, 1)
    return shown, ((frames + 1) * 127.5).round().to(torch.uint8).movedim(1, -1).cpu().numpy()


def _left_out_prompt(left_out: tuple[Condition, ...] | None, folder: Path) -> tuple[Condition, ...]:
    """What guidance leaves out, which is what training did; the prompt must be of that."""
    if left_out is None:
        raise UnderstudyError(
            f"{folder}: guidance: its network.json does not say whether training left the prompt out at times; if it "
            f'did (losses.drop_prompt above 0, as by default), add "{LEFT_OUT}": ["prompt"]'
        )
    if "prompt" not in left_out:
        raise UnderstudyError(
            f"{folder}: guidance: training never left the prompt out (losses.drop_prompt 0), so that the model does "
            f"not know what to expect without one"
        )
    return left_out


def side_by_side(
    shown: UInt8[np.ndarray, "T S S 3"], made: UInt8[np.ndarray, "T S S 3"]
) -> UInt8[np.ndarray, "T H W 3"]:
    """Both videos in one, the prompt on the left."""
    both = [np.concatenate(pair, axis=1) for pair in zip(shown, made, strict=True)]
    return np.stack([cv2.resize(frame, (2 * SHOWN_PX, SHOWN_PX), interpolation=cv2.INTER_CUBIC) for frame in both])
