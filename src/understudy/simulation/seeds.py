"""Three sealed ranges of seeds: what is learned from, what choices are made on, and what tables are made of."""

from typing import Literal

from understudy.errors import UnderstudyError

__all__ = ["SEEDS", "TEST", "TRAIN", "VALIDATION", "Split", "split_of"]

Split = Literal["train", "validation", "test"]

TRAIN = range(0, 1_000_000)
"""Seeds of training data."""
VALIDATION = range(1_000_000, 2_000_000)
"""Seeds for every choice: settings, early stopping, experts."""
TEST = range(2_000_000, 3_000_000)
"""Seeds of result tables only."""
SEEDS: dict[Split, range] = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
"""Name of a split -> its seeds."""


def split_of(seed: int) -> Split:
    """The range that a seed lies in."""
    for split, seeds in SEEDS.items():
        if seed in seeds:
            return split
    raise UnderstudyError(
        f"seed {seed} lies in no range: training {TRAIN.start}-{TRAIN.stop - 1}, "
        f"validation {VALIDATION.start}-{VALIDATION.stop - 1}, test {TEST.start}-{TEST.stop - 1}"
    )
