"""What a training run is: data, model, loss and settings under one name. Learned methods give such experiments."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from understudy.episodes.mixture import Sample
from understudy.episodes.mixture import SampleSource as TrainingData

__all__ = ["Batch", "Experiment", "Precision", "Sample", "TrainingData"]

Batch = dict[str, Tensor]
"""Samples stacked along a new first axis."""
Precision = Literal["no", "bf16", "fp16"]


@dataclass(frozen=True)
class Experiment(ABC):
    """Frozen settings of one run; a variant replaces fields. What each method adds are its own fields."""

    derived: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Settings within settings that a run takes from elsewhere, whatever they say: dotted name -> from where."""

    name: str
    """`<method>_<data>_<variant>`; unique."""
    size: Literal["debug", "tiny", "base", "paper"]
    data: tuple[Path, ...]
    """Folders of recorded data sets, learned from together."""
    seed: int = 0
    batch_size: int = 16
    """Samples of one optimiser step over all processes and accumulation steps."""
    num_steps: int = 1000
    learning_rate: float = 1e-3
    """Peak, after warm-up; it falls to zero along a cosine."""
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.95)
    warmup_steps: int = 100
    ema_decay: float = 0.999
    clip_norm: float = 1.0
    precision: Precision = "no"
    accumulate: int = 1
    """Batches per optimiser step; each has `batch_size / accumulate` samples."""
    num_workers: int = 0
    """Processes that prepare samples; 0 prepares them in the training process."""
    changes: tuple[str, ...] = ()
    """Settings that were given by name, see `settings.with_settings`."""

    @abstractmethod
    def make_data(self) -> TrainingData:
        """Open the data; everything slow that is shared by all samples happens here."""

    @abstractmethod
    def make_model(self, data: TrainingData) -> nn.Module:
        """A new model, initialised from torch's global generator, which the loop seeds before."""

    @abstractmethod
    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Scalar to minimise, mean over the samples of the batch, and named scalars for the log.

        All noise comes from `generator`, whose state depends on seed and step alone.
        """

    def fitted(self, data: TrainingData) -> Mapping[str, Any]:
        """What a policy takes from the data beside its weights, as JSON: normalisation, labels, control step.

        Checkpoints keep it. A run goes on, and a policy is exported, only with data that give the same.
        """
        return {}

    @abstractmethod
    def export(self, model: nn.Module, data: TrainingData, folder: Path) -> None:
        """Write what a policy needs to `folder`: `policy.json` and `model.safetensors`."""
