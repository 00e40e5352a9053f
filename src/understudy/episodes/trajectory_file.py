"""A `RobotTrajectory` on disk: one npz of plain arrays and words, whole or not there at all."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from understudy.errors import UnderstudyError
from understudy.files import replacing
from understudy.records import RobotTrajectory

__all__ = ["load_trajectory", "save_trajectory"]

_FORMAT = "understudy robot trajectory 1"
_ARRAYS = ("time_s", "joints", "actions", "residual_m", "status")
_WORDS = ("joint_names", "notes")


def save_trajectory(path: Path, trajectory: RobotTrajectory) -> None:
    """Write a trajectory; `path` appears only when it is complete."""
    content = {name: getattr(trajectory, name) for name in _ARRAYS}
    content |= {name: np.array(getattr(trajectory, name), dtype=np.str_) for name in _WORDS}
    content |= {"format": np.array(_FORMAT), "robot": np.array(trajectory.robot)}
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **content)


def load_trajectory(path: Path) -> RobotTrajectory:
    """Read a trajectory that `save_trajectory` wrote.

    Raises:
        UnderstudyError: no such file, or another format.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            content = {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise UnderstudyError(f"{path}: no such file") from error
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise UnderstudyError(f"{path}: not a robot trajectory: it is no npz file of plain arrays") from error
    if str(content.get("format")) != _FORMAT or not {*_ARRAYS, *_WORDS, "robot"} <= content.keys():
        raise UnderstudyError(f"{path}: not a robot trajectory: its 'format' is not {_FORMAT!r}, or arrays are missing")
    return RobotTrajectory(
        robot=str(content["robot"]),
        joint_names=tuple(content["joint_names"].tolist()),
        notes=tuple(content["notes"].tolist()),
        **{name: content[name] for name in _ARRAYS},
    )
