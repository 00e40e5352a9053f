"""A person who does nothing in particular: the hand wanders over the table, stops, opens and closes, touches things.

Such clips stand in for video of people from the web, which shows hands, but none of the tasks. They are no task:
nothing is asked for, judged, or moved. Between two places the hand goes higher than anything stands, and comes down
straight.
"""

import numpy as np
from jaxtyping import Float

from understudy.geometry.transforms import make_transform
from understudy.simulation.human_motion import Motion
from understudy.simulation.human_performance import SKIN_M, Performance, Person
from understudy.simulation.human_pose import HandPose, hand_rotation, posture
from understudy.simulation.layout import Item, Layout, layout_rng
from understudy.simulation.tasks import Goal, get_task

__all__ = ["NOTHING", "WANDER", "wander", "wander_layout"]

WANDER = "wander"
"""What stands for a task's name in recordings of such clips."""
NOTHING = Goal(target="", place="", place_xy=(0.0, 0.0), label="a person moves a hand over the table")
"""What is asked for."""

_LAYOUTS_OF = ("pick_place", "pick_place", "pick_place", "flip_cup", "flick_ball")
"""Tasks whose layouts are taken, by chance. (Full cups of `pour` are left out: their beads take seconds to move.)"""
_STREAM_WANDER = 15
_OPEN = posture((0.0, 0.1, 0.1, 0.1), (0.05, 0.1, 0.05), (0.05, 0.1, 0.05), (0.05, 0.1, 0.05), (0.05, 0.1, 0.05))
_FIST = posture((0.3, 0.5, 0.6, 0.6), (1.2, 1.4, 0.8), (1.25, 1.45, 0.8), (1.3, 1.45, 0.8), (1.3, 1.45, 0.8))
_INDEX, _TIPS = 8, [4, 8, 12, 16, 20]
_X, _Y = (0.30, 0.66), (-0.24, 0.24)
"""Where fingertips go, world [m]."""
_OVER_M = (0.11, 0.21)
"""How high the lowest keypoint is on the way: all that stands on the table ends lower [m]."""
_CLEAR_M = 0.012
"""Between keypoints and things that are not touched: half a finger [m]."""
_LOW_M = 0.085
"""Nothing but tall distractors, which stand aside, reaches higher [m]."""
_FLAT = ("cube", "cylinder", "box")
"""Kinds that fingers come down on; the others would roll, be pressed, or fall."""
_TRIES = 8


def wander_layout(seed: int, axis: str | None = None) -> Layout:
    """What stands where in the clip of a seed: a layout of one of the tasks, see `layout.sample_layout`."""
    name = str(layout_rng(seed, _STREAM_WANDER).choice(_LAYOUTS_OF))
    return get_task(name).sample_layout(seed, axis)


def wander(person: Person, layout: Layout, goal: Goal) -> Performance:
    """Two to four places over the table, at some of which the hand comes down; it may come from rest, or go there."""
    rng = person.rng
    motion = Motion(person.resting() if rng.random() < 0.5 else _over(person))
    motion.pause(rng.uniform(0.0, 0.3))
    for _ in range(rng.integers(2, 5)):
        touch = _touch(person, layout) if rng.random() < 0.4 else None
        if touch is None:
            _go(person, motion, _over(person), overlap=0.2)
            if rng.random() < 0.4:  # the fingers open or close where the hand is
                fingers = HandPose(motion.pose.T_world_wrist, _fingers(person))
                motion.move(_lifted(person, fingers, motion.pose), person.seconds(0.7))
        else:
            above = touch.moved(np.array([0.0, 0.0, rng.uniform(*_OVER_M) - _lowest(person, touch)]))
            _go(person, motion, above)
            motion.move(touch, person.seconds(0.7))
            motion.pause(rng.uniform(0.1, 0.4))
            motion.move(above, person.seconds(0.6))
        person.hesitate(motion)
    if rng.random() < 0.5:
        _go(person, motion, person.resting())
    return Performance(motion)


def _go(person: Person, motion: Motion, pose: HandPose, overlap: float = 0.0) -> None:
    """In a time that grows with the way."""
    way = np.linalg.norm(pose.T_world_wrist[:3, 3] - motion.pose.T_world_wrist[:3, 3])
    motion.move(pose, person.seconds(0.7 + 1.4 * float(way)), overlap)


def _fingers(person: Person) -> Float[np.ndarray, "20"]:
    """Somewhere between open and a fist, no finger quite like its neighbour [rad]."""
    closed = person.rng.uniform(0.0, 0.9) + person.rng.uniform(-0.12, 0.12, 5)
    return _OPEN + np.clip(closed, 0.0, 1.0).repeat(4) * (_FIST - _OPEN)


def _rotation(person: Person) -> Float[np.ndarray, "3 3"]:
    rng = person.rng
    return hand_rotation(rng.uniform(-0.4, 0.5), rng.uniform(0.3, 0.9), rng.uniform(-0.1, 0.7))


def _lowest(person: Person, pose: HandPose) -> float:
    """Height of the lowest keypoint [m]."""
    return float(pose.keypoints(person.skeleton)[:, 2].min())


def _lifted(person: Person, pose: HandPose, as_low_as: HandPose) -> HandPose:
    """A pose that goes no deeper than another one."""
    deeper = _lowest(person, as_low_as) - _lowest(person, pose)
    return pose.moved(np.array([0.0, 0.0, max(deeper, 0.0)]))


def _over(person: Person) -> HandPose:
    """Anywhere over the table."""
    rng = person.rng
    pose = HandPose(make_transform(_rotation(person), np.zeros(3)), _fingers(person))
    tips = pose.keypoints(person.skeleton)[_TIPS].mean(0)
    place = np.array([rng.uniform(*_X), rng.uniform(*_Y), rng.uniform(*_OVER_M) + tips[2] - _lowest(person, pose)])
    return pose.moved(place - tips)


def _touch(person: Person, layout: Layout) -> HandPose | None:
    """The index finger on a free place of the table or on a thing; None where no place was found."""
    flat = [item for item in layout.objects if item.kind in _FLAT]
    for _ in range(_TRIES):
        joints, R = _fingers(person), hand_rotation(person.rng.uniform(-0.3, 0.4), person.rng.uniform(0.6, 0.95), 0.2)
        joints[4:8] *= 0.3  # the index finger is the straightest
        if flat and person.rng.random() < 0.5:
            item = flat[person.rng.integers(len(flat))]
            place = np.array([*item.xy, 2 * item.half_height + SKIN_M])
        else:
            place = np.array([person.rng.uniform(*_X), person.rng.uniform(*_Y), 0.016])
        pose = person.reach(joints, R, {_INDEX: place})
        if _clear(pose.keypoints(person.skeleton), layout):
            return pose
    return None


def _clear(keypoints: Float[np.ndarray, "21 3"], layout: Layout) -> bool:
    """Whether the hand can come straight down there: no keypoint in or closely beside what stands on the table."""
    for item in layout.items.values():
        if item.kind in ("plate", "line"):
            continue
        top, wide = _extent(item)
        beside = np.linalg.norm(keypoints[:, :2] - item.position, axis=1) - wide
        if ((beside < _CLEAR_M) & (keypoints[:, 2] < top)).any():
            return False
    return True


def _extent(item: Item) -> tuple[float, float]:
    """Height of the top, and distance of the outermost side from the middle [m]; generous where kinds differ."""
    if item.kind in _FLAT:
        return 2 * item.half_height, item.half_width * (np.sqrt(2.0) if item.flat else 1.0)
    return _LOW_M, 0.045
