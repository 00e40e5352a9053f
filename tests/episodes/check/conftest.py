"""Small clean data sets of a person and of a robot, and a way to spoil them in exactly one respect."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from understudy.embodiments import get_embodiment
from understudy.episodes.check.subject import Subject
from understudy.episodes.features import scalar, vector, video
from understudy.episodes.writer import EpisodeWriter

SIZE, LENGTH = 64, 12
IMAGE = "observation.images.front"
CAMERA = {"width": SIZE, "height": SIZE, "K": [[64.0, 0, 31.5], [0, 64.0, 31.5], [0, 0, 1]]}
CAMERA["T_world_camera"] = np.eye(4).tolist()
OBJECTS = {"red": (-0.3, 0.2, 1.0), "blue": (0.3, 0.2, 1.0), "yellow": (0.0, 0.35, 1.0)}
PAINT = {"red": (200, 60, 50), "blue": (50, 90, 200), "yellow": (230, 200, 60)}
SKIN = (205, 155, 130)


@dataclass
class Episode:
    """What is handed to the writer; tests change it."""

    columns: dict
    frames: np.ndarray
    task: str
    metadata: dict
    split: str = "train"
    features: dict = field(default_factory=dict)


def pixel(place):
    return tuple(np.round(64 * np.array(place[:2]) / place[2] + 31.5).astype(int))


def paint(frame, place, colour, half=4):
    u, v = pixel(place)
    frame[max(v - half, 0) : v + half + 1, max(u - half, 0) : u + half + 1] = colour


def scene(hand_places, colour):
    """A grey table with three blocks and a hand or gripper that moves over its upper half."""
    frames = np.full((LENGTH, SIZE, SIZE, 3), 128, dtype=np.uint8)
    for frame, hand in zip(frames, hand_places, strict=True):
        for name, place in OBJECTS.items():
            paint(frame, place, PAINT[name])
        paint(frame, hand, colour, half=6)
    return frames


def layout(seed):
    items = [{"name": f"{c}_cube", "kind": "cube", "colour": c, "xy": place[:2]} for c, place in OBJECTS.items()]
    return {"seed": seed, "objects": items, "offset": 0.001 * seed}


def about(seed, body):
    metadata = {"task": "push", "label": "push the red cube", "seed": seed, "split": "train", "embodiment": body}
    return metadata | {"layout": layout(seed), "goal": {"name": "red_cube"}, "camera": CAMERA}


def object_rows():
    poses = [[*place, 1.0, 0.0, 0.0, 0.0] for place in OBJECTS.values()]
    return np.tile(np.concatenate(poses), (LENGTH, 1))


def object_feature():
    return vector(tuple(f"object_{i}.{part}" for i in range(3) for part in ("x", "y", "z", "qw", "qx", "qy", "qz")))


def hand_path(seed):
    along = np.linspace(-0.3, 0.3, LENGTH) * (1 + 0.01 * seed)
    return np.stack([along, np.full(LENGTH, -0.25), np.ones(LENGTH)], axis=1)


def robot_episode(seed, robot="xarm7_gripper"):
    names = get_embodiment(robot).action_space.names
    rows = np.zeros((LENGTH, len(names)))
    rows[:, 0] = np.linspace(0.3, 0.5 + 0.001 * seed, LENGTH)
    rows[:, 2] = 0.2
    turn = np.linspace(0.1, 0.5, LENGTH)
    if robot == "xarm7_gripper":
        rows[:, 3], rows[:, 6] = turn, np.where(np.arange(LENGTH) > 6, 0.0, 0.08)
    else:
        rows[:, 3], rows[:, 4] = np.cos(turn / 2), np.sin(turn / 2)
        rows[:, 7] = np.linspace(0.1, 0.8, LENGTH)
    columns = {"observation.state": rows, "action": rows.copy(), "truth.objects": object_rows()}
    features = {"observation.state": vector(names), "action": vector(names), "truth.objects": object_feature()}
    features[IMAGE] = video(SIZE, SIZE)
    return Episode(
        columns, scene(hand_path(seed), (90, 90, 90)), "push the red cube", about(seed, robot), "train", features
    )


def person_episode(seed, masked=True):
    rng = np.random.default_rng(0)
    keypoints = hand_path(seed)[:, None] + rng.uniform(-0.02, 0.02, (21, 3)) * [1, 1, 0]
    columns = {
        "truth.keypoints": keypoints.reshape(LENGTH, 63),
        "time_s": np.arange(LENGTH) / 10,
        "truth.objects": object_rows(),
    }
    features = {"truth.keypoints": vector(tuple(f"k{i}.{axis}" for i in range(21) for axis in "xyz"))}
    features |= {"time_s": scalar("float32"), "truth.objects": object_feature(), IMAGE: video(SIZE, SIZE)}
    if masked:
        columns["tracked.valid"] = np.arange(LENGTH) > 1
        features["tracked.valid"] = scalar("bool")
    frames = scene(hand_path(seed), SKIN)
    return Episode(columns, frames, "push the red cube", about(seed, "human_hand"), "train", features)


def write(root, robot_type, episodes, fps=10):
    with EpisodeWriter(root, fps, episodes[0].features, robot_type) as writer:
        for episode in episodes:
            videos = {name: episode.frames for name, f in episode.features.items() if f.is_video}
            writer.add_episode(episode.columns, videos, episode.task, episode.metadata, split=episode.split)
    return root


@pytest.fixture
def robot(tmp_path):
    """`robot(spoil)` writes two episodes of a robot, changed by `spoil(episodes)`, and opens them."""

    def make(spoil=lambda episodes: None, name="xarm7_gripper", folder="robot", seeds=(0, 1), fps=10):
        episodes = [robot_episode(seed, name) for seed in seeds]
        spoil(episodes)
        return Subject(write(tmp_path / folder, name, episodes, fps))

    return make


@pytest.fixture
def person(tmp_path):
    """The same for a person."""

    def make(spoil=lambda episodes: None, folder="human_hand", seeds=(0, 1), masked=True, fps=10):
        episodes = [person_episode(seed, masked) for seed in seeds]
        spoil(episodes)
        return Subject(write(tmp_path / folder, "human_hand", episodes, fps))

    return make


@pytest.fixture
def places():
    """(check, episode, field) of each finding: what a test compares."""

    def of(findings):
        return [(finding.check, finding.episode, finding.field) for finding in findings]

    return of
