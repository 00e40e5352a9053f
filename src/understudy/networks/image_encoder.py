"""Images to feature maps that keep the place: a small CNN with coordinate channels, modulated by a vector (FiLM)."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

__all__ = ["ColourJitter", "Colours", "ImageEncoder", "coordinates", "random_colours", "to_float"]

_GREY = 1 / math.sqrt(3)


def coordinates(size: int, like: Tensor) -> Float[Tensor, "1 2 S S"]:
    """Two maps: u and v from -1 to 1."""
    line = torch.linspace(-1, 1, size, device=like.device, dtype=like.dtype)
    return torch.stack(torch.broadcast_tensors(line[None, :], line[:, None]))[None]


class _Layer(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, condition: int) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
        self.norm = nn.GroupNorm(8, outputs)
        self.film = nn.Linear(condition, 2 * outputs) if condition else None
        if self.film is not None:
            nn.init.zeros_(self.film.weight)
            nn.init.zeros_(self.film.bias)

    def forward(
        self, x: Tensor, condition: Tensor | None, reference: Tensor | None = None, also: Tensor | None = None
    ) -> Tensor:
        """`also` (1, e, S, S) are more inputs, alike for all images: they are convolved once."""
        if also is None:
            x = self.conv(x)
        else:
            weights = self.conv.weight.split([x.shape[1], also.shape[1]], dim=1)
            stride, padding = self.stride, self.kernel // 2
            fixed = nn.functional.conv2d(also, weights[1], self.conv.bias, stride, padding)
            x = nn.functional.conv2d(x, weights[0], None, stride, padding) + fixed
        if reference is not None:
            x = (x.unflatten(0, (len(reference), -1)) - reference[:, None]).flatten(0, 1)
        x = self.norm(x)
        if self.film is not None:
            scale, shift = self.film(condition)[:, :, None, None].chunk(2, dim=1)
            x = x * (1 + scale) + shift
        return nn.functional.relu(x)


class ImageEncoder(nn.Module):
    """(B, 3, S, S) to maps of features. The first layer strides by 4: most of the cost is there.

    It also sees how an image differs from a reference, such as the first frame of its clip. A convolution is linear:
    W [x, x - r] = (W1 + W2) x - W2 r, so that the reference of many images is convolved once.
    """

    def __init__(self, size: int, condition: int = 0, stages: tuple[tuple[int, int], ...] = ((32, 4), (64, 2))) -> None:
        """Sizes.

        Args:
            size: width and height of the input [px], a multiple of the product of the strides.
            condition: length of the vector that modulates every layer; 0 for none.
            stages: output channels (multiples of 8) and stride of each layer; kernels are 7 x 7, then 3 x 3.
        """
        super().__init__()
        inputs, layers, self.grid = 5, [], size
        for index, (outputs, stride) in enumerate(stages):
            layers.append(_Layer(inputs, outputs, 3 if index else 7, stride, condition))
            inputs, self.grid = outputs, self.grid // stride
        self.layers = nn.ModuleList(layers)
        self.reference = nn.Conv2d(3, stages[0][0], 7, stages[0][1], 3, bias=False)
        self.channels = inputs

    @property
    def size(self) -> int:
        """Numbers in the last map, flattened: E G G."""
        return self.channels * self.grid**2

    def forward(
        self,
        images_BCSS: Float[Tensor, "B 3 S S"],
        reference_RCSS: Float[Tensor, "R 3 S S"],
        condition_BE: Float[Tensor, "B E"] | None = None,
    ) -> list[Tensor]:
        """Features after every layer, (B, C, G, G), the finest first.

        Args:
            images_BCSS: -1 to 1.
            reference_RCSS: R divides B; reference r belongs to the r-th run of B / R images.
            condition_BE: modulates every layer.
        """
        x = images_BCSS.contiguous(memory_format=torch.channels_last)
        also: Tensor | None = coordinates(x.shape[-1], x)
        reference: Tensor | None = self.reference(reference_RCSS.contiguous(memory_format=torch.channels_last))
        maps = []
        for layer in self.layers:
            x = layer(x, condition_BE, reference, also)
            reference = also = None
            maps.append(x)
        return maps


@dataclass(frozen=True)
class ColourJitter:
    """How far the colours of training images are changed."""

    gain: float = 0.15
    """Of each channel, within 1 +- this; brightness moves by up to half of it, of the full range."""
    hue: float = 0.0
    """Largest angle by which colours are turned about grey [rad]: red is orange from about 0.5 on, green from 2."""


@dataclass(frozen=True)
class Colours:
    """A change of colours, one for all images of a sample: matrix x + shift, in the range -1 to 1."""

    matrix: Float[Tensor, "B 3 3"]
    shift: Float[Tensor, "B 3"]

    def only(self, share_B1: Float[Tensor, "B 1"]) -> "Colours":
        """For every sample, that share of the change: 0 leaves it as it is."""
        same = torch.eye(3, device=self.matrix.device)
        return Colours(same.lerp(self.matrix, share_B1[:, :, None]), share_B1 * self.shift)


def random_colours(count: int, jitter: ColourJitter, generator: torch.Generator) -> Colours:
    """Evenly within its limits."""

    def even(columns: int, most: float) -> Tensor:
        return most * (2 * torch.rand(count, columns, generator=generator, device=generator.device) - 1)

    gain = 1 + even(3, jitter.gain)
    shift = even(1, jitter.gain) + gain - 1  # black keeps to -1 but for the brightness
    return Colours(gain[:, :, None] * _turns_about_grey(even(1, jitter.hue)[:, 0]), shift)


def _turns_about_grey(angle_B: Float[Tensor, " B"]) -> Float[Tensor, "B 3 3"]:
    """Rodrigues' formula for the axis (1, 1, 1)."""
    onto_grey = angle_B.new_full((3, 3), _GREY**2)
    cross = _GREY * angle_B.new_tensor([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    cosine, sine = (part[:, None, None] for part in (angle_B.cos(), angle_B.sin()))
    return onto_grey + cosine * (torch.eye(3, device=angle_B.device) - onto_grey) + sine * cross


def to_float(images: UInt8[Tensor, "B *T S S 3"], colours: Colours | None = None) -> Float[Tensor, "B *T 3 S S"]:
    """Channels first, -1 to 1, perhaps with other colours."""
    if colours is None:
        # Planes first: arithmetic on runs of three numbers is slow.
        return images.movedim(-1, -3).contiguous().float().div_(127.5).sub_(1)
    matrix = colours.matrix / 127.5
    shift = colours.shift - colours.matrix.sum(-1)
    x = torch.baddbmm(shift[:, None], images.flatten(1, -2).float(), matrix.mT)
    return x.view(images.shape).movedim(-1, -3)  # in memory as convolutions like it: channels last
