"""From a checkpoint to a policy folder: the averaged weights, in the form that the method's policy reads."""

import shutil
from pathlib import Path

from torch import nn

from understudy.errors import UnderstudyError
from understudy.methods.experiment import Experiment, TrainingData
from understudy.training.checkpoint import checkpoint_paths, load_checkpoint
from understudy.training.learner import copy_tensors, model_tensors
from understudy.training.run_folder import RunFolder, experiment_config, refuse_other_data, refuse_other_settings

__all__ = ["export_policy", "write_policy"]


def export_policy(experiment: Experiment, out: Path, *, step: int | None = None) -> Path:
    """Export the policy of a checkpoint of the run in `out`: the newest, or the one after `step` steps.

    Returns the policy's folder, `out/policy`; a policy that was there is replaced.

    Raises:
        UnderstudyError: there is no such checkpoint, or it is of another experiment or made with other data, whose
            normalisation would not be that of the weights.
    """
    folder = RunFolder(out)
    paths = {int(path.stem.removeprefix("step_")): path for path in checkpoint_paths(folder.checkpoints)}
    if not paths:
        raise UnderstudyError(f"{folder.checkpoints}: no checkpoint to export")
    if step is not None and step not in paths:
        raise UnderstudyError(f"{folder.checkpoints}: no checkpoint of step {step}: there are {sorted(paths)}")
    checkpoint = load_checkpoint(paths[max(paths) if step is None else step])
    was, now = checkpoint.state["config"], experiment_config(experiment)
    refuse_other_settings(out, {name: was[name] for name in now if name in was}, now, also=("num_steps",))
    data = experiment.make_data()
    refuse_other_data(out, experiment, checkpoint.state, data)
    model = experiment.make_model(data)
    copy_tensors(model_tensors(model), checkpoint.tensors, "model.")
    averages = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    copy_tensors(averages, checkpoint.tensors, "ema.")
    write_policy(experiment, model, data, folder.policy)
    return folder.policy


def write_policy(experiment: Experiment, model: nn.Module, data: TrainingData, folder: Path) -> None:
    """Let the experiment export `model`, as it is, to `folder`, which appears whole or not at all.

    Raises:
        UnderstudyError: the folder cannot be written.
    """
    part = folder.with_name(f".{folder.name}.part")
    was_training = model.training
    model.eval()
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        experiment.export(model, data, part)
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    except OSError as error:
        raise UnderstudyError(f"{folder}: cannot be written: {error.strerror or error}") from error
    finally:
        model.train(was_training)
        shutil.rmtree(part, ignore_errors=True)
