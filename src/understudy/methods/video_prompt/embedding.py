"""What stage 1 makes of clips: z of whole episodes, z of their parts in time, and the autoencoder's latents beside it.

Three kinds of z, by whose clip is the prompt and whose first image is the scene. The paper's Fig. 5a shows the first
and the last ("robot" and "human representation"); the middle one has the robot's own clip as its prompt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from rich.console import Console
from rich.progress import track
from torch import Tensor

from understudy.episodes.shown_layouts import PERSON, ShownLayouts
from understudy.methods.video_prompt.representation import LATENTS, Representation
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
    """The autoencoder's latents of the prompt alone, pooled and projected as z is, by kind; they know no scene."""
    times: int
    """Parts of z along time."""

    def in_time(self, kind: str, rows: Sequence[int]) -> Float[np.ndarray, "M T z"]:
        """Z of chosen layouts, cut into its parts in time."""
        return self.z[kind][np.asarray(rows, dtype=int)].reshape(len(rows), self.times, -1)


@torch.inference_mode()
def embed(representation: Representation, shown: ShownLayouts, train: Bool[np.ndarray, " N"]) -> Embedding:
    """Ask for z of all kinds, a few layouts at a time, and pool latents alike.

    Args:
        representation: makes z.
        shown: the layouts.
        train: those that probes learn from: the components of the latents are of persons' clips in them.

    Raises:
        UnderstudyError: too few layouts to learn from.
    """
    of_latents = _latents_alone(representation)
    z: dict[str, list[Tensor]] = {kind: [] for kind in KINDS}
    seen: dict[str, list[Tensor]] = {name: [] for name in (PERSON, shown.robot)}
    starts = range(0, len(shown), _TOGETHER)
    for start in track(starts, "z of every layout", console=Console(stderr=True), transient=True):
        some = range(start, min(start + _TOGETHER, len(shown)))
        person, robot = (to_float(torch.from_numpy(shown.clips(name, some))) for name in (PERSON, shown.robot))
        for kind, prompt, scene in (
            (PERSON_TO_ROBOT, person, robot),
            (ROBOT_TO_ROBOT, robot, robot),
            (PERSON_TO_PERSON, person, person),
        ):
            z[kind].append(representation(prompt, scene[:, 0]).cpu())
        for name, prompt in ((PERSON, person), (shown.robot, robot)):
            seen[name].append(of_latents.features(prompt, robot[:, 0]))
    of_latents.fit([torch.cat(seen[PERSON])[torch.from_numpy(train).to(of_latents.mean.device)]])
    of_person, of_robot = (
        of_latents.project(torch.cat(seen[name])).double().cpu().numpy() for name in (PERSON, shown.robot)
    )
    return Embedding(
        {kind: torch.cat(parts).double().numpy() for kind, parts in z.items()},
        {PERSON_TO_ROBOT: of_person, ROBOT_TO_ROBOT: of_robot, PERSON_TO_PERSON: of_person},
        representation.config.times,
    )


def _latents_alone(representation: Representation) -> Representation:
    """The same pooling of the autoencoder's latents, not fitted yet; they may have fewer channels than z."""
    model = representation.model
    still = torch.zeros(1, 1, 3, model.image_size, model.image_size, device=representation.mean.device)
    count = model.encode(still).shape[2]
    config = replace(representation.config, taps=(LATENTS,), channels=min(representation.config.channels, count))
    return Representation(model, config, count)
