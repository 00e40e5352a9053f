"""RoboMimic HDF5 (robomimic.github.io/docs/datasets/overview.html), also written by robosuite, MimicGen and EgoMimic.

`data` with the attribute `env_args` (JSON), and below it one group a demonstration: `actions` (T, A), `obs/NAME`, each
(T, n) numbers or (T, H, W, 3) uint8 RGB, optional `rewards` and `dones` (T,). `mask/NAME` lists the demonstrations of a
split. Names and conventions inside (robosuite: quaternions (x, y, z, w)) are kept as recorded.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from understudy.episodes.features import Feature, scalar, vector
from understudy.episodes.importers import hdf5_file
from understudy.episodes.importers.image_file import video_feature
from understudy.episodes.importers.source import Source, SourceEpisode
from understudy.errors import UnderstudyError

__all__ = ["open_robomimic"]

DEFAULT_FPS = 20.0
"""robosuite's control frequency, where `env_args` states none [1/s]."""
_STATE = ("robot0_eef_pos", "robot0_eef_quat", "robot0_gripper_qpos")
"""What RoboMimic's own low-dimensional policies see of the robot; `observation.state` where all are there."""
_IMAGE, _NUMBERS = "observation.images.", "observation."


def open_robomimic(path: Path) -> Source:
    """A file with at least one demonstration that has observations."""
    with hdf5_file.opened(path) as file:
        data = file.get("data")
        names = sorted((name for name in data if re.fullmatch(r"demo_\d+", name)), key=_number) if data else []
        if not names:
            raise UnderstudyError(f"{path}: no group 'data/demo_N', as every RoboMimic file has")
        arguments = _json_attribute(path, data, "env_args")
        splits = {demo: split for split, demos in _splits(file).items() for demo in demos}
        features = _features(path, data[names[0]])
    settings = arguments.get("env_kwargs", {})
    robots = settings.get("robots") or "unknown"
    robot = robots if isinstance(robots, str) else "+".join(map(str, robots))
    episodes = (_episode(path, name, features, str(arguments.get("env_name") or path.stem), splits) for name in names)
    return Source(float(settings.get("control_freq") or DEFAULT_FPS), robot, features, len(names), episodes)


def _features(path: Path, demo: Any) -> dict[str, Feature]:  # noqa: ANN401 - h5py is optional
    observed = demo.get("obs")
    if not observed:
        raise UnderstudyError(
            f"{path}: no observations in {demo.name!r}; extract them first with robomimic's dataset_states_to_obs.py"
        )
    actions = hdf5_file.dataset(path, demo, "actions", 2)
    features = {"action": _numbered("a", actions.shape[1])}
    for key, values in observed.items():
        if values.ndim == 4 and values.shape[3] == 3 and values.dtype == np.uint8:
            features[_IMAGE + key] = video_feature(*values.shape[1:3])
        elif values.ndim == 2:
            features[_NUMBERS + key] = _numbered(f"{key}_", values.shape[1])
    if all(_NUMBERS + key in features for key in _STATE):
        features["observation.state"] = _numbered("s", sum(features[_NUMBERS + key].shape[0] for key in _STATE))
    if "rewards" in demo:
        features["next.reward"] = scalar("float32")
    if "dones" in demo:
        features["next.done"] = scalar("bool")
    return features


def _episode(path: Path, name: str, features: dict[str, Feature], task: str, splits: dict[str, str]) -> SourceEpisode:
    with hdf5_file.opened(path) as file:
        demo = file["data"][name]
        columns = dict(_columns(path, demo, features))
        language = _json_attribute(path, demo, "ep_meta").get("lang")
    videos = {
        feature: hdf5_file.frames(path, f"data/{name}/obs/{feature.removeprefix(_IMAGE)}")
        for feature in features
        if feature.startswith(_IMAGE)
    }
    metadata = {"source": f"{path}:{name}", "format": "robomimic", "split": splits.get(name)}
    return SourceEpisode(columns, videos, str(language or task), metadata)


def _columns(path: Path, demo: Any, features: dict[str, Feature]) -> Iterator[tuple[str, np.ndarray]]:  # noqa: ANN401
    actions = hdf5_file.numbers(path, demo, "actions", 2)
    length = len(actions)
    yield "action", actions
    if "next.reward" in features:
        yield "next.reward", hdf5_file.numbers(path, demo, "rewards", 1, length)
    if "next.done" in features:
        yield "next.done", hdf5_file.numbers(path, demo, "dones", 1, length) > 0
    observed = demo.get("obs") or {}
    if "observation.state" in features:
        parts = [hdf5_file.numbers(path, observed, key, 2, length) for key in _STATE]
        yield "observation.state", np.concatenate(parts, axis=1)
    for feature in features:
        key = feature.removeprefix(_NUMBERS)
        if feature.startswith(_NUMBERS) and not feature.startswith(_IMAGE) and feature != "observation.state":
            yield feature, hdf5_file.numbers(path, observed, key, 2, length)


def _splits(file: Any) -> dict[str, list[str]]:  # noqa: ANN401
    """`train` and `valid` of the group `mask`; its other filters (20_percent, ...) are no splits."""
    mask = file.get("mask") or {}
    return {split: [name.decode() for name in mask[split][:]] for split in ("train", "valid") if split in mask}


def _json_attribute(path: Path, group: Any, name: str) -> dict:  # noqa: ANN401
    text = group.attrs.get(name, "{}")
    try:
        content = json.loads(text)
    except (TypeError, ValueError) as error:
        raise UnderstudyError(f"{path}: attribute {name!r} of {group.name!r} is no JSON: {error}") from error
    return content if isinstance(content, dict) else {}


def _numbered(prefix: str, count: int) -> Feature:
    return vector(tuple(f"{prefix}{i}" for i in range(count)))


def _number(name: str) -> int:
    return int(name.removeprefix("demo_"))
