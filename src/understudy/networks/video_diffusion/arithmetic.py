"""Vector arithmetic inside a video model (section 4.2.2 of video_prompt): robot(A) - person(A) + person(B).

The paper adds and subtracts representations and makes a video of the sum; it does not say where in the model. Here the
network is cut at a named layer. Three passes with the same noisy latents, one per condition, run up to the cut, and
everything that crosses it (maps, skip connections, tokens that are still to be read, what goes around the network) is
replaced by

    h = h(robot, A) - h(person, A) + h(person, B)

so that what comes after the cut sees nothing else. This is done at every step of sampling. Nothing of (robot, B)
goes in.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from understudy.errors import UnknownName
from understudy.networks.video_diffusion.small import SmallVideoModel
from understudy.networks.video_diffusion.video_model import Denoised, VideoModel

__all__ = ["PROMPT_TOKENS", "ArithmeticModel", "Conditions", "layers_of"]

PROMPT_TOKENS = "prompt_tokens"
"""The layer before the network: tokens of the prompt and latents of the first frame."""
_MID = "mid"


@dataclass(frozen=True)
class Conditions:
    """What a video model is given beside noise."""

    first: Float[Tensor, "B L G G"]
    """Latents of the first frame."""
    tokens: Float[Tensor, "B M D"]
    """Of the prompt."""

    def __len__(self) -> int:
        return len(self.first)


def layers_of(model: VideoModel) -> tuple[str, ...]:
    """Where `model` can be cut: before it, in its middle, and after each of its up-blocks."""
    return (PROMPT_TOKENS, *_readers(model))


class ArithmeticModel(VideoModel):
    """A video model whose conditions are a sum of three. `sample_video` with the conditions of (robot, A) uses it."""

    def __init__(self, model: VideoModel, layer: str, person_a: Conditions, person_b: Conditions) -> None:
        """Cut `model` at `layer`.

        Args:
            model: makes the videos.
            layer: one of `layers_of(model)`.
            person_a: is subtracted.
            person_b: is added.

        Raises:
            UnderstudyError: no such layer.
        """
        super().__init__()
        if layer not in layers_of(model):
            raise UnknownName("layer", layer, layers_of(model))
        self.model, self.layer = model, layer
        self.person_a, self.person_b = person_a, person_b
        self.levels, self.noise_aug, self.image_size = model.levels, model.noise_aug, model.image_size

    @property
    def tap_channels(self) -> Mapping[str, int]:
        """Of the model."""
        return self.model.tap_channels

    def encode(self, frames_BTCSS: Float[Tensor, "B T 3 S S"]) -> Float[Tensor, "B T L G G"]:
        """Of the model."""
        return self.model.encode(frames_BTCSS)

    def decode(self, latents_BTLGG: Float[Tensor, "B T L G G"]) -> Float[Tensor, "B T 3 S S"]:
        """Of the model."""
        return self.model.decode(latents_BTLGG)

    def prompt_tokens(
        self, prompt_BNCSS: Float[Tensor, "B N 3 P P"], first_BCSS: Float[Tensor, "B 3 S S"]
    ) -> Float[Tensor, "B M D"]:
        """Of the model."""
        return self.model.prompt_tokens(prompt_BNCSS, first_BCSS)

    def denoise(
        self,
        noisy_BTLGG: Float[Tensor, "B T L G G"],
        sigma_B: Float[Tensor, " B"],
        first_BLGG: Float[Tensor, "B L G G"],
        tokens_BMD: Float[Tensor, "B M D"],
        taps: tuple[str, ...] = (),
    ) -> Denoised:
        """As the model, with the sum in place of what `first` and `tokens` of (robot, A) become at the cut."""
        first = torch.cat([first_BLGG, self.person_a.first, self.person_b.first])
        tokens = torch.cat([tokens_BMD, self.person_a.tokens, self.person_b.tokens])
        if self.layer == PROMPT_TOKENS:
            count = len(first_BLGG)
            return self.model.denoise(noisy_BTLGG, sigma_B, _sum(first)[:count], _sum(tokens)[:count], taps)
        with _cut(self.model, self.layer):
            x, sigma = noisy_BTLGG.repeat(3, 1, 1, 1, 1), sigma_B.repeat(3)
            found = self.model.denoise(x, sigma, first, tokens, taps)
        maps = {name: value.chunk(3)[0] for name, value in found.features.items()}
        return Denoised(_sum(found.latents).chunk(3)[0], maps)  # a model may add its first frame after the network


@contextmanager
def _cut(model: VideoModel, layer: str) -> Iterator[None]:
    """Sum whatever the modules behind the cut read; where the sum was made already, summing again changes nothing."""
    readers = _readers(model)
    behind = list(readers)[list(readers).index(layer) :]

    def hook(
        _: nn.Module, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> tuple[tuple[object, ...], dict[str, object]]:
        return tuple(map(_summed, args)), {name: _summed(value) for name, value in kwargs.items()}

    handles = [module.register_forward_pre_hook(hook, with_kwargs=True) for name in behind for module in readers[name]]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _readers(model: VideoModel) -> Mapping[str, Sequence[nn.Module]]:
    """Layer -> the modules that read it (with skip connections), up to the next layer."""
    if isinstance(model, SmallVideoModel):
        unet = model.unet
        return {_MID: [*unet.up_coarse], "up_0": [*unet.up_fine], "up_1": [unet.norm_out]}
    from understudy.networks.video_diffusion.svd import SvdVideoModel  # imports diffusers

    assert isinstance(model, SvdVideoModel)
    blocks = [*model.unet.up_blocks, model.unet.conv_norm_out]
    names = [_MID, *(f"up_blocks.{index}" for index in range(len(blocks) - 1))]
    return {name: [block] for name, block in zip(names, blocks, strict=True)}


def _sum(three: Tensor) -> Tensor:
    """(robot, A), (person, A), (person, B) one after another -> their sum, three times."""
    robot_a, person_a, person_b = three.chunk(3)
    return (robot_a - person_a + person_b).repeat(3, *[1] * (three.ndim - 1))


def _summed(value: object) -> object:
    """Sum the tensors of real numbers in an argument, also within tuples."""
    if isinstance(value, tuple):
        return tuple(map(_summed, value))
    return _sum(value) if isinstance(value, Tensor) and value.is_floating_point() else value
