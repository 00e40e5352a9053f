"""How a person flicks a ball: a finger bent behind it, pointing at the line, and quickly stretched."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from understudy.simulation.balls import rolling_deceleration
from understudy.simulation.human_motion import Motion, minimum_jerk
from understudy.simulation.human_performance import Performance, Person, Roll
from understudy.simulation.human_pose import HandPose, hand_rotation, posture
from understudy.simulation.layout import PLATE_RADIUS, Item, Layout
from understudy.simulation.tasks import Goal

__all__ = ["flick_ball"]

_UP = np.array([0.0, 0.0, 1.0])
_THUMB = (0.3, 0.5, 0.6, 0.6)
_CURLED = (1.20, 1.40, 0.8)
_MEETING = np.array([0.45, 0.52, 0.18])
"""Flexion of the finger's joints when it meets the ball [rad]."""
_STRETCH = np.array([0.75, 0.95, 0.45])
"""How far they stretch, all in all [rad]."""
_SHARE = 0.6
"""Part of the stretch that is done when the ball is met."""
_FLESH_M = 0.008
"""From the tip's keypoint to the side of the finger with the nail, which strikes [m]."""
_EASE = 1.15
"""The ball leaves this much faster than the finger is at its fastest, so that the finger does not catch up."""
_OVER_M = (0.03, 0.10)
"""How far the ball rolls beyond its line unless something stops it [m]."""
_PLATE_CLEARANCE_M = 0.018
_BUTTON_RADIUS_M = 0.044
_SAMPLES = 200


@dataclass(frozen=True)
class _Finger:
    """A finger that flicks: its place among index, middle, ring and little finger, and the keypoint of its tip."""

    number: int
    tip: int


_FINGERS = (_Finger(0, 8), _Finger(1, 12))


def _hand(finger: _Finger, flexion: Float[np.ndarray, "3"]) -> Float[np.ndarray, "20"]:
    """All joints [rad]: one finger at `flexion`, the others curled."""
    fingers = [_CURLED] * 4
    fingers[finger.number] = (float(flexion[0]), float(flexion[1]), float(flexion[2]))
    return posture(_THUMB, *fingers)


def flick_ball(person: Person, layout: Layout, goal: Goal) -> Performance:
    """Hold the finger behind the ball for a moment, stretch it, watch the ball roll."""
    item, rng = layout.item(goal.target), person.rng
    finger = _FINGERS[int(rng.random() < 0.35)]
    way = goal.place_position - item.position
    angle = float(np.arctan2(way[1], way[0])) + rng.uniform(-0.05, 0.05)
    direction = np.array([np.cos(angle), np.sin(angle)])
    meeting = _MEETING + rng.uniform(-0.08, 0.08, 3)
    bent, met, stretched = (_hand(finger, meeting + share * _STRETCH) for share in (_SHARE, 0.0, _SHARE - 1.0))
    pitch, roll = rng.uniform(0.62, 0.82), rng.uniform(-0.1, 0.2)
    swing = person.skeleton.keypoints(np.stack([bent, stretched]))[:, finger.tip]
    ahead = hand_rotation(0.0, pitch, roll) @ (swing[1] - swing[0])
    R = hand_rotation(angle - float(np.arctan2(ahead[1], ahead[0])), pitch, roll)
    back = item.position - (item.half_width + _FLESH_M) * direction
    pose = person.reach(met, R, {finger.tip: np.array([*back, rng.uniform(0.018, 0.024)])})
    held, struck = HandPose(pose.T_world_wrist, bent), HandPose(pose.T_world_wrist, stretched)

    distance = float(np.linalg.norm(way)) + item.half_width + rng.uniform(*_OVER_M)
    deceleration = rolling_deceleration(item.half_width)
    speed = float(np.sqrt(2 * deceleration * distance))
    duration_s, meets_s = _stretch(person, finger, held, struck, direction, speed)

    motion = Motion(person.resting())
    motion.pause(rng.uniform(0.1, 0.3))
    motion.move(held.moved(rng.uniform(0.05, 0.08) * _UP - np.array([0.02, 0.0, 0.0])), person.seconds(0.9))
    motion.move(held, person.seconds(0.5), overlap=0.4)
    person.hesitate(motion)
    start_s = motion.pause(rng.uniform(0.2, 0.45)) + meets_s
    motion.move(struck, duration_s)
    motion.pause(rng.uniform(0.2, 0.5))
    motion.move(struck.moved(np.array([-0.03, 0.0, 0.07])), person.seconds(0.5))
    motion.move(person.resting(), person.seconds(0.9), overlap=0.4)
    stop = min(distance, _free_way(layout, item, direction))
    return Performance(motion, roll=Roll(item.name, start_s, direction, speed, deceleration, stop, item.half_width))


def _stretch(
    person: Person, finger: _Finger, held: HandPose, struck: HandPose, direction: Float[np.ndarray, "2"], speed: float
) -> tuple[float, float]:
    """How long the stretch takes for a ball of that speed [m/s], and when the ball is met on the way [s].

    The wrist stays, so the tip's way is that of the joints, and its speed goes with one over the duration.
    """
    u = np.linspace(0.0, 1.0, _SAMPLES)
    done = minimum_jerk(u)
    tips = person.skeleton.keypoints(held.joints + done[:, None] * (struck.joints - held.joints))[:, finger.tip]
    ahead = (tips @ held.T_world_wrist[:3, :3].T)[:, :2] @ direction
    meets = int(np.flatnonzero(done >= _SHARE)[0])
    duration_s = _EASE * float(np.gradient(ahead, u)[meets:].max()) / speed
    return duration_s, float(u[meets]) * duration_s


def _free_way(layout: Layout, ball: Item, direction: Float[np.ndarray, "2"]) -> float:
    """How far the ball's centre can go before the ball runs into another thing [m]."""
    radii = {"plate": PLATE_RADIUS + _PLATE_CLEARANCE_M, "button": _BUTTON_RADIUS_M + ball.half_width}
    free = np.inf
    for thing in (*layout.objects, *layout.plates, *layout.buttons):
        along = float((thing.position - ball.position) @ direction)
        beside = float(np.linalg.norm(thing.position - ball.position - along * direction))
        radius = radii.get(thing.kind, thing.half_width + ball.half_width)
        if thing is not ball and along > 0.0 and beside < radius:
            free = min(free, along - float(np.sqrt(radius**2 - beside**2)))
    return free
