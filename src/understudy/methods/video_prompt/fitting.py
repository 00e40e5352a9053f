"""The projection of a representation, fitted to clips of the training data."""

import numpy as np
import torch

from understudy.episodes.cross_prediction import CrossPrediction
from understudy.methods.video_prompt.representation import Representation
from understudy.networks.image_encoder import to_float

__all__ = ["fit_to_clips"]

_TOGETHER = 8


def fit_to_clips(representation: Representation, data: CrossPrediction, count: int, seed: int) -> None:
    """Find the components of z on what z will be of: people's clips, in scenes of all that act.

    Args:
        representation: not fitted yet.
        data: clips of people and robots.
        count: layouts, at most.
        seed: of which ones, and of their draws.

    Raises:
        UnderstudyError: too few, or all alike.
    """
    rng = np.random.default_rng(seed)
    indices = rng.permutation(len(data))[:count]
    found = []
    for start in range(0, len(indices), _TOGETHER):
        samples = [data.prompted(int(index), rng) for index in indices[start : start + _TOGETHER]]
        prompts, scenes = (to_float(torch.from_numpy(np.stack(images))) for images in zip(*samples, strict=True))
        found.append(representation.features(prompts, scenes).cpu())
    representation.fit(found)
