"""A tiny recording of people and an XHand, as `understudy record --track` writes it."""

from itertools import cycle

import numpy as np

from understudy.embodiments import get_embodiment
from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.episodes.camera_file import camera_as_json
from understudy.episodes.features import scalar, vector, video
from understudy.episodes.recording.recorded import KEYPOINT_COLUMNS
from understudy.episodes.writer import EpisodeWriter
from understudy.geometry.transforms import apply_transform, inverse_transform
from understudy.retargeting.actions import home_action
from understudy.simulation.scene import tabletop_camera

ROBOT, SIZE, IMAGES = "xarm7_xhand", 32, "observation.images.front"
SPACE = get_embodiment(ROBOT).action_space
SKILLS = ("push", "press_button")


def write_acted(root, copies=1, size=SIZE):
    """Two layouts, as often as `copies`; a person's clip has 20 frames a second. Frame 6 of the second was not seen."""
    own = {"action": vector(SPACE.names), "observation.state": vector(SPACE.names)}

    def robot(rng, length, _):
        return {name: _actions(rng, length) for name in own}

    _write(root, ROBOT, 10, (7, 9) * copies, robot, own, size)
    name = f"tracked.action.{ROBOT}"

    def person(rng, length, seed):
        valid = np.ones(length, dtype=bool)
        valid[6 if seed % 2 else slice(0)] = False  # a slice of nothing
        actions = _actions(rng, length)
        actions[:, 3:7] *= -1  # the same rotations by the other sign
        hand = np.tile(_hand(size).ravel(), (length, 1)).astype(np.float32)
        return {name: actions, f"{name}.valid": valid, "tracked.keypoints": hand, "tracked.valid": valid}

    features = {name: vector(SPACE.names, mask=f"{name}.valid"), f"{name}.valid": scalar("bool")}
    features |= {"tracked.keypoints": vector(KEYPOINT_COLUMNS, mask="tracked.valid"), "tracked.valid": scalar("bool")}
    _write(root, "human_hand", 20, (12, 20) * copies, person, features, size)
    return root


def _hand(size):
    """Keypoints of a flat hand over the table, in the camera frame."""
    place = np.array([0.45, 0.0, 0.15])
    to_camera = inverse_transform(tabletop_camera(size).T_world_camera)
    return apply_transform(to_camera, HandSkeleton().keypoints(np.zeros(20)) + place)


def _actions(rng, length):
    rows = home_action(get_embodiment(ROBOT)) + rng.uniform(-0.1, 0.1, (length, SPACE.size))
    rows[:, 3:7] /= np.linalg.norm(rows[:, 3:7], axis=1, keepdims=True)
    return rows.astype(np.float32)


def _write(root, name, fps, lengths, columns_of, features, size):
    rng = np.random.default_rng(len(name))
    with EpisodeWriter(root / name, fps, {IMAGES: video(size, size), **features}, name) as writer:
        for seed, (length, skill) in enumerate(zip(lengths, cycle(SKILLS), strict=False)):
            frames = {IMAGES: rng.integers(0, 255, (length, size, size, 3), dtype=np.uint8)}
            columns = columns_of(rng, length, seed)
            about = {"seed": seed, "task": skill, "camera": camera_as_json(tabletop_camera(size))}
            writer.add_episode(columns, frames, f"do {skill}", metadata=about)
