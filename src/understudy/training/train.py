"""Train an experiment: the one function behind `understudy train`.

All chance is a function of (seed, step, sample), see `randomness.py`: a run that was stopped and goes on, on the CPU
with the same number of threads, gives the same bits as one that never stopped.
"""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from understudy.errors import UnderstudyError
from understudy.methods.experiment import Experiment
from understudy.training.checkpoint import checkpoint_paths, remove_parts
from understudy.training.devices import open_accelerator, torch_threads
from understudy.training.progress import RunProgress
from understudy.training.run_folder import RunFolder, experiment_config, refuse_other_settings
from understudy.training.session import Options, Session, finished_line

__all__ = ["train"]


def train(
    experiment: Experiment,
    out: Path,
    *,
    resume: bool = False,
    steps: int | None = None,
    minutes: float | None = None,
    threads: int | None = None,
    save_steps: int | None = None,
    save_minutes: float = 5.0,
    keep: int = 2,
    tensorboard: bool = True,
    wandb: bool = False,
    compiled: bool | None = None,
    command: str | None = None,
) -> dict[str, Any]:
    """Train, leave checkpoints, logs and `policy/` in `out`, and return the record of the run (`run.json`).

    In several processes (torchrun, accelerate launch) all call this alike; the first one writes.

    Args:
        experiment: data, model, loss and settings.
        out: folder of the run; made if need be.
        resume: go on from the newest checkpoint; where there is none, begin.
        steps: optimiser steps in place of the experiment's.
        minutes: training time in place of a number of steps: the learning rate follows the clock; `steps` then only
            ends the run earlier.
        threads: threads of torch on the CPU; its own choice by default, or what a resumed run was begun with.
        save_steps: steps between checkpoints, beside those by the clock.
        save_minutes: minutes between checkpoints.
        keep: newest checkpoints that stay.
        tensorboard: write `out/tensorboard`.
        wandb: also log to Weights & Biases.
        compiled: put the loss through torch.compile: the first step takes a minute or minutes, the others less time;
            sums may round differently. By default not, or as a resumed run was begun.
        command: for the record; this process's command line by default.

    Raises:
        TrainingStopped: Ctrl-C or SIGTERM; a checkpoint was written.
        UnderstudyError: the folder holds another run, cannot be written, or the loss is no longer finite.
    """
    folder = RunFolder(out)
    record = folder.read_record()
    if compiled is None:
        compiled = resume and record is not None and record.get("compiled", False)
    command = command or " ".join(["understudy", *sys.argv[1:]])
    options = Options(save_steps, save_minutes * 60.0, keep, tensorboard, wandb, compiled, command)
    with open_accelerator(experiment.precision, compiled) as accelerator, ExitStack() as stack:
        if record is not None and resume:
            if steps is None and minutes is None:
                steps, minutes = record["config"]["num_steps"], record["config"]["minutes"]
            threads = record["threads"] if threads is None else threads
        num_steps = experiment.num_steps if steps is None and minutes is None else steps
        config = experiment_config(experiment) | {"num_steps": num_steps, "minutes": minutes}
        config["processes"] = accelerator.num_processes
        if record is not None and record["status"] == "finished":
            refuse_other_settings(out, record["config"], config)
            RunProgress(experiment.name, accelerator.is_main_process).say(finished_line(experiment.name, out, record))
            return record
        if not resume and checkpoint_paths(folder.checkpoints):
            raise UnderstudyError(f"{out}: holds an unfinished run: --resume goes on with it, or choose another --out")
        accelerator.wait_for_everyone()  # each process has seen what there was before the first one writes
        stack.enter_context(torch_threads(threads))
        if accelerator.is_main_process:
            stack.enter_context(folder.locked())
            remove_parts(folder.checkpoints)
        return Session(experiment, folder, accelerator, config, options).go(stack)
