"""Motion that no body makes: actions and states that jump between neighbouring frames.

For the robots that this project knows, a jump is faster than the robot can be: joints by their speed limits, wrists by
bounds on speed and turning. For others, a jump is a step many times larger than nearly all steps of the data set, and a
good part of its range: lost packets, wrapped angles, episodes glued together.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float

from understudy.embodiments import Embodiment, get_embodiment
from understudy.episodes.check.finding import Finding
from understudy.episodes.check.known_robot import described_robot
from understudy.episodes.check.quaternion_signs import quaternion_places
from understudy.episodes.check.subject import Subject

__all__ = ["find_jumps"]

MAX_WRIST_SPEED = 3.0
"""Speed of an action's wrist target [m/s]: three times what an xArm7 reaches, as targets run ahead of the arm."""
MAX_WRIST_TURN = 4 * np.pi
"""Turning of an action's wrist target [rad/s]: four times one joint's."""
_SLACK = 3.0
"""Finger targets may run ahead of the joints' speed limits by this factor: the teleoperated XHand's do by 2.2."""
_TIMES_USUAL = 10.0
"""For unknown bodies: a jump is so many times the 99th percentile of the steps ..."""
_OF_RANGE = 0.5
"""... and at least this share of the range."""
_LOOKED_AT = ("action", "observation.state")


def find_jumps(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Steps of actions and states beyond what the body can do, or beyond all others of the data set."""
    for subject in subjects:
        for name in subject.numbers:
            robot = described_robot(subject, name)
            if robot is not None:
                yield from _beyond_robot(subject, name, robot)
            elif name in _LOOKED_AT:
                yield from _beyond_usual(subject, name)


def _beyond_robot(subject: Subject, name: str, robot: str) -> Iterator[Finding]:
    body = get_embodiment(robot)
    for index in subject.episodes:
        rows, valid = subject.column(name, index).astype(float), subject.valid(name, index)
        both = valid[1:] & valid[:-1]
        for what, speed, limit in _speeds(body, rows, subject.reader.fps):
            over = both & (speed > limit)
            if over.any():
                frame = int(np.argmax(np.where(over, speed, 0)))
                message = f"{what} is {speed[frame]:.3g} in frame {frame + 1}, more than {limit:.3g}"
                yield Finding("jumps", subject.root, index, name, f"{message} ({over.sum()} frames)")


def _speeds(
    body: Embodiment, rows: Float[np.ndarray, "T A"], fps: float
) -> Iterator[tuple[str, Float[np.ndarray, " S"], float]]:
    """(what, its speed from frame to frame, the most it may be) for the parts of a robot's action."""
    steps = np.diff(rows, axis=0) * fps
    turn = {"quaternion": 4, "rotation_vector": 3, "none": 0}[body.wrist_action]
    first, joints = 0, body.speed_limit
    if turn:
        first, joints = 3 + turn, body.speed_limit[len(body.arm_joints) :]
        yield "wrist speed [m/s]", np.linalg.norm(steps[:, :3], axis=1), MAX_WRIST_SPEED
        yield "wrist turning [rad/s]", _turning(rows[:, 3:first]) * fps, MAX_WRIST_TURN
    space = body.action_space
    if space.size - first == len(joints):  # a gripper's two fingers share one number, which says open or shut at once
        for place, limit in enumerate(joints * _SLACK, first):
            yield f"{space.names[place]} speed [{space.units[place]}/s]", np.abs(steps[:, place]), float(limit)


def _beyond_usual(subject: Subject, name: str) -> Iterator[Finding]:
    angles = {place for places in quaternion_places(subject, name) for place in places}
    columns = [(subject.column(name, index).astype(float), subject.valid(name, index)) for index in subject.episodes]
    steps = [np.abs(_steps(rows, valid)) for rows, valid in columns]
    real = [moved[valid[1:] & valid[:-1]] for moved, (_, valid) in zip(steps, columns, strict=True)]
    everything = np.concatenate(real)
    if not len(everything):
        return
    spread = np.ptp(np.concatenate([rows[valid] for rows, valid in columns]), axis=0)
    limit = np.maximum(_TIMES_USUAL * np.quantile(everything, 0.99, axis=0), _OF_RANGE * spread)
    limit[list(angles)] = np.inf  # signs are another check's business
    two_valued = [
        len(np.unique(np.concatenate([rows[:, i] for rows, _ in columns]).round(3))) <= 3 for i in range(len(limit))
    ]
    limit[two_valued] = np.inf  # grippers that are open or closed, flags
    for index, moved in enumerate(steps):
        over = moved > limit
        if over.any():
            frame, place = np.unravel_index(int(np.argmax(np.where(over, moved / limit, 0))), over.shape)
            message = (
                f"number {place} jumps by {moved[frame, place]:.3g} in frame {frame + 1}, "
                f"{moved[frame, place] / spread[place]:.0%} of its range ({over.any(axis=1).sum()} frames)"
            )
            yield Finding("jumps", subject.root, index, name, message)


def _steps(rows: Float[np.ndarray, "T n"], valid: Bool[np.ndarray, " T"]) -> Float[np.ndarray, "S n"]:
    """Differences of neighbours; 0 where one of them is a filler."""
    return np.diff(rows, axis=0) * (valid[1:] & valid[:-1])[:, None]


def _turning(rotations: Float[np.ndarray, "T r"]) -> Float[np.ndarray, " S"]:
    """Angle between neighbours [rad], whatever the signs of quaternions and the sides of rotation vectors."""
    from scipy.spatial.transform import Rotation

    if rotations.shape[1] == 4:
        dots = np.abs(np.sum(rotations[1:] * rotations[:-1], axis=1)) / np.maximum(
            np.linalg.norm(rotations[1:], axis=1) * np.linalg.norm(rotations[:-1], axis=1), 1e-9
        )
        return 2 * np.arccos(np.clip(dots, 0, 1))
    turns = Rotation.from_rotvec(rotations)
    return np.asarray((turns[:-1].inv() * turns[1:]).magnitude())
