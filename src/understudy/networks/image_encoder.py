"""Images to feature maps that keep the place: a small CNN with coordinate channels, modulated by a vector (FiLM)."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

__all__ = ["ImageEncoder", "colour_jitter", "image_pair", "to_float", "with_coordinates"]


def with_coordinates(images_BCHW: Float[Tensor, "B C H W"]) -> Float[Tensor, "B E H W"]:
    """Two more channels: u and v from -1 to 1."""
    count, _, height, width = images_BCHW.shape
    v = torch.linspace(-1, 1, height, device=images_BCHW.device, dtype=images_BCHW.dtype)
    u = torch.linspace(-1, 1, width, device=images_BCHW.device, dtype=images_BCHW.dtype)
    grid = torch.stack(torch.broadcast_tensors(u[None, :], v[:, None]))
    return torch.cat([images_BCHW, grid.expand(count, -1, -1, -1)], dim=1)


class _Layer(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, condition: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
        self.norm = nn.GroupNorm(8, outputs)
        self.film = nn.Linear(condition, 2 * outputs) if condition else None
        if self.film is not None:
            nn.init.zeros_(self.film.weight)
            nn.init.zeros_(self.film.bias)

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        x = self.norm(self.conv(x))
        if self.film is not None:
            scale, shift = self.film(condition)[:, :, None, None].chunk(2, dim=1)
            x = x * (1 + scale) + shift
        return nn.functional.relu(x)


class ImageEncoder(nn.Module):
    """(B, C, S, S) to a map (B, E, G, G) of features. The first layer strides by 4: most of the cost is there."""

    def __init__(
        self, channels: int, size: int, condition: int = 0, stages: tuple[tuple[int, int], ...] = ((32, 4), (64, 2))
    ) -> None:
        """Sizes.

        Args:
            channels: of the input.
            size: width and height of the input [px], a multiple of the product of the strides.
            condition: length of the vector that modulates every layer; 0 for none.
            stages: output channels (multiples of 8) and stride of each layer; kernels are 7 x 7, then 3 x 3.
        """
        super().__init__()
        inputs, layers, self.grid = channels + 2, [], size
        for index, (outputs, stride) in enumerate(stages):
            layers.append(_Layer(inputs, outputs, 3 if index else 7, stride, condition))
            inputs, self.grid = outputs, self.grid // stride
        self.layers = nn.ModuleList(layers)
        self.channels = inputs

    @property
    def size(self) -> int:
        """Numbers in a flattened map: E G G."""
        return self.channels * self.grid**2

    def forward(
        self, images_BCSS: Float[Tensor, "B C S S"], condition_BE: Float[Tensor, "B E"] | None = None
    ) -> Float[Tensor, "B D G G"]:
        """Features of every patch."""
        x = with_coordinates(images_BCSS).contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            x = layer(x, condition_BE)
        return x


def to_float(images: UInt8[Tensor, "*B S S 3"]) -> Float[Tensor, "*B 3 S S"]:
    """Channels first, -1 to 1."""
    return images.movedim(-1, -3).float() / 127.5 - 1


def image_pair(images_B2SSC: UInt8[Tensor, "B 2 S S 3"]) -> Float[Tensor, "B 6 S S"]:
    """The later image, and how it differs from the earlier one, as six channels."""
    images = to_float(images_B2SSC)
    return torch.cat([images[:, 1], images[:, 1] - images[:, 0]], dim=1)


def colour_jitter(
    images: UInt8[Tensor, "B *T S S 3"], amount: float, generator: torch.Generator
) -> UInt8[Tensor, "B *T S S 3"]:
    """Change gain and brightness of each sample's colours: one draw for all its images."""
    shape = (len(images), *[1] * (images.ndim - 2), 3)
    gain = 1 + amount * (2 * torch.rand(shape, generator=generator) - 1)
    shift = 255 * amount / 2 * (2 * torch.rand(shape[0], generator=generator) - 1).view(-1, *[1] * (images.ndim - 1))
    return (images * gain + shift).clamp(0, 255).to(torch.uint8)
