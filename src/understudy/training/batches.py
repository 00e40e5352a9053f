"""Which samples a step is made of, and who prepares them.

A run is one endless sequence of samples: the permutation of epoch 0, then that of epoch 1, ... Step s takes the B
samples from s B on. They fall into K = accumulate x processes equal shards; process `rank` works on shard
k = turn x processes + rank in its turn-th pass. All of it is arithmetic on numbers: any process can begin at any step.
"""

import signal
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import count

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from understudy.errors import UnderstudyError
from understudy.methods.experiment import Batch, TrainingData
from understudy.training.randomness import Purpose, derived_rng

__all__ = ["Sharding", "Shards", "batch_stream"]


@dataclass(frozen=True)
class Sharding:
    """How a step's batch is split over forward passes and processes."""

    batch_size: int
    """Samples of a whole step."""
    accumulate: int = 1
    """Forward passes of a process in a step."""
    processes: int = 1
    rank: int = 0

    def __post_init__(self) -> None:
        if self.accumulate < 1 or self.batch_size < 1 or self.batch_size % self.num_shards:
            raise UnderstudyError(
                f"batch_size {self.batch_size} cannot be split evenly over accumulate {self.accumulate} x"
                f" {self.processes} processes: it must be a multiple of {self.num_shards}"
            )

    @property
    def num_shards(self) -> int:
        """K: equal parts of a step's batch."""
        return self.accumulate * self.processes

    def shard(self, turn: int) -> int:
        """Number of the shard that this process works on in its `turn`-th pass of a step."""
        return turn * self.processes + self.rank

    def positions(self, step: int, turn: int) -> range:
        """Positions of that shard's samples in the run's sequence."""
        size = self.batch_size // self.num_shards
        first = step * self.batch_size + self.shard(turn) * size
        return range(first, first + size)


class Shards(Dataset):
    """One process's share of a run by number: n = step x accumulate + turn -> stacked samples."""

    def __init__(self, data: TrainingData, seed: int, sharding: Sharding) -> None:
        if len(data) == 0:
            raise UnderstudyError("the training data hold no sample")
        self.data = data
        self.seed = seed
        self.sharding = sharding
        # A batch lies in one epoch, or across the border of two.
        self._permutation = lru_cache(maxsize=2)(self._make_permutation)

    def _make_permutation(self, epoch: int) -> np.ndarray:
        return derived_rng(self.seed, Purpose.ORDER, epoch).permutation(len(self.data))

    def place(self, position: int) -> tuple[int, int]:
        """(epoch, index) of a position in the run's sequence of samples."""
        epoch, entry = divmod(position, len(self.data))
        return epoch, int(self._permutation(epoch)[entry])

    def __getitem__(self, number: int) -> Batch | UnderstudyError:
        """The n-th shard; what a user can mend comes back as a value, for a worker's traceback is no clear line."""
        places = map(self.place, self.sharding.positions(*divmod(number, self.sharding.accumulate)))
        try:
            samples = [
                self.data.sample(index, derived_rng(self.seed, Purpose.SAMPLE, epoch, index)) for epoch, index in places
            ]
        except UnderstudyError as error:
            return UnderstudyError(str(error))
        return {name: torch.from_numpy(np.stack([sample[name] for sample in samples])) for name in samples[0]}


class _Numbers(Sampler[int]):
    """n from `first` on, up to `last` (excluded) where there is one."""

    def __init__(self, first: int, last: int | None) -> None:
        self.first, self.last = first, last

    def __iter__(self) -> Iterator[int]:
        return count(self.first) if self.last is None else iter(range(self.first, self.last))


def batch_stream(
    shards: Shards, first_step: int, last_step: int | None, *, num_workers: int = 0, pin_memory: bool = False
) -> Generator[Batch]:
    """One process's batches from `first_step` on, `accumulate` for every step, prepared ahead by `num_workers`."""
    per_step = shards.sharding.accumulate
    loader = DataLoader(
        shards,
        batch_size=None,
        sampler=_Numbers(first_step * per_step, None if last_step is None else last_step * per_step),
        num_workers=num_workers,
        collate_fn=_as_it_is,  # type: ignore[arg-type]
        worker_init_fn=_ignore_interrupt,
        pin_memory=pin_memory,
        generator=torch.Generator(),  # otherwise the loader draws from the global one
    )
    for batch in loader:
        if isinstance(batch, UnderstudyError):
            raise batch
        yield batch


def _as_it_is(batch: Batch | UnderstudyError) -> Batch | UnderstudyError:
    return batch


def _ignore_interrupt(worker: int) -> None:
    # Ctrl-C reaches the whole group of processes; the training process finishes its step and ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
