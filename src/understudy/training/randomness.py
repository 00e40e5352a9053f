"""Chance as a function of the place where it is needed, so that there is no state to save and none to share.

(seed, purpose, place) -> generator, with place one of

    INITIAL  ()               the model's first weights
    ORDER    (epoch)          the permutation of an epoch
    SAMPLE   (epoch, index)   one sample: which window, which augmentation
    LOSS     (step, shard)    noise of the loss, for one of the equal parts of a step's batch
    DROPOUT  (step, shard)    what the model itself draws there
"""

from enum import IntEnum

import numpy as np

__all__ = ["Purpose", "derived_rng", "derived_seed"]


class Purpose(IntEnum):
    """What the chance is for; keeps streams apart."""

    INITIAL = 0
    ORDER = 1
    SAMPLE = 2
    LOSS = 3
    DROPOUT = 4


def derived_rng(seed: int, purpose: Purpose, *place: int) -> np.random.Generator:
    """A generator of its own for one place of a run."""
    return np.random.default_rng([seed, int(purpose), *place])


def derived_seed(seed: int, purpose: Purpose, *place: int) -> int:
    """The same for torch, whose generators are seeded with a number; 32 bits, which is all that its CPU engine uses."""
    return int(np.random.SeedSequence([seed, int(purpose), *place]).generate_state(1)[0])
