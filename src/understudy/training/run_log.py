"""The losses of a run: every step in log.jsonl, their means in TensorBoard and, if wanted, Weights & Biases."""

import json
import math
import os
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from understudy.errors import UnderstudyError
from understudy.files import write_text

__all__ = ["RunLog", "last_means"]

_NO_RESULT = ("step", "seconds", "learning_rate")
_FLUSH_S = 1.0
"""Between two flushes nothing waits for the accelerator."""


class RunLog:
    """Collects scalars as they are on the device, and writes them about once a second."""

    def __init__(
        self,
        path: Path,
        step: int,
        *,
        tensorboard: Path | None = None,
        wandb: dict[str, Any] | None = None,
        scaled: bool = False,
    ) -> None:
        """Go on after `step` steps: later lines are of a past that was lost and are dropped.

        Args:
            path: log.jsonl.
            step: steps done.
            tensorboard: its folder; None for none.
            wandb: what `wandb.init` takes; None for none.
            scaled: the loss is scaled for fp16, which finds its scale by gradients that are not finite.
        """
        self._path = path
        _keep_lines(path, step)
        self._file = path.open("a", encoding="utf-8")
        self._finite = ("loss",) if scaled else ("loss", "grad_norm")
        self._waiting: list[tuple[int, float, float, dict[str, Tensor]]] = []
        self._flushed_s = time.perf_counter()
        self.last: dict[str, float] = {}
        """Means over the steps of the last flush."""
        self._tensorboard: Any = None
        if tensorboard is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._tensorboard = SummaryWriter(str(tensorboard), purge_step=step + 1)  # type: ignore[no-untyped-call, unused-ignore]
        self._wandb = None if wandb is None else _start_wandb(wandb)

    def add(self, step: int, elapsed_s: float, rate: float, scalars: dict[str, Tensor]) -> bool:
        """Note step `step` (counted from 1); true when this wrote."""
        self._waiting.append((step, elapsed_s, rate, scalars))
        if time.perf_counter() - self._flushed_s < _FLUSH_S:
            return False
        self.flush()
        return True

    def flush(self, *, sync: bool = False) -> None:
        """Write what waits; with `sync` it is on the disk when this returns.

        Raises:
            UnderstudyError: the loss or its gradient is no longer finite, or the disk is full.
        """
        self._flushed_s = time.perf_counter()
        if self._waiting:
            self._write()
        if sync:
            os.fsync(self._file.fileno())

    def _write(self) -> None:
        # One transfer from the device for all of it.
        values = torch.stack([value.float() for entry in self._waiting for value in entry[3].values()]).tolist()
        lines, position = [], 0
        for step, elapsed_s, rate, scalars in self._waiting:
            named = dict(zip(scalars, values[position : position + len(scalars)], strict=True))
            position += len(scalars)
            self._check_finite(step, named)
            lines.append({"step": step, **named, "learning_rate": rate, "seconds": round(elapsed_s, 3)})
        self._waiting.clear()
        try:
            self._file.writelines(json.dumps(line, allow_nan=True) + "\n" for line in lines)
            self._file.flush()
        except OSError as error:
            raise UnderstudyError(f"{self._path}: cannot be written: {error.strerror}") from error
        self._publish(lines)

    def _check_finite(self, step: int, scalars: dict[str, float]) -> None:
        for name in self._finite:
            if not math.isfinite(scalars.get(name, 0.0)):
                raise UnderstudyError(f"{name} is {scalars[name]} at step {step}: try a lower learning rate")

    def _publish(self, lines: list[dict[str, Any]]) -> None:
        names = [name for name in lines[-1] if name != "step"]
        self.last = {name: sum(line[name] for line in lines) / len(lines) for name in names}
        step = int(lines[-1]["step"])
        if self._tensorboard is not None:
            for name in names:
                self._tensorboard.add_scalar(name, self.last[name], step)
        if self._wandb is not None:
            self._wandb.log(self.last, step=step)

    def close(self) -> None:
        """End; what waits and was not flushed is dropped."""
        self._file.close()
        if self._tensorboard is not None:
            self._tensorboard.close()
        if self._wandb is not None:
            self._wandb.finish()


def last_means(path: Path, num_steps: int) -> dict[str, float]:
    """Mean of every scalar over the last `num_steps` steps of a log; empty if there is none."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[-num_steps:]]
    names = [name for name in lines[-1] if name not in _NO_RESULT] if lines else []
    return {name: sum(line[name] for line in lines) / len(lines) for name in names}


def _keep_lines(path: Path, step: int) -> None:
    """Drop every line after `step`, and a last one that was cut off."""
    if not path.exists():
        write_text(path, "")
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if not line.endswith("\n") or _step_of(line) > step:
            break
        kept.append(line)
    write_text(path, "".join(kept))


def _step_of(line: str) -> float:
    """The step of a line; infinite where a power cut left something else."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, TypeError, KeyError):
        return math.inf


def _start_wandb(settings: dict[str, Any]) -> Any:  # noqa: ANN401 - the module brings no types
    try:
        import wandb
    except ImportError as error:
        raise UnderstudyError('wandb is not installed: pip install "understudy[wandb]"') from error
    return wandb.init(**settings)
