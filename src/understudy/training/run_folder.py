"""The folder of a run: what it is of (run.json), one writer at a time, and whether it may go on.

RUN/run.json        experiment, settings, command, commit, machine; seconds, throughput, memory, last losses
RUN/log.jsonl       the losses of every step
RUN/checkpoints/    the newest few
RUN/tensorboard/
RUN/policy/         the exported policy
"""

import copy
import dataclasses
import fcntl
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from understudy.errors import UnderstudyError
from understudy.files import write_text
from understudy.methods.experiment import Experiment, TrainingData

__all__ = [
    "RunFolder",
    "data_state",
    "experiment_config",
    "refuse_other_data",
    "refuse_other_settings",
    "with_overrides",
]

_MAY_DIFFER = ("data", "num_workers", "sampling_steps")
"""Settings that do not change what is learned: a moved data set (`refuse_other_data`), who prepares the samples, what
is said of the exported video model."""

_CAME_LATER: Mapping[str, Any] = {
    "changes": [],
    "scene_arithmetic": 0.0,
    "painted_robot": 0.0,
    "by_clock": False,
    "linear_plan": False,
    "model.clocked": 0.0,
    "model.linear_skills": 0,
    "model.linear_components": 0,
    "model.things": 0,
    "model.diffusion.prediction": "edm",
    "acted.things": 0,
    "clips.weights": [],
    "start": None,
    "losses.path_shift_m": 0.0,
    "losses.position_unit_m": 0.0,
}
"""Settings, by dotted name, that the records of older runs do not hold, and what they were then."""


def experiment_config(experiment: Experiment) -> dict[str, Any]:
    """All settings of an experiment as JSON holds them."""
    config: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(experiment), default=str))
    return config


def with_overrides(
    experiment: Experiment, given: Mapping[str, Any], recorded: Mapping[str, Any] | None = None
) -> Experiment:
    """Replace the fields that were given; where None was, by what the run that goes on was begun with.

    Args:
        experiment: as it is registered.
        given: field -> value, or None for "as it was".
        recorded: settings of the run that is to go on, as `run.json` holds them; None for a new run.
    """
    values = dict(given)
    for name in [name for name, value in given.items() if value is None]:
        value = (recorded or {}).get(name)
        own = getattr(experiment, name)
        values[name] = own if value is None else _like(own, value)
    return dataclasses.replace(experiment, **values)


def _like(own: Any, value: Any) -> Any:  # noqa: ANN401 (whatever type a field has)
    """A value that JSON has held, in the type of the field's own; of a tuple, its first says of what."""
    if isinstance(own, tuple):
        return tuple(type(own[0])(entry) for entry in value)
    return type(own)(value)


class RunFolder:
    """Paths and record of one run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.checkpoints = root / "checkpoints"
        self.log = root / "log.jsonl"
        self.tensorboard = root / "tensorboard"
        self.policy = root / "policy"

    def read_record(self) -> dict[str, Any] | None:
        """What `run.json` says; None if there is none."""
        path = self.root / "run.json"
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            return {**record, "config": dict(record["config"]), "status": str(record["status"])}
        except FileNotFoundError:
            return None
        except NotADirectoryError as error:
            raise UnderstudyError(f"{path}: cannot be written: {error.strerror}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise UnderstudyError(f"{path}: not the record of a run ({error}); choose another folder") from error

    def write_record(self, record: dict[str, Any]) -> None:
        """Write `run.json`."""
        write_text(self.root / "run.json", json.dumps(record, indent=1, ensure_ascii=False) + "\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Claim the folder for this process.

        Raises:
            UnderstudyError: another process trains here, or the folder cannot be written.
        """
        with ExitStack() as stack:
            try:
                self.root.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context((self.root / ".lock").open("a"))
            except OSError as error:
                raise UnderstudyError(f"{self.root}: cannot be written: {error.strerror}") from error
            try:
                # A lock of this kind ends with its process and is not inherited by those that prepare samples.
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise UnderstudyError(f"{self.root}: another process is training in this folder") from error
            yield


def refuse_other_settings(
    root: Path, was: Mapping[str, Any], now: Mapping[str, Any], also: Collection[str] = ()
) -> None:
    """Compare the settings that a run was made with to those that it is to go on with; those in `also` may differ.

    Raises:
        UnderstudyError: they differ in something that changes what is learned; all such fields are named.
    """
    was = _with_what_came_later(was, now)
    names = [name for name in {**was, **now} if name not in {*_MAY_DIFFER, *also} and was.get(name) != now.get(name)]
    if names:
        changes = ", ".join(f"{name} {was.get(name)!r} (now {now.get(name)!r})" for name in names)
        raise UnderstudyError(f"{root}: this run was made with {changes}; go on with the same or choose another --out")


def _with_what_came_later(was: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What an older run had of the settings that runs of its kind have now."""
    filled = copy.deepcopy(dict(was))
    for name, value in _CAME_LATER.items():
        *outer, last = name.split(".")
        then: Any = filled
        here: Any = now
        for part in outer:
            then, here = (some.get(part) if isinstance(some, Mapping) else None for some in (then, here))
        if isinstance(then, dict) and isinstance(here, Mapping) and last in here:
            then.setdefault(last, value)
    return filled


def data_state(experiment: Experiment, data: TrainingData) -> dict[str, Any]:
    """What a checkpoint keeps of the data: how many samples, and what was fitted to them."""
    state: dict[str, Any] = json.loads(json.dumps({"num_samples": len(data), "fitted": experiment.fitted(data)}))
    return state


def refuse_other_data(root: Path, experiment: Experiment, was: Mapping[str, Any], data: TrainingData) -> None:
    """Compare the data that a run was made with to those that are there now.

    Args:
        root: folder of the run, for the error.
        experiment: says where the data are.
        was: state of the checkpoint, with what `data_state` gave.
        data: those that are there now.

    Raises:
        UnderstudyError: another number of samples, another normalisation, say, or another policy to go on from; the
            differing fields are named.
    """
    now = data_state(experiment, data)
    where = ", ".join(map(str, experiment.data))
    if was["num_samples"] != now["num_samples"]:
        raise UnderstudyError(
            f"{root}: this run was made with {was['num_samples']} samples, and {where} has"
            f" {now['num_samples']}: give the same data with --data"
        )
    # The first checkpoints of this format kept the number of samples alone.
    before, present = was.get("fitted", now["fitted"]), now["fitted"]
    names = [name for name in {**before, **present} if before.get(name) != present.get(name)]
    folders = [
        f"{name} {getattr(experiment, name)}" for name in names if isinstance(getattr(experiment, name, None), Path)
    ]
    if folders:
        raise UnderstudyError(f"{root}: {', '.join(folders)}: not what this run was made with: put that back there")
    if names:
        raise UnderstudyError(
            f"{root}: this run was made with data of another {', '.join(names)} than {where} has:"
            " give the same data with --data"
        )
