"""What stage 1 makes of clips: z of whole episodes, z of their parts in time, and the autoencoder's latents beside it.

Three kinds of z, by whose clip is the prompt and whose first image is the scene. The paper's Fig. 5a shows the first
and the last ("robot" and "human representation"); the middle one has the robot's own clip as its prompt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from rich.console import Console
from rich.progress import track
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from understudy.episodes.shown_layouts import PERSON, ShownLayouts
from understudy.methods.video_prompt.representation import Representation
from understudy.networks.image_encoder import to_float

__all__ = ["KINDS", "PERSON_TO_PERSON", "PERSON_TO_ROBOT", "ROBOT_TO_ROBOT", "Embedding", "embed"]

PERSON_TO_ROBOT, ROBOT_TO_ROBOT, PERSON_TO_PERSON = "person_to_robot", "robot_to_robot", "person_to_person"
KINDS = {
    PERSON_TO_ROBOT: "person's clip, robot's scene",
    ROBOT_TO_ROBOT: "robot's own clip, robot's scene",
    PERSON_TO_PERSON: "person's clip, person's scene",
}
"""Kind of z -> prompt and scene that it is made of."""
_TOGETHER = 8


@dataclass(frozen=True)
class Embedding:
    """Of every layout, in their order."""

    z: Mapping[str, Float[np.ndarray, "N Z"]]
    """By kind; ordered by time first."""
    latents: Mapping[str, Float[np.ndarray, "N F"]]
    """The autoencoder's latents of the prompt, averaged to as many cells as z has, by kind."""
    times: int
    """Parts of z along time."""

    def in_time(self, kind: str, rows: Sequence[int]) -> Float[np.ndarray, "M T z"]:
        """Z of chosen layouts, cut into its parts in time."""
        return self.z[kind][np.asarray(rows, dtype=int)].reshape(len(rows), self.times, -1)


@torch.inference_mode()
def embed(representation: Representation, shown: ShownLayouts) -> Embedding:
    """Ask for z of all kinds, a few layouts at a time."""
    z: dict[str, list[Tensor]] = {kind: [] for kind in KINDS}
    latents: dict[str, list[Tensor]] = {kind: [] for kind in KINDS}
    starts = range(0, len(shown), _TOGETHER)
    for start in track(starts, "z of every layout", console=Console(stderr=True), transient=True):
        some = range(start, min(start + _TOGETHER, len(shown)))
        person, robot = (to_float(torch.from_numpy(shown.clips(name, some))) for name in (PERSON, shown.robot))
        of_person, of_robot = (_latents(representation, clips) for clips in (person, robot))
        for kind, prompt, scene, seen in (
            (PERSON_TO_ROBOT, person, robot, of_person),
            (ROBOT_TO_ROBOT, robot, robot, of_robot),
            (PERSON_TO_PERSON, person, person, of_person),
        ):
            z[kind].append(representation(prompt, scene[:, 0]))
            latents[kind].append(seen)
    return Embedding(
        {kind: torch.cat(parts).double().numpy() for kind, parts in z.items()},
        {kind: torch.cat(parts).double().numpy() for kind, parts in latents.items()},
        representation.config.times,
    )


def _latents(representation: Representation, clips_BNCSS: Float[Tensor, "B N 3 S S"]) -> Float[Tensor, "B F"]:
    encoded = representation.model.encode(clips_BNCSS)
    maps = adaptive_avg_pool2d(encoded.flatten(0, 1), representation.config.cells)
    return maps.unflatten(0, encoded.shape[:2]).flatten(1)
