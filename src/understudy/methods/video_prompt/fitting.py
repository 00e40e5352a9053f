"""The projection of a representation, fitted to clips of the training data."""

import numpy as np
import torch

from understudy.methods.experiment import TrainingData
from understudy.methods.video_prompt.representation import Representation
from understudy.networks.image_encoder import to_float

__all__ = ["fit_to_clips"]

_TOGETHER = 8


def fit_to_clips(representation: Representation, data: TrainingData, count: int, seed: int) -> None:
    """Find the components of z on pairs of clips.

    Args:
        representation: not fitted yet.
        data: samples with `source` and `target`, see `CrossPrediction`.
        count: pairs, at most.
        seed: of which ones, and of their draws.

    Raises:
        UnderstudyError: too few, or all alike.
    """
    rng = np.random.default_rng(seed)
    indices = rng.permutation(len(data))[:count]
    found = []
    for start in range(0, len(indices), _TOGETHER):
        samples = [data.sample(int(index), rng) for index in indices[start : start + _TOGETHER]]
        source, target = (to_float(torch.from_numpy(np.stack([s[key] for s in samples]))) for key in _CLIPS)
        found.append(representation.features(source, target[:, 0]).cpu())
    representation.fit(found)


_CLIPS = "source", "target"
