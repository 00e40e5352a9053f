"""How a person does each task: way-points of a right hand, chosen anew for every seed.

Nothing here is copied from a robot's expert: grasp axis, approach, heights, speed, pauses and hesitation are the
person's own. Contact points lie at about mid height of the object, at least 18 mm above the table; a carried object is
lifted by 10 cm or more.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.geometry.transforms import inverse_transform
from understudy.simulation.human_cups import flip_cup, pour
from understudy.simulation.human_flick import flick_ball
from understudy.simulation.human_motion import Motion
from understudy.simulation.human_performance import SKIN_M, Carry, Performance, Person, object_pose
from understudy.simulation.human_pose import HandPose, hand_rotation, posture, solve_pose
from understudy.simulation.human_wander import WANDER, wander
from understudy.simulation.layout import Item, Layout
from understudy.simulation.objects import BUTTON_TOP, BUTTON_TRAVEL, PLATE_TOP
from understudy.simulation.tasks import Goal

__all__ = ["PLANS", "plan"]

_INDEX, _MIDDLE, _RING, _THUMB = 8, 12, 16, 4
_UP = np.array([0.0, 0.0, 1.0])

_PINCHING = posture((0.2, 0.3, 0.2, 0.2), (0.4, 0.5, 0.3), (0.45, 0.55, 0.3), (0.65, 0.6, 0.3), (0.75, 0.6, 0.3))
_PUSHING = posture((0.1, 0.2, 0.3, 0.3), (0.2, 0.25, 0.15), (0.2, 0.25, 0.15), (0.3, 0.3, 0.15), (0.5, 0.5, 0.2))
_POINTING = posture((0.3, 0.5, 0.6, 0.6), (0.3, 0.25, 0.15), (1.15, 1.4, 0.8), (1.25, 1.45, 0.8), (1.3, 1.45, 0.8))


def _pinch(person: Person, item: Item) -> tuple[HandPose, HandPose]:
    """Grasping and open pose: thumb on the near (or left) face, index and middle finger on the opposite one."""
    rng, half_height = person.rng, item.half_height
    # A box is too wide from the side, and a jug has its handle there.
    from_the_side = rng.random() < 0.2 and item.kind in ("cube", "cylinder")
    if from_the_side:
        axis = item.yaw - np.pi / 2
        R = hand_rotation(rng.uniform(0.0, 0.15), rng.uniform(0.55, 0.75), rng.uniform(0.65, 0.85))
    else:
        axis = item.yaw if item.flat else rng.uniform(-0.6, 0.1)
        R = hand_rotation(axis + rng.uniform(0.0, 0.3), rng.uniform(0.75, 0.95), rng.uniform(0.15, 0.45))
    across = np.array([np.cos(axis), np.sin(axis), 0.0])
    beside = -R[:, 1] + (R[:, 1] @ across) * across
    beside /= np.linalg.norm(beside)
    centre = np.array([*item.xy, half_height + rng.uniform(0.0, 0.006)])
    spread = 0.009 * beside
    spread[2] = np.clip(spread[2], 0.018 - centre[2], centre[2] - 0.018)

    def tips(half_gap: float) -> dict[int, Float[np.ndarray, "3"]]:
        return {
            _THUMB: centre - half_gap * across,
            _INDEX: centre + half_gap * across + spread,
            _MIDDLE: centre + half_gap * across - spread,
        }

    closed = person.reach(_PINCHING, R, tips(item.half_width + SKIN_M))
    opened = solve_pose(person.skeleton, closed, tips(item.half_width + rng.uniform(0.022, 0.030)))[0]
    return closed, opened


def _pick_place(person: Person, layout: Layout, goal: Goal) -> Performance:
    item, rng = layout.item(goal.target), person.rng
    half_height = item.half_height
    closed, opened = _pinch(person, item)
    T_start = object_pose(item.position, half_height, item.yaw)
    T_end = object_pose(
        goal.place_position + rng.uniform(-0.01, 0.01, 2), PLATE_TOP + half_height, item.yaw + rng.uniform(-0.2, 0.2)
    )
    T_object_wrist = inverse_transform(T_start) @ closed.T_world_wrist
    placed = HandPose(T_end @ T_object_wrist, closed.joints)
    released = HandPose(T_end @ inverse_transform(T_start) @ opened.T_world_wrist, opened.joints)
    lift, above = rng.uniform(0.10, 0.14), rng.uniform(0.05, 0.08)
    rest = person.resting()
    motion = Motion(rest)
    motion.pause(rng.uniform(0.1, 0.3))
    motion.move(opened.moved(above * _UP + np.array([-0.02, 0.0, 0.0])), person.seconds(0.9))
    motion.move(opened, person.seconds(0.5), overlap=0.4)
    person.hesitate(motion)
    start_s = motion.move(closed, person.seconds(0.4))
    motion.pause(rng.uniform(0.05, 0.15))
    motion.move(closed.moved(lift * _UP), person.seconds(0.6))
    motion.move(placed.moved(lift * _UP), person.seconds(1.0), overlap=0.3)
    motion.move(placed, person.seconds(0.6), overlap=0.2)
    person.hesitate(motion)
    end_s = motion.pause(0.05)
    motion.move(released, person.seconds(0.35))
    motion.move(released.moved(above * _UP + np.array([-0.02, 0.0, 0.0])), person.seconds(0.45), overlap=0.1)
    motion.move(person.resting(), person.seconds(1.0), overlap=0.4)
    return Performance(motion, hold=Carry(item.name, start_s, end_s, T_start, T_end))


def _hold(person: Person, layout: Layout, goal: Goal) -> Performance:
    """Take it, lift it and keep it there: a hand in the air drifts by a centimetre or two."""
    item, rng = layout.item(goal.target), person.rng
    closed, opened = _pinch(person, item)
    T_start = object_pose(item.position, item.half_height, item.yaw)
    lift, above = rng.uniform(0.09, 0.16), rng.uniform(0.05, 0.08)
    motion = Motion(person.resting())
    motion.pause(rng.uniform(0.1, 0.3))
    motion.move(opened.moved(above * _UP + np.array([-0.02, 0.0, 0.0])), person.seconds(0.9))
    motion.move(opened, person.seconds(0.5), overlap=0.4)
    person.hesitate(motion)
    start_s = motion.move(closed, person.seconds(0.4))
    motion.pause(rng.uniform(0.05, 0.15))
    motion.move(closed.moved(lift * _UP), person.seconds(0.7))
    for _ in range(2):
        motion.move(closed.moved(lift * _UP + rng.uniform(-0.012, 0.012, 3)), rng.uniform(1.2, 1.5))
    return Performance(motion, hold=Carry(item.name, start_s, np.inf, T_start, T_start))


def _push(person: Person, layout: Layout, goal: Goal) -> Performance:
    item, rng = layout.item(goal.target), person.rng
    R = hand_rotation(rng.uniform(-0.15, 0.15), rng.uniform(0.8, 1.0), rng.uniform(0.0, 0.25))
    height = rng.uniform(0.022, 0.030)
    T_object = object_pose(item.position, height, item.yaw)
    if item.flat:
        places = {_INDEX: 0.017, _MIDDLE: 0.0, _RING: -0.015}
        tips = {i: T_object @ np.array([-item.half_width - SKIN_M, y, 0.0, 1.0]) for i, y in places.items()}
    else:
        places = {_INDEX: 0.009, _MIDDLE: -0.009}
        depth = np.sqrt((item.half_width + SKIN_M) ** 2 - 0.009**2)
        tips = {i: np.array([item.xy[0] - depth, item.xy[1] + y, height, 1.0]) for i, y in places.items()}
    contact = person.reach(_PUSHING, R, {i: tip[:3] for i, tip in tips.items()})
    behind = contact.moved(np.array([-rng.uniform(0.025, 0.035), 0.0, 0.004]))
    distance = goal.place_xy[0] - item.xy[0] + rng.uniform(-0.008, 0.008)
    end = contact.moved(np.array([distance, 0.0, 0.0]))
    motion = Motion(person.resting())
    motion.pause(rng.uniform(0.1, 0.3))
    motion.move(behind.moved(np.array([-0.01, 0.0, rng.uniform(0.04, 0.07)])), person.seconds(0.9))
    motion.move(behind, person.seconds(0.5), overlap=0.4)
    person.hesitate(motion)
    motion.move(end, person.seconds(0.8 + 4.0 * distance))
    motion.pause(rng.uniform(0.1, 0.25))
    back = end.moved(np.array([-rng.uniform(0.04, 0.06), 0.0, 0.01]))
    motion.move(back, person.seconds(0.4))
    motion.move(back.moved(np.array([-0.03, 0.0, 0.07])), person.seconds(0.5), overlap=0.4)
    motion.move(person.resting(), person.seconds(0.8), overlap=0.5)
    return Performance(motion, pushed=item.name, push_contact_x=float(contact.T_world_wrist[0, 3]))


def _press_button(person: Person, layout: Layout, goal: Goal) -> Performance:
    rng = person.rng
    R = hand_rotation(rng.uniform(-0.2, 0.3), rng.uniform(0.75, 0.95), rng.uniform(0.0, 0.4))
    top = np.array([*(goal.place_position + rng.uniform(-0.005, 0.005, 2)), BUTTON_TOP + SKIN_M])
    touch = person.reach(_POINTING, R, {_INDEX: top})
    down = touch.moved(-rng.uniform(0.9, 1.0) * BUTTON_TRAVEL * _UP)
    above = touch.moved(rng.uniform(0.05, 0.07) * _UP)
    motion = Motion(person.resting())
    motion.pause(rng.uniform(0.1, 0.3))
    motion.move(above, person.seconds(1.1))
    person.hesitate(motion)
    motion.move(touch.moved(0.012 * _UP), person.seconds(0.5), overlap=0.1)
    motion.move(down, person.seconds(0.4), overlap=0.2)
    motion.pause(rng.uniform(0.15, 0.35))
    motion.move(above, person.seconds(0.5))
    motion.move(person.resting(), person.seconds(1.0), overlap=0.3)
    return Performance(motion)


PLANS: dict[str, Callable[[Person, Layout, Goal], Performance]] = {
    "pick_place": _pick_place,
    "push": _push,
    "press_button": _press_button,
    "hold": _hold,
    "pour": pour,
    "flip_cup": flip_cup,
    "flick_ball": flick_ball,
    WANDER: wander,
}
"""Task -> how a person does it; and what a person does without one."""


def plan(task: str, layout: Layout, goal: Goal, skeleton: HandSkeleton, rng: np.random.Generator) -> Performance:
    """A person's way of doing a task with the right hand."""
    return PLANS[task](Person(skeleton, rng, float(rng.uniform(0.85, 1.2))), layout, goal)
