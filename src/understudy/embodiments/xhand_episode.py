"""Recorded episodes of the real xArm with an XHand (roboterax/video-prediction-policy, MIT): read, measure, replay.

`annotation.json` holds `states` and `actions`, (T, 19) at 10 Hz: position 3 [m], quaternion 4 (x, y, z, w), 12 finger
joints [rad] in the order of `XHAND_JOINTS`. What the numbers mean was found by fitting one pinhole camera an episode to
39 knuckles and fingertips marked by hand in nine frames (docs/embodiments.md): with the quaternion read as (x, y, z, w)
and the rotation as that of the wrist frame of eq. 9-11 the fit leaves 2.1 px of 256; other readings leave 4 to 20 px.
The recorded point lies 62 mm ahead of the hand's base along x, in the palm.

`python -m understudy.embodiments.xhand_episode EPISODE_DIR --out DIR` writes replay.mp4 and statistics.json.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from understudy.embodiments.xhand import XHAND_JOINTS
from understudy.errors import UnderstudyError
from understudy.geometry.rotations import continuous_quaternions, matrix_from_quaternion
from understudy.geometry.transforms import make_transform

__all__ = ["FPS", "XHandEpisode", "hand_base", "read_xhand_episode"]

FPS = 10.0
"""Rate of the recordings [1/s]."""
_SIZE = 7 + len(XHAND_JOINTS)
_BASE_IN_RECORDED_M = np.array([-0.062, 0.0, 0.0])
"""Our wrist site (the hand's base) in the recorded frame; with y and z free as well the fit is no better."""


@dataclass(frozen=True)
class XHandEpisode:
    """One recorded episode, T steps, in this project's conventions."""

    folder: Path
    episode_id: int
    instruction: str
    T_base_recorded: Float[np.ndarray, "T 4 4"]
    """Recorded pose: axes of the wrist frame of eq. 9-11, origin in the palm [m]."""
    joints: Float[np.ndarray, "T 12"]
    """Measured finger joints [rad]."""
    T_base_recorded_action: Float[np.ndarray, "T 4 4"]
    """Commanded pose."""
    joint_actions: Float[np.ndarray, "T 12"]
    """Commanded finger joints [rad]."""
    opposite_hemispheres: float
    """Share of steps whose state and action quaternions, as stored, lie in opposite hemispheres."""

    @property
    def num_steps(self) -> int:
        """T."""
        return len(self.joints)


def read_xhand_episode(folder: Path) -> XHandEpisode:
    """Read `annotation.json` of one episode.

    Raises:
        UnderstudyError: the file is missing, is no JSON, or lacks (T, 19) states and actions.
    """
    path = folder / "annotation.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnderstudyError(f"{path}: {error.strerror}; an XHand episode is a folder with annotation.json") from error
    except json.JSONDecodeError as error:
        raise UnderstudyError(f"{path}: no JSON: {error}") from error
    states, actions = (_table(path, content, key) for key in ("states", "actions"))
    if states.shape != actions.shape:
        raise UnderstudyError(f"{path}: {len(states)} states but {len(actions)} actions")
    return XHandEpisode(
        folder=folder,
        episode_id=int(content.get("episode_id", -1)),
        instruction=str((content.get("texts") or [""])[0]),
        T_base_recorded=_poses(states),
        joints=states[:, 7:],
        T_base_recorded_action=_poses(actions),
        joint_actions=actions[:, 7:],
        opposite_hemispheres=float(np.mean(np.sum(states[:, 3:7] * actions[:, 3:7], axis=1) < 0)),
    )


def hand_base(T_base_recorded: Float[np.ndarray, "*B 4 4"]) -> Float[np.ndarray, "*B 4 4"]:
    """T_base_wrist of our wrist site: 62 mm behind the recorded point, same axes."""
    R, p = T_base_recorded[..., :3, :3], T_base_recorded[..., :3, 3]
    return make_transform(R, p + R @ _BASE_IN_RECORDED_M)


def _table(path: Path, content: dict[str, Any], key: str) -> Float[np.ndarray, "T 19"]:
    table = np.array(content.get(key, []), dtype=float)
    if table.ndim != 2 or table.shape[1] != _SIZE or len(table) == 0:
        raise UnderstudyError(f"{path}: {key!r} has shape {table.shape}: an XHand episode has (T, {_SIZE})")
    if not np.isfinite(table).all() or (np.linalg.norm(table[:, 3:7], axis=1) < 0.5).any():
        raise UnderstudyError(f"{path}: {key!r} holds values that are not finite, or quaternions of length zero")
    return table


def _poses(table: Float[np.ndarray, "T 19"]) -> Float[np.ndarray, "T 4 4"]:
    quaternions = continuous_quaternions(table[:, [6, 3, 4, 5]])  # stored as (x, y, z, w)
    return make_transform(matrix_from_quaternion(quaternions), table[:, :3])


if __name__ == "__main__":
    from understudy.embodiments.xhand_replay import write_replay

    parser = argparse.ArgumentParser(description="Replay recorded XHand episodes beside their video.")
    parser.add_argument(
        "episodes", type=Path, nargs="+", metavar="EPISODE_DIR", help="has annotation.json, camera_0.mp4"
    )
    parser.add_argument("--out", type=Path, required=True, help="gets statistics.json and EPISODE_DIR/replay.mp4")
    arguments = parser.parse_args()
    try:
        write_replay(arguments.episodes, arguments.out)
    except UnderstudyError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
