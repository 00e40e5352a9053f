"""A tiny recording of a person and an XHand that says what was done where, and shows it plainly.

The target is a bright square at its place. It moves right (push) or darkens (press_button); a robot's frames are
blue, a person's red.
"""

import numpy as np

from understudy.episodes.features import vector, video
from understudy.episodes.writer import EpisodeWriter

ROBOT, PERSON, IMAGES = "xarm7_xhand", "human_hand", "observation.images.front"
SKILLS, SIZE, LENGTH = ("push", "press_button"), 32, 8
PLACES = (-0.2, 0.0, 0.2)


def write_shown(root, layouts=20, skills=SKILLS, split="validation", first_seed=1_000_000, goal=True, failed=()):
    """Layout i has the skill i mod 2 and the target i mod 3; `failed` are layouts in which the robot failed."""
    for name, length in ((PERSON, LENGTH + 3), (ROBOT, LENGTH)):
        features = {IMAGES: video(SIZE, SIZE), "action": vector(("x",))}
        with EpisodeWriter(root / name, 10, features, name) as writer:
            for index in range(layouts):
                skill, target = skills[index % len(skills)], index % 3
                said = {"seed": first_seed + index, "task": skill, "split": split}
                said["success"] = not (name == ROBOT and index in failed)
                said |= _goal(skill, target) if goal else {}
                columns = {"action": np.zeros((length, 1), dtype=np.float32)}
                frames = {IMAGES: _frames(name, skill, target, length, index)}
                writer.add_episode(columns, frames, f"{skill} thing_{target}", metadata=said)
    return root


def _goal(skill, target):
    things = [
        {"name": f"thing_{i}", "kind": "cube", "colour": colour, "xy": [0.45, y]}
        for i, (y, colour) in enumerate(zip(PLACES, ("red", "green", "blue"), strict=True))
    ]
    place = [0.45 + 0.1 * (skill == "push"), PLACES[target]]
    goal = {"target": f"thing_{target}", "place": "line", "place_xy": place, "label": f"{skill} thing_{target}"}
    return {"goal": goal, "layout": {"objects": things, "buttons": []}}


def _frames(name, skill, target, length, index):
    frames = np.full((length, SIZE, SIZE, 3), 60, dtype=np.uint8)
    frames[..., 2 if name == ROBOT else 0] = 150
    frames += np.random.default_rng(index).integers(0, 12, frames.shape, dtype=np.uint8)
    top = 2 + 10 * target
    for row in range(length):
        left = 2 + (2 * row if skill == "push" else 0)
        frames[row, top : top + 8, left : left + 8] = 240 if skill == "push" else 240 - 20 * row
    return frames
