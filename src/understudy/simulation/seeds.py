"""Three sealed ranges of seeds: what is learned from, what choices are made on, and what tables are made of."""

from typing import Literal

from understudy.errors import UnderstudyError

__all__ = ["TEST", "TRAIN", "VALIDATION", "Split", "split_of"]

Split = Literal["train", "validation", "test"]

TRAIN = range(0, 1_000_000)
"""Seeds of training data."""
VALIDATION = range(1_000_000, 2_000_000)
"""Seeds for every choice: settings, early stopping, experts."""
TEST = range(2_000_000, 3_000_000)
"""Seeds of result tables only."""


def split_of(seed: int) -> Split:
    """The range that a seed lies in."""
    if seed in TRAIN:
        return "train"
    if seed in VALIDATION:
        return "validation"
    if seed in TEST:
        return "test"
    raise UnderstudyError(
        f"seed {seed} lies in no range: training {TRAIN.start}-{TRAIN.stop - 1}, "
        f"validation {VALIDATION.start}-{VALIDATION.stop - 1}, test {TEST.start}-{TEST.stop - 1}"
    )
