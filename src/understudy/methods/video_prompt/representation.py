"""z: what a video model makes of (a person's clip, an image of the robot's scene), in 4096 numbers.

The video model is asked once, at the highest noise level, for the robot's video of what the prompt shows; maps of its
up-blocks are z before pooling (the paper's one-step features). The paper gives a length and no pooling. Ours:

1. maps are averaged down to `cells` x `cells`: where a thing is can still be told, as it could not from a global mean;
2. what they are in the first frame is taken off: what stays is how the scene is to change, and the policy sees the
   scene itself;
3. frames are averaged in runs to `times`;
4. channels are projected on the principal components of the training data and divided by their standard deviations,
   so that no channel drowns another and nothing is learned here.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from understudy.errors import UnderstudyError
from understudy.networks.video_diffusion.video_model import VideoModel, encode_first, one_step_features

__all__ = ["LATENTS", "Representation", "RepresentationConfig"]

LATENTS = "latents"
"""A tap that is no up-block: the autoencoder's latents of the prompt, which no video model has seen."""


@dataclass(frozen=True)
class RepresentationConfig:
    """How z is made; its length is times * cells^2 * channels."""

    taps: tuple[str, ...] = ("up_1",)
    """Up-blocks whose maps are read; `LATENTS` for the ablation without the video model."""
    num_frames: int = 16
    """Of the prompt and of the video that is asked for."""
    times: int = 8
    """Runs of frames that are averaged; divides `num_frames`."""
    cells: int = 8
    channels: int = 8
    """Principal components that are kept."""
    change: bool = True
    """Maps less those of the first frame."""
    seed: int = 0
    """Of the one noise that all features are made from."""

    @property
    def size(self) -> int:
        """Length of z."""
        return self.times * self.cells**2 * self.channels

    def check(self, num_features: int) -> None:
        """Compare with the channels of all taps together.

        Raises:
            UnderstudyError: more components than features, or frames that `times` does not divide.
        """
        if self.channels > num_features or self.num_frames % self.times:
            raise UnderstudyError(
                f"representation: {self.channels} components of {num_features} features, {self.times} times of "
                f"{self.num_frames} frames: needs at most as many components, and a divisor of the frames"
            )


class Representation(nn.Module):
    """A frozen video model and the projection of its features. z is ordered by time, row, column, channel."""

    mean: Float[Tensor, " C"]
    basis: Float[Tensor, "C c"]

    def __init__(self, model: VideoModel, config: RepresentationConfig, num_features: int) -> None:
        """Not fitted yet: `fit` or loaded weights make the projection.

        Args:
            model: is frozen here.
            config: pooling.
            num_features: channels of all taps together, C.

        Raises:
            UnderstudyError: more components than features, or frames that `times` does not divide.
        """
        super().__init__()
        config.check(num_features)
        self.config = config
        self.model = model.eval().requires_grad_(False)
        device = next(model.parameters()).device
        self.register_buffer("mean", torch.zeros(num_features, device=device))
        self.register_buffer("basis", torch.zeros(num_features, config.channels, device=device))

    @torch.no_grad()
    def features(
        self, prompt_BNCSS: Float[Tensor, "B N 3 S S"], scene_BCSS: Float[Tensor, "B 3 S S"]
    ) -> Float[Tensor, "B T K C"]:
        """Features after pooling, before the projection: T times, K cells, C channels; on the device of the weights.

        Args:
            prompt_BNCSS: `num_frames` frames of the clip at even times, -1 to 1.
            scene_BCSS: the robot's scene.
        """
        config = self.config
        prompt_BNCSS, scene_BCSS = prompt_BNCSS.to(self.mean.device), scene_BCSS.to(self.mean.device)
        tokens = self.model.prompt_tokens(prompt_BNCSS, scene_BCSS)
        noise = torch.Generator(scene_BCSS.device).manual_seed(config.seed)
        first = encode_first(self.model, scene_BCSS, noise)
        taps = tuple(tap for tap in config.taps if tap != LATENTS)
        maps = dict(one_step_features(self.model, first, tokens, config.num_frames, taps, config.seed)) if taps else {}
        if LATENTS in config.taps:
            maps[LATENTS] = self.model.encode(prompt_BNCSS)
        pooled = [adaptive_avg_pool2d(maps[tap].flatten(0, 1).float(), config.cells) for tap in config.taps]
        cells_BTKC = torch.cat(pooled, dim=1).flatten(2).transpose(1, 2).unflatten(0, (len(scene_BCSS), -1))
        if config.change:
            cells_BTKC = cells_BTKC - cells_BTKC[:, :1]
        return cells_BTKC.unflatten(1, (config.times, -1)).mean(2)

    @torch.no_grad()
    def fit(self, features: Iterable[Float[Tensor, "_ T K C"]]) -> None:
        """Find the projection on `features` of training data.

        Raises:
            UnderstudyError: too few of them, or all alike.
        """
        rows = torch.cat([part.flatten(0, 2) for part in features]).double()
        mean = rows.mean(0)
        covariance = (rows - mean).T @ (rows - mean) / max(len(rows) - 1, 1)
        values, vectors = torch.linalg.eigh(covariance)
        values, vectors = values.flip(0)[: self.config.channels], vectors.flip(1)[:, : self.config.channels]
        if values[-1] <= 1e-10 * values[0] or not values[0] > 0:
            raise UnderstudyError(f"representation: {len(rows)} features do not span {self.config.channels} components")
        largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
        self.mean.copy_(mean)
        self.basis.copy_(vectors * largest.sign() / values.sqrt())  # signs are arbitrary: the largest entry is positive

    def project(self, features_BTKC: Float[Tensor, "B T K C"]) -> Float[Tensor, "B Z"]:
        """Project features on the components that were found."""
        return ((features_BTKC - self.mean) @ self.basis).flatten(1)

    def forward(
        self, prompt_BNCSS: Float[Tensor, "B N 3 S S"], scene_BCSS: Float[Tensor, "B 3 S S"]
    ) -> Float[Tensor, "B Z"]:
        """What is kept of prompts and scenes; see `features`."""
        return self.project(self.features(prompt_BNCSS, scene_BCSS))

    def fingerprint(self) -> str:
        """Short hash of all weights and settings: what was made by another representation is not z."""
        digest = hashlib.sha256(json.dumps([asdict(self.config), self.model.told]).encode())
        for name, value in sorted(self.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()[:16]
