"""Bridge V2 (rail-berkeley.github.io/bridgedata): the TFDS/RLDS release, or the raw folders.

RLDS, `bridge_dataset/1.0.0/*.tfrecord*`: one Example an episode with `steps/action` (T, 7), `steps/observation/state`
(T, 7), `steps/observation/image_0` (T JPEGs, 256 px, the fixed camera over the shoulder), `steps/language_instruction`,
`episode_metadata/*`. Raw, `.../raw/traj_group*/traj*`: `obs_dict.pkl` (`full_state`, T + 1 rows), `policy_out.pkl` (T
actions), `images0/im_*.jpg` (640 x 480), `lang.txt`; read as plain data, see `plain_pickle`.
State: position [m], fixed-axis roll, pitch, yaw [rad], gripper (1 open). Action: their change, the gripper's target.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from understudy.episodes.features import Feature, vector
from understudy.episodes.importers import image_file
from understudy.episodes.importers.plain_pickle import read_plain_pickle
from understudy.episodes.importers.source import Frame, Source, SourceEpisode, natural_order
from understudy.episodes.importers.tfrecord import Values, count_records, parse_example, read_records
from understudy.errors import UnderstudyError

__all__ = ["open_bridge_v2"]

FPS = 5.0
"""Bridge's control frequency [1/s]."""
_POSE = ("x", "y", "z", "roll", "pitch", "yaw")
_IMAGE = "observation.images.front"
_CONFIDENCE = "confidence:"
"""Starts the line that annotators added to `lang.txt`."""


def open_bridge_v2(path: Path) -> Source:
    """A `.tfrecord` file, a folder with some, or a folder with raw trajectories."""
    records = [path] if path.is_file() else natural_order(path.rglob("*.tfrecord*"))
    if records:
        return _open_rlds(records)
    folders = natural_order(file.parent for file in path.rglob("obs_dict.pkl"))
    if not folders:
        raise UnderstudyError(f"{path}: neither *.tfrecord (RLDS) nor traj*/obs_dict.pkl (raw) in it")
    first = folders[0] / "images0" / "im_0.jpg"
    features = _features(image_file.image_size(first))
    return Source(FPS, "widowx", features, len(folders), (_raw_episode(folder) for folder in folders))


def _features(size: tuple[int, int]) -> dict[str, Feature]:
    return {
        "observation.state": vector((*_POSE, "gripper")),
        "action": vector((*(f"d{name}" for name in _POSE), "gripper")),
        _IMAGE: image_file.video_feature(*size),
    }


def _open_rlds(files: list[Path]) -> Source:
    first = next(read_records(files[0]), None)
    if first is None:
        raise UnderstudyError(f"{files[0]}: holds no episode")
    images = _bytes(files[0], parse_example(files[0], first), "steps/observation/image_0")
    features = _features(image_file.image_size(f"{files[0]}: 'steps/observation/image_0'", images[0]))
    episodes = (_rlds_episode(file, index, record) for file in files for index, record in enumerate(read_records(file)))
    return Source(FPS, "widowx", features, sum(map(count_records, files)), episodes)


def _rlds_episode(path: Path, index: int, record: bytes) -> SourceEpisode:
    example = parse_example(path, record)
    images = _bytes(path, example, "steps/observation/image_0")
    length = len(images)
    where = f"{path}: episode {index}: 'steps/observation/image_0'"
    columns = {
        "observation.state": _floats(path, example, "steps/observation/state", length),
        "action": _floats(path, example, "steps/action", length),
    }
    language = _bytes(path, example, "steps/language_instruction")[0].decode("utf-8", errors="replace")
    origin = example.get("episode_metadata/file_path") or [b""]
    metadata = {
        "source": f"{path}:{index}",
        "format": "bridge_v2",
        "recorded_as": bytes(origin[0]).decode("utf-8", errors="replace"),
    }
    videos = {_IMAGE: (image_file.picture(where, content) for content in images)}
    return SourceEpisode(columns, videos, language.strip() or "unlabelled", metadata)


def _raw_episode(folder: Path) -> SourceEpisode:
    observed = read_plain_pickle(folder / "obs_dict.pkl")
    given = read_plain_pickle(folder / "policy_out.pkl")
    if not isinstance(observed, Mapping) or "full_state" not in observed:
        raise UnderstudyError(f"{folder / 'obs_dict.pkl'}: no 'full_state' in it")
    if not isinstance(given, list) or not given:
        raise UnderstudyError(f"{folder / 'policy_out.pkl'}: no list of actions")
    rows = [step["actions"] if isinstance(step, Mapping) and "actions" in step else step for step in given]
    actions = _table(folder / "policy_out.pkl", "actions", rows)
    length = len(actions)
    state = _table(folder / "obs_dict.pkl", "full_state", observed["full_state"])[:length]
    if len(state) != length:
        raise UnderstudyError(f"{folder / 'obs_dict.pkl'}: 'full_state' has {len(state)} rows for {length} actions")
    columns = {"observation.state": state, "action": actions}
    metadata = {"source": str(folder), "format": "bridge_v2"}
    return SourceEpisode(columns, {_IMAGE: _pictures(folder, length)}, _label(folder), metadata)


def _pictures(folder: Path, length: int) -> Iterator[Frame]:
    return (image_file.picture(folder / "images0" / f"im_{index}.jpg") for index in range(length))


def _label(folder: Path) -> str:
    """The first line of `lang.txt`; the folder of the task where nobody wrote one."""
    path = folder / "lang.txt"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    said = [line.strip() for line in lines if line.strip() and not line.startswith(_CONFIDENCE)]
    if said:
        return said[0]
    parts = folder.parts  # .../TASK/00/2022-01-01_00-00-00/raw/traj_group0/traj0
    return parts[-6].replace("_", " ") if "raw" in parts and len(parts) >= 6 else "unlabelled"


def _bytes(path: Path, example: Mapping[str, Values], name: str) -> list[bytes]:
    values = example.get(name)
    if not isinstance(values, list) or not values:
        raise UnderstudyError(f"{path}: no {name!r} in an episode, which holds {', '.join(sorted(example))}")
    return values


def _floats(path: Path, example: Mapping[str, Values], name: str, length: int) -> np.ndarray:
    values = example.get(name)
    if not isinstance(values, np.ndarray) or values.size != 7 * length:
        found = "none" if values is None else f"{len(values)} values"
        raise UnderstudyError(f"{path}: {name!r} must have 7 numbers for each of {length} steps: {found}")
    return values.reshape(length, 7).astype(np.float64)


def _table(path: Path, name: str, rows: object) -> np.ndarray:
    try:
        table = np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UnderstudyError(f"{path}: {name!r} is no table of numbers") from error
    if table.ndim != 2 or table.shape[1] != 7:
        raise UnderstudyError(f"{path}: {name!r} has shape {table.shape}: Bridge V2 has (T, 7)")
    return table
