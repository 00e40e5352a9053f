"""How a person pours from a cup and sets a lying one upright: way-points of a right hand, new for every seed."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from understudy.geometry.rotations import matrix_from_rotation_vector
from understudy.geometry.transforms import inverse_transform, make_transform
from understudy.simulation.cups import CUP_HEIGHT, CUP_RADIUS, pouring_place
from understudy.simulation.human_motion import Motion
from understudy.simulation.human_performance import SKIN_M, Carry, Performance, Person, object_pose
from understudy.simulation.human_pose import HandPose, hand_rotation, posture, solve_pose
from understudy.simulation.layout import Layout
from understudy.simulation.tasks import Goal

__all__ = ["flip_cup", "pour"]

_THUMB, _INDEX, _MIDDLE = 4, 8, 12
_UP = np.array([0.0, 0.0, 1.0])
_AROUND = posture((0.2, 0.3, 0.2, 0.2), (0.4, 0.5, 0.3), (0.45, 0.55, 0.3), (0.55, 0.7, 0.35), (0.6, 0.8, 0.4))
_TWO_FINGERS = posture((0.2, 0.3, 0.2, 0.2), (0.4, 0.5, 0.3), (0.45, 0.55, 0.3), (1.1, 1.2, 0.6), (1.2, 1.3, 0.6))
_GAP = CUP_RADIUS + SKIN_M

Tips = Callable[[float], dict[int, Float[np.ndarray, "3"]]]


def _tips(centre: Float[np.ndarray, "3"], across: Float[np.ndarray, "3"], beside: Float[np.ndarray, "3"]) -> Tips:
    """Where the fingertips go around a cup, by the distance from its axis: the thumb opposite to two fingers."""

    def at(half_gap: float) -> dict[int, Float[np.ndarray, "3"]]:
        return {
            _THUMB: centre - half_gap * across,
            _INDEX: centre + half_gap * across + 0.010 * beside,
            _MIDDLE: centre + half_gap * across - 0.010 * beside,
        }

    return at


def _with(T_world_cup: Float[np.ndarray, "4 4"], T_cup_world: Float[np.ndarray, "4 4"], pose: HandPose) -> HandPose:
    """The hand that holds the cup as before, the cup being somewhere else."""
    return HandPose(T_world_cup @ T_cup_world @ pose.T_world_wrist, pose.joints)


def pour(person: Person, layout: Layout, goal: Goal) -> Performance:
    """Take the cup from its right side, tip it over the mug, set it back where it stood."""
    item, rng = layout.item(goal.target), person.rng
    turn = rng.uniform(-0.5, 0.2)
    across = np.array([np.cos(turn), np.sin(turn), 0.0])
    yaw = turn + rng.uniform(0.0, 0.25)
    R = hand_rotation(yaw, rng.uniform(0.15, 0.40), rng.uniform(1.05, 1.35))
    centre = np.array([*item.xy, CUP_HEIGHT / 2 + rng.uniform(0.004, 0.012)])
    tips = _tips(centre, across, _UP)
    closed = person.reach(_AROUND, R, tips(_GAP))
    opened = solve_pose(person.skeleton, closed, tips(_GAP + rng.uniform(0.016, 0.022)))[0]

    T_start = object_pose(item.position, CUP_HEIGHT / 2, item.yaw)
    T_end = object_pose(item.position + rng.uniform(-0.01, 0.01, 2), CUP_HEIGHT / 2, item.yaw)
    T_cup_world = inverse_transform(T_start)
    lean = yaw + np.pi / 2 + rng.uniform(-0.25, 0.25)  # across the forearm, which turns
    direction = np.array([np.cos(lean), np.sin(lean), 0.0])

    def tipped(tilt: float) -> HandPose:
        R_turn = matrix_from_rotation_vector(tilt * np.cross(_UP, direction))
        place = pouring_place(goal.place_position, R_turn @ _UP)
        return _with(make_transform(R_turn @ T_start[:3, :3], place), T_cup_world, closed)

    lift, away = rng.uniform(0.10, 0.14), -0.06 * R[:, 2] + 0.04 * _UP
    motion = Motion(person.resting())
    motion.pause(rng.uniform(0.1, 0.3))
    motion.move(opened.moved(away), person.seconds(0.9))
    motion.move(opened, person.seconds(0.5), overlap=0.4)
    person.hesitate(motion)
    start_s = motion.move(closed, person.seconds(0.4))
    motion.pause(rng.uniform(0.05, 0.15))
    motion.move(closed.moved(lift * _UP), person.seconds(0.6))
    motion.move(tipped(0.2), person.seconds(0.9), overlap=0.3)
    person.hesitate(motion)
    motion.move(tipped(1.0), person.seconds(0.6))
    motion.move(tipped(1.6), person.seconds(0.6), overlap=0.4)
    motion.move(tipped(rng.uniform(2.15, 2.4)), person.seconds(0.6), overlap=0.4)
    motion.pause(rng.uniform(0.35, 0.6))
    motion.move(tipped(0.9), person.seconds(0.6))
    put = _with(T_end, T_cup_world, closed)
    motion.move(put.moved(lift * _UP), person.seconds(1.0), overlap=0.3)
    motion.move(put, person.seconds(0.6), overlap=0.2)
    end_s = motion.pause(0.05)
    released = _with(T_end, T_cup_world, opened)
    motion.move(released, person.seconds(0.35))
    motion.move(released.moved(away), person.seconds(0.45), overlap=0.1)
    motion.move(person.resting(), person.seconds(0.9), overlap=0.4)
    return Performance(motion, hold=Carry(item.name, start_s, end_s, T_start, T_end))


def flip_cup(person: Person, layout: Layout, goal: Goal) -> Performance:
    """Take the lying cup from above, turn the hand in the air, set the cup on its foot."""
    item, rng = layout.item(goal.target), person.rng
    mouth = np.array([np.cos(item.yaw), np.sin(item.yaw), 0.0])
    side = 1.0 if mouth[1] > 0 else -1.0
    turn = item.yaw - side * np.pi / 2
    across = np.array([np.cos(turn), np.sin(turn), 0.0])
    T_start = object_pose(item.position, CUP_RADIUS, item.yaw)
    R_up = matrix_from_rotation_vector(np.pi / 2 * np.cross(mouth, _UP))
    T_end = make_transform(R_up @ T_start[:3, :3], np.array([*item.xy, CUP_HEIGHT / 2]))
    T_end[:2, 3] += rng.uniform(-0.01, 0.01, 2)

    # Fingers must not touch the table at the end, so that is where the hand's posture is found. Turning the palm up
    # from below is easy; to the other side a hand starts with its palm a little to the left.
    roll = rng.uniform(-0.45, -0.15) if side > 0 else rng.uniform(0.35, 0.65)
    R_start = hand_rotation(turn + rng.uniform(0.0, 0.2), rng.uniform(0.50, 0.75), roll)
    beside = R_up @ (side * mouth)
    centre = T_end[:3, 3] + rng.uniform(0.010, 0.016) * _UP
    tips = _tips(centre, across, beside)
    standing = person.reach(_TWO_FINGERS, R_up @ R_start, tips(_GAP))
    let_go = solve_pose(person.skeleton, standing, tips(_GAP + rng.uniform(0.018, 0.024)))[0]
    T_cup_world = inverse_transform(T_end)
    closed, opened = (_with(T_start, T_cup_world, pose) for pose in (standing, let_go))

    lift = rng.uniform(0.09, 0.13)
    above = rng.uniform(0.05, 0.08) * _UP + np.array([-0.02, 0.0, 0.0])
    away = -0.05 * (R_up @ R_start)[:, 2] + 0.05 * _UP
    motion = Motion(person.resting())
    motion.pause(rng.uniform(0.1, 0.3))
    motion.move(opened.moved(above), person.seconds(0.9))
    motion.move(opened, person.seconds(0.5), overlap=0.4)
    person.hesitate(motion)
    start_s = motion.move(closed, person.seconds(0.4))
    motion.pause(rng.uniform(0.05, 0.15))
    motion.move(closed.moved(lift * _UP), person.seconds(0.6))
    motion.move(standing.moved(rng.uniform(0.04, 0.08) * _UP), person.seconds(0.9), overlap=rng.uniform(0.0, 0.5))
    motion.move(standing, person.seconds(0.5), overlap=0.3)
    person.hesitate(motion)
    end_s = motion.pause(0.05)
    motion.move(let_go, person.seconds(0.35))
    motion.move(let_go.moved(away), person.seconds(0.45), overlap=0.1)
    motion.move(person.resting(), person.seconds(1.0), overlap=0.4)
    return Performance(motion, hold=Carry(item.name, start_s, end_s, T_start, T_end))
