"""One session of a run: from the newest checkpoint, if there is one, to the end or a signal.

step s:  rate of the schedule -> batches of s -> loss, gradient, AdamW -> averages -> log -> perhaps a checkpoint
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from signal import Signals
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from understudy.errors import UnderstudyError
from understudy.methods.experiment import Experiment
from understudy.provenance import code_commit, machine_name
from understudy.training.batches import Sharding, Shards, batch_stream
from understudy.training.checkpoint import Checkpoint, checkpoint_paths, load_checkpoint, save_checkpoint
from understudy.training.devices import peak_memory_mb
from understudy.training.export import write_policy
from understudy.training.learner import Learner
from understudy.training.progress import RunProgress, duration
from understudy.training.randomness import Purpose, derived_seed
from understudy.training.run_folder import RunFolder, data_state, refuse_other_data, refuse_other_settings
from understudy.training.run_log import RunLog, last_means
from understudy.training.schedule import Schedule
from understudy.training.signals import StopRequest

__all__ = ["Options", "Session", "TrainingStopped", "finished_line"]

FINAL_STEPS = 100
"""The losses of a run are their means over this many last steps."""


class TrainingStopped(UnderstudyError):
    """A signal ended the run after a checkpoint; the message says how it goes on."""

    def __init__(self, message: str, signal: Signals) -> None:
        super().__init__(message)
        self.signal = signal


@dataclass(frozen=True)
class Options:
    """How a run is carried out; nothing in here changes what is learned, but for how sums round if it is compiled."""

    save_steps: int | None
    save_s: float
    keep: int
    tensorboard: bool
    wandb: bool
    compiled: bool
    command: str


class Session:
    """Everything that is open while a run is on."""

    def __init__(
        self,
        experiment: Experiment,
        folder: RunFolder,
        accelerator: Accelerator,
        config: dict[str, Any],
        options: Options,
    ) -> None:
        begun_s = time.perf_counter()
        self.experiment, self.folder, self.accelerator = experiment, folder, accelerator
        self.config, self.options = config, options
        self.is_main = accelerator.is_main_process
        sharding = Sharding(
            experiment.batch_size, experiment.accumulate, accelerator.num_processes, accelerator.process_index
        )
        with settings_named(experiment):
            with accelerator.main_process_first():  # who comes first may write a cache
                self.data = experiment.make_data()
            self.shards = Shards(self.data, experiment.seed, sharding)
            torch.manual_seed(derived_seed(experiment.seed, Purpose.INITIAL))
            self.learner = Learner(experiment, experiment.make_model(self.data), accelerator, sharding)
        minutes = config["minutes"]
        budget_s = None if minutes is None else minutes * 60.0
        self.schedule = Schedule(config["num_steps"], experiment.warmup_steps, budget_s)
        self.step, self.past_s = 0, 0.0
        self._load()
        self.first_step, self.saved_step = self.step, self.step
        self.setup_s = time.perf_counter() - begun_s
        self.started_s = self.saved_s = time.perf_counter()

    def _load(self) -> None:
        paths = checkpoint_paths(self.folder.checkpoints)
        if not paths:
            return
        checkpoint = load_checkpoint(paths[-1])
        refuse_other_settings(self.folder.root, checkpoint.state["config"], self.config)
        refuse_other_data(self.folder.root, self.experiment, checkpoint.state, self.data)
        self.learner.load(checkpoint.tensors, checkpoint.state["scaler"])
        self.step, self.past_s = checkpoint.step, checkpoint.state["elapsed_s"]

    def elapsed_s(self) -> float:
        """Training time so far [s], over all sessions, without start-up."""
        return self.past_s + time.perf_counter() - self.started_s

    def go(self, stack: ExitStack) -> dict[str, Any]:
        """Train to the end; the context is left with everything closed, whatever happens."""
        self.progress = RunProgress(self.experiment.name, self.is_main)
        stack.callback(self.progress.close)
        self.record = self._new_record() if self.is_main else {}
        self.log = self._open_log() if self.is_main else None
        if self.log is not None:
            stack.callback(self.log.close)
        self._write("running")
        if self.step:
            self.progress.say(f"{self.experiment.name}: going on after step {self.step} ({duration(self.past_s)})")
        stopped = self._loop()
        if self.step > self.saved_step:
            self._save()
        if stopped is not None:
            self._write("stopped")
            how = f"understudy train {self.experiment.name} --out {self.folder.root} --resume"
            raise TrainingStopped(f"stopped by {stopped.name} after step {self.step}; go on with: {how}", stopped)
        if self.is_main:
            with self.learner.ema.in_place():
                write_policy(self.experiment, self.learner.model, self.data, self.folder.policy)
            self._write("finished")
            self.progress.say(finished_line(self.experiment.name, self.folder.root, self.record))
        self.accelerator.wait_for_everyone()
        return self.record if self.is_main else self.folder.read_record() or {}

    def _loop(self) -> Signals | None:
        """Optimiser steps until the schedule ends, or a signal comes, which is returned."""
        batches = batch_stream(
            self.shards,
            self.step,
            self.schedule.num_steps,
            num_workers=self.experiment.num_workers,
            pin_memory=self.accelerator.device.type == "cuda",
        )
        stop: Signals | None = None
        elapsed_s = self.past_s
        with StopRequest() as request, closing(batches):
            while stop is None and not self.schedule.is_over(self.step, elapsed_s):
                factor = self.schedule.factor(self.step, elapsed_s)
                with nullcontext() if self.step else settings_named(self.experiment):
                    scalars = self._mean_of_processes(self.learner.step(batches, self.step, factor))
                self.step += 1
                elapsed_s, stop = self._agree(self.elapsed_s(), request.signal)
                if self.log is not None and self.log.add(
                    self.step, elapsed_s, factor * self.experiment.learning_rate, scalars
                ):
                    self._show(elapsed_s)
                if self._is_save_due():
                    self._save()
        return stop

    def _mean_of_processes(self, scalars: dict[str, Tensor]) -> dict[str, Tensor]:
        if self.accelerator.num_processes == 1:
            return scalars
        means = self.accelerator.reduce(torch.stack(list(scalars.values())), "mean")
        return dict(zip(scalars, means.unbind(), strict=True))

    def _agree(self, elapsed_s: float, signal: Signals | None) -> tuple[float, Signals | None]:
        """The first process's clock, and a signal if any process had one: all must leave the loop at the same step."""
        if self.accelerator.num_processes == 1:
            return elapsed_s, signal
        clock = elapsed_s if self.is_main else 0.0
        mine = [clock, float(signal == Signals.SIGINT), float(signal == Signals.SIGTERM)]
        precise = torch.float32 if self.accelerator.device.type == "mps" else torch.float64
        clock, interrupts, terminations = self.accelerator.reduce(
            torch.tensor(mine, dtype=precise, device=self.accelerator.device), "sum"
        ).tolist()
        return clock, Signals.SIGTERM if terminations else Signals.SIGINT if interrupts else None

    def _is_save_due(self) -> bool:
        by_step = self.options.save_steps is not None and self.step % self.options.save_steps == 0
        return by_step or time.perf_counter() - self.saved_s >= self.options.save_s

    def _save(self) -> None:
        """Write a checkpoint; the log is complete up to it and the loss known to be finite."""
        self.saved_step, self.saved_s = self.step, time.perf_counter()
        if self.log is None:
            return
        self.log.flush(sync=True)
        state = {
            "experiment": self.experiment.name,
            "config": self.config,
            "elapsed_s": self.elapsed_s(),
            "scaler": self.learner.scaler_state(),
            **data_state(self.experiment, self.data),
        }
        checkpoint = Checkpoint(self.step, self.learner.tensors(), state)
        save_checkpoint(self.folder.checkpoints, checkpoint, keep=self.options.keep)
        self._write("running")

    def _show(self, elapsed_s: float) -> None:
        assert self.log is not None
        step_s = (elapsed_s - self.past_s) / (self.step - self.first_step)
        done = self.schedule.share_done(self.step, elapsed_s)
        left_s = self.schedule.seconds_left(self.step, elapsed_s, step_s)
        self.progress.show(done, self.step, self.log.last["loss"], self.experiment.batch_size / step_s, left_s)

    def _open_log(self) -> RunLog:
        wandb = {
            "project": "understudy",
            "name": self.folder.root.name,
            "id": f"{self.folder.root.name}-{self.record['started']}".replace(":", ""),
            "resume": "allow",
            "dir": str(self.folder.root),
            "config": self.config,
        }
        return RunLog(
            self.folder.log,
            self.step,
            tensorboard=self.folder.tensorboard if self.options.tensorboard else None,
            wandb=wandb if self.options.wandb else None,
            scaled=self.accelerator.scaler is not None,
        )

    def _new_record(self) -> dict[str, Any]:
        before = (self.folder.read_record() or {}) if self.step else {}
        return {
            "experiment": self.experiment.name,
            "status": "running",
            "command": self.options.command,
            "commit": code_commit(),
            "machine": machine_name(),
            "device": str(self.accelerator.device),
            "threads": torch.get_num_threads(),
            "compiled": self.options.compiled,
            "torch": torch.__version__,
            "started": before.get("started", datetime.now(UTC).isoformat(timespec="seconds")),
            "sessions": before.get("sessions", 0) + 1,
            "num_parameters": self.learner.num_parameters,
            "num_samples": len(self.data),
            "setup_seconds": round(self.setup_s, 2),
            "config": self.config,
        }

    def _write(self, status: str) -> None:
        """Write `run.json` as it is now."""
        if not self.is_main:
            return
        elapsed_s = self.elapsed_s()
        samples = self.step * self.experiment.batch_size
        self.record |= {
            "status": status,
            "steps": self.step,
            "seconds": round(elapsed_s, 2),
            "samples_per_s": round(samples / elapsed_s, 2) if self.step else 0.0,
            "peak_memory_mb": round(peak_memory_mb(self.accelerator.device)),
            "final": last_means(self.folder.log, FINAL_STEPS) if self.step else {},
        }
        self.folder.write_record(self.record)


@contextmanager
def settings_named(experiment: Experiment) -> Iterator[None]:
    """Where settings were changed, a failure to build or to take the first step is told with them, in one line."""
    try:
        yield
    except (AssertionError, KeyError, IndexError, RuntimeError, TypeError, ValueError, ZeroDivisionError) as error:
        if not experiment.changes:
            raise
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        changes = " ".join(f"--set {change}" for change in experiment.changes)
        raise UnderstudyError(f"{experiment.name} does not work with {changes}: {reason}") from error


def finished_line(name: str, out: Path, record: dict[str, Any]) -> str:
    """What is said of a run at its end, and when it is started again."""
    losses = ", ".join(f"{key} {value:.4g}" for key, value in record["final"].items())
    return f"{name}: finished, {record['steps']} steps in {duration(record['seconds'])}, {losses}; see {out / 'policy'}"
