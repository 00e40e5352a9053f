"""XHand episodes as Video Prediction Policy publishes them: a folder with `annotation.json` and `camera_*.mp4`, 10 Hz.

State and action become this project's `xarm7_xhand` action: pose of the hand's base in the arm's base frame, quaternion
(w, x, y, z) in one hemisphere, twelve finger joints; see `embodiments/xhand_episode.py` for what the numbers mean.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from understudy.embodiments import get_embodiment
from understudy.embodiments.xhand_episode import FPS, hand_base, read_xhand_episode
from understudy.episodes.features import vector
from understudy.episodes.importers.image_file import even, video_feature
from understudy.episodes.importers.source import Frame, Source, SourceEpisode, natural_order
from understudy.errors import UnderstudyError
from understudy.geometry.rotations import continuous_quaternions, quaternion_from_matrix
from understudy.perception.video import open_video, read_frames

__all__ = ["open_xhand_json"]


def open_xhand_json(path: Path) -> Source:
    """The folder of an episode, or one with such folders somewhere below."""
    folders = natural_order(file.parent for file in path.rglob("annotation.json"))
    if not folders:
        raise UnderstudyError(f"{path}: no annotation.json in or below it; an XHand episode is a folder with one")
    cameras = natural_order(folders[0].glob("camera_*.mp4"))
    if not cameras:
        raise UnderstudyError(f"{folders[0]}: no camera_*.mp4 beside annotation.json")
    names = get_embodiment("xarm7_xhand").action_space.names
    features = {"observation.state": vector(names), "action": vector(names)}
    for camera in cameras:
        film = open_video(camera)
        features[f"observation.images.{camera.stem}"] = video_feature(film.height, film.width)
    views = [camera.name for camera in cameras]
    return Source(FPS, "xarm7_xhand", features, len(folders), (_episode(folder, views) for folder in folders))


def _episode(folder: Path, views: list[str]) -> SourceEpisode:
    episode = read_xhand_episode(folder)
    rows = {
        "observation.state": (episode.T_base_recorded, episode.joints),
        "action": (episode.T_base_recorded_action, episode.joint_actions),
    }
    columns = {name: _actions(hand_base(T), joints) for name, (T, joints) in rows.items()}
    columns["action"] = _same_hemisphere(columns["action"], columns["observation.state"])
    videos = {f"observation.images.{Path(view).stem}": _frames(folder / view) for view in views}
    metadata = {
        "source": str(folder),
        "format": "xhand_json",
        "embodiment": "xarm7_xhand",
        "episode_id": episode.episode_id,
    }
    return SourceEpisode(columns, videos, episode.instruction or "unlabelled", metadata)


def _actions(T: Float[np.ndarray, "T 4 4"], joints: Float[np.ndarray, "T 12"]) -> Float[np.ndarray, "T 19"]:
    quaternions = continuous_quaternions(quaternion_from_matrix(T[:, :3, :3]))
    return np.concatenate([T[:, :3, 3], quaternions, joints], axis=1)


def _same_hemisphere(
    actions: Float[np.ndarray, "T 19"], states: Float[np.ndarray, "T 19"]
) -> Float[np.ndarray, "T 19"]:
    """Both run on without jumps, so one sign for the whole episode brings them together."""
    result = actions.copy()
    if np.sum(actions[:, 3:7] * states[:, 3:7]) < 0:
        result[:, 3:7] *= -1
    return result


def _frames(path: Path) -> Iterator[Frame]:
    for _, frame in read_frames(open_video(path)):
        yield even(frame)
