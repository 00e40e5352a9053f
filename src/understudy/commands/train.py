"""`understudy train`: an experiment's data in, a policy out."""

from pathlib import Path

import tyro

__all__ = ["run"]

EXIT_STOPPED = 128
"""Plus the number of the signal, as shells count: 130 for Ctrl-C, 143 for SIGTERM."""


def run(
    experiment: tyro.conf.Positional[str],
    out: Path | None = None,
    data: tuple[Path, ...] = (),
    set: tyro.conf.UseAppendAction[tuple[str, ...]] = (),
    steps: int | None = None,
    minutes: float | None = None,
    seed: int | None = None,
    resume: bool = False,
    export_only: bool = False,
    checkpoint: int | None = None,
    threads: int | None = None,
    workers: int | None = None,
    save_minutes: float = 5.0,
    keep: int = 2,
    wandb: bool = False,
    compile: bool = False,
) -> int:
    """Train an experiment: losses, checkpoints and a record of the run go to a folder, and the policy to its `policy/`.

    Ctrl-C and SIGTERM leave a checkpoint; --resume goes on from it as if nothing had happened, with the settings that
    the run was begun with. A finished run is left as it is. In several processes:
    torchrun --nproc-per-node 2 -m understudy.commands train ...

    Examples:
      understudy list experiments
      understudy train dp_language_tabletop_debug --data data/tabletop
      understudy train dp_language_tabletop_tiny --minutes 15 --seed 1 --out runs/dp_1
      understudy train dp_language_tabletop_tiny --set batch_size=32 --set learning_rate=3e-4 --out runs/dp_2
      understudy train dp_language_tabletop_tiny --out runs/dp_1 --resume

    Args:
        experiment: A name of `understudy list experiments`.
        out: Folder of the run; runs/EXPERIMENT by default.
        data: Folders of recordings, learned from together; the experiment's own by default. FOLDER@push is one task of
            it, FOLDER@push:40 the first 40 episodes of that, FOLDER/human_hand what people did alone.
        set: NAME=VALUE, any setting of the experiment; dots lead into nested ones. May be given several times.
        steps: Optimiser steps, in place of the experiment's.
        minutes: Training time in place of a number of steps; the learning rate then follows the clock.
        seed: Of the first weights, the order of samples and the noise; the experiment's own by default.
        resume: Go on from the newest checkpoint; where there is none, begin.
        export_only: Train nothing; write the policy of a checkpoint.
        checkpoint: Which checkpoint to export, by its step; the newest by default.
        threads: Threads on the CPU; what torch chooses by default.
        workers: Processes that prepare samples, the experiment's own number by default; 0 prepares them in the
            training process.
        save_minutes: Minutes between two checkpoints.
        keep: How many of the newest checkpoints stay.
        compile: Compile the network first (minutes), then save a tenth to a quarter of each step on a CPU. Needs a GPU
            or a C++ compiler. A resumed run is compiled if it was.
        wandb: Log to Weights & Biases, too; TensorBoard is always written.
    """
    import sys

    from understudy.commands.learned import require_learn_extra

    require_learn_extra()
    from understudy.methods.experiments import get_experiment
    from understudy.methods.settings import with_settings
    from understudy.training import TrainingStopped, export_policy, train
    from understudy.training.run_folder import RunFolder, with_overrides

    registered = get_experiment(experiment)
    out = Path("runs") / experiment if out is None else out
    record = RunFolder(out).read_record() if resume or export_only else None
    changes = set or (record or {"config": {}})["config"].get("changes", ())
    given = {"data": data or None, "seed": seed, "num_workers": workers}
    chosen = with_overrides(with_settings(registered, changes), given, record and record["config"])
    if export_only:
        print(f"see {export_policy(chosen, out, step=checkpoint)}")
        return 0
    try:
        train(
            chosen,
            out,
            resume=resume,
            steps=steps,
            minutes=minutes,
            threads=threads,
            save_minutes=save_minutes,
            keep=keep,
            wandb=wandb,
            compiled=compile or None,
        )
    except TrainingStopped as stop:
        print(f"understudy train: {stop}", file=sys.stderr)
        return EXIT_STOPPED + stop.signal
    return 0
