"""Where a run computes: device, processes, precision and threads, set for its time and put back after it."""

import atexit
import os
import resource
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from understudy.errors import UnderstudyError
from understudy.methods.experiment import Precision

__all__ = ["open_accelerator", "peak_memory_mb", "torch_threads"]


def peak_memory_mb(device: torch.device) -> float:
    """Most memory that this process (or, on a GPU, its tensors) held [MB]."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


@contextmanager
def open_accelerator(precision: Precision, compiled: bool = False) -> Iterator[Accelerator]:
    """Device, processes and mixed precision, for the time of a run; another run may then want another precision.

    Args:
        precision: of the forward pass.
        compiled: what is prepared with it goes through torch.compile.

    Raises:
        UnderstudyError: fp16 without a GPU; compilation for the CPU without a C++ compiler.
    """
    if precision == "fp16" and not torch.cuda.is_available():
        raise UnderstudyError("precision fp16 needs a GPU; on the CPU use bf16 or no")
    if compiled and not torch.cuda.is_available() and not _has_cpp_compiler():
        raise UnderstudyError("--compile needs a C++ compiler (g++ or clang++) where there is no GPU; none was found")
    accelerator = Accelerator(
        mixed_precision=precision, cpu=not torch.cuda.is_available(), dynamo_backend="inductor" if compiled else "no"
    )
    try:
        with _deterministic(accelerator.device):
            yield accelerator
    finally:
        if accelerator.num_processes == 1:
            AcceleratorState._reset_state(reset_partial_state=True)
        else:  # a group that is closed and opened again meets its own remains at the same address
            atexit.register(accelerator.end_training)


def _has_cpp_compiler() -> bool:
    return any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++"))


@contextmanager
def _deterministic(device: torch.device) -> Iterator[None]:
    """On the CPU, ask for algorithms that always add in the same order; on a GPU they would cost time."""
    if device.type != "cpu":
        yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    fill = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined, unused-ignore]
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined, unused-ignore]
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.utils.deterministic.fill_uninitialized_memory = fill  # type: ignore[attr-defined, unused-ignore]


@contextmanager
def torch_threads(number: int | None) -> Iterator[None]:
    """Let torch use that many threads on the CPU for a while; None leaves it as it is."""
    before = torch.get_num_threads()
    if number is not None:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
