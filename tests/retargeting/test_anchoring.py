"""Anchors against a hand whose error is known: shifted along the camera's rays, it must come back."""

import numpy as np
import pytest

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.perception.scene_change import Move, SceneChange
from understudy.perception.scene_objects import SceneObject
from understudy.retargeting.anchoring import (
    Contact,
    anchor_keypoints,
    pinch_point,
    press_contacts,
    push_contacts,
    scale_to_contacts,
)
from understudy.retargeting.holding import Carry, carry_contacts, find_carry, find_taken, holding, steady_grip
from understudy.retargeting.poke import poke_point

EYE = np.array([0.78, 0.68, 0.80])
NUM_FRAMES = 30
TIME_S = np.arange(NUM_FRAMES) / 10
VALID = np.ones(NUM_FRAMES, dtype=bool)
DEPTH_ERROR = 1.05


def thing(x, y, radius=0.025, height=0.05):
    return SceneObject(np.array([x, y]), radius, height, np.zeros(3), 0.0, np.zeros((1, 1), dtype=bool))


def hand_along(path, point_of):
    """A stiff hand whose `point_of` keypoints follows `path` (T, 3)."""
    shape = HandSkeleton().keypoints(np.zeros(20))
    shape = shape @ np.diag([1.0, -1.0, -1.0])  # palm down
    keypoints = np.repeat(shape[None], len(path), axis=0)
    return keypoints + (path - point_of(keypoints))[:, None]


def further_along_the_ray(keypoints):
    wrist = keypoints[:, :1] - EYE
    return keypoints + (DEPTH_ERROR - 1) * wrist


def test_a_press_lands_on_the_nearest_things_top():
    down = np.array([0.6, 0.05, 0.03])
    path = down + np.abs(np.arange(NUM_FRAMES) - 15)[:, None] * np.array([0, 0, 0.01])
    seen = further_along_the_ray(hand_along(path, poke_point))
    contacts = press_contacts(seen, VALID, TIME_S, [thing(0.6, 0.2), thing(0.6, 0.05, 0.04, 0.03)], EYE)
    anchored, _ = anchor_keypoints(seen, TIME_S, contacts)
    np.testing.assert_allclose(poke_point(anchored)[contacts[0].index], [0.6, 0.05, 0.02], atol=1e-9)


def test_a_push_ends_behind_the_last_place():
    x = np.interp(np.arange(NUM_FRAMES), [0, 5, 20, 29], [0.28, 0.30, 0.42, 0.36])
    z = np.interp(np.arange(NUM_FRAMES), [0, 5, 20, 29], [0.10, 0.03, 0.03, 0.15])
    truth = hand_along(np.stack([x, np.full(NUM_FRAMES, 0.1), z], -1), poke_point)
    move = Move(thing(0.333, 0.1), thing(0.453, 0.1))
    contacts = push_contacts(further_along_the_ray(truth), VALID, TIME_S, move, EYE)
    anchored, _ = anchor_keypoints(further_along_the_ray(truth), TIME_S, contacts)
    error = np.linalg.norm(poke_point(anchored) - poke_point(truth), axis=-1)
    assert error[5:21].max() < 0.015


def test_a_contact_far_away_is_not_believed_and_said_so():
    keypoints = hand_along(np.zeros((NUM_FRAMES, 3)), poke_point)
    anchored, notes = anchor_keypoints(keypoints, TIME_S, [Contact(3, EYE, np.array([0.5, 0, 0]), "press")])
    np.testing.assert_array_equal(anchored, keypoints)
    assert "not believed" in notes[0]


@pytest.mark.parametrize("index", [0, 12, 29])
def test_one_contact_moves_the_whole_clip_alike(index):
    keypoints = hand_along(np.zeros((NUM_FRAMES, 3)), poke_point)
    shift = np.array([0.01, -0.02, 0.03])
    anchored, _ = anchor_keypoints(keypoints, TIME_S, [Contact(index, EYE, shift, "press")])
    np.testing.assert_allclose(anchored - keypoints, np.broadcast_to(shift, keypoints.shape), atol=1e-12)


def test_a_press_is_the_dip_and_not_the_lowest_rest():
    z = np.interp(np.arange(NUM_FRAMES), [0, 8, 12, 16, 20, 29], [0.02, 0.12, 0.05, 0.12, 0.10, 0.01])
    path = np.stack([np.full(NUM_FRAMES, 0.6), np.full(NUM_FRAMES, 0.05), z], -1)
    contacts = press_contacts(hand_along(path, poke_point), VALID, TIME_S, [thing(0.6, 0.05, 0.04, 0.03)], EYE)
    assert contacts[0].index == 12


def carry(lift_m):
    """A hand that comes down at A, stays, carries over to B by way of a lift, stays, and goes up."""
    knots = [0, 5, 10, 13, 17, 20, 25, 29]
    x = np.interp(np.arange(NUM_FRAMES), knots, [0.35, 0.35, 0.35, 0.35, 0.62, 0.62, 0.62, 0.62])
    y = np.interp(np.arange(NUM_FRAMES), knots, [0.1, 0.1, 0.1, 0.1, -0.1, -0.1, -0.1, -0.1])
    lifted = 0.025 + lift_m
    z = np.interp(np.arange(NUM_FRAMES), knots, [0.15, 0.025, 0.025, lifted, lifted, 0.025, 0.025, 0.15])
    return hand_along(np.stack([x, y, z], -1), pinch_point), Move(thing(0.35, 0.1), thing(0.62, -0.1))


def test_what_was_carried_tells_when_it_was_held():
    truth, move = carry(lift_m=0.12)
    found = find_carry(further_along_the_ray(truth), VALID, move, EYE)
    assert found is not None
    assert found.interval[0] in range(5, 11)
    assert found.interval[1] in range(20, 26)


def test_what_was_never_lifted_was_not_held():
    truth, move = carry(lift_m=0.0)
    assert find_carry(further_along_the_ray(truth), VALID, move, EYE) is None


def taking(back):
    """A hand that takes a thing at A up and away, to the end or back to A; and frames in which A is empty."""
    knots = [0, 5, 11, 15, 20, 24, 29]
    x = np.interp(
        np.arange(NUM_FRAMES), knots, [0.35, 0.35, 0.35, 0.55, 0.55, *((0.35, 0.35) if back else (0.55,) * 2)]
    )
    z = np.interp(
        np.arange(NUM_FRAMES), knots, [0.15, 0.025, 0.025, 0.15, 0.15, *((0.025,) * 2 if back else (0.15,) * 2)]
    )
    hand = hand_along(np.stack([x, np.full(NUM_FRAMES, 0.1), z], -1), pinch_point)
    frames = np.arange(NUM_FRAMES)
    empty = (frames > 11) & (frames < (24 if back else NUM_FRAMES))
    things = [thing(0.35, 0.1), thing(0.45, -0.2)]
    return hand, SceneChange(things, [], np.stack([empty, empty], -1))


@pytest.mark.parametrize("back", [False, True])
def test_what_is_gone_while_the_hand_is_elsewhere_was_taken_along(back):
    hand, scene = taking(back)
    found = find_taken(further_along_the_ray(hand), VALID, TIME_S, scene, [], EYE)
    assert found is not None
    carried, move = found
    assert move.start is scene.objects[0]
    assert carried.interval[0] in range(5, 12)
    assert carried.to_the_end is not back
    assert carried.interval[1] in (range(24, 30) if back else (NUM_FRAMES - 1,))
    contacts = carry_contacts(hand, VALID, TIME_S, carried, move, EYE)
    assert ("held where it came to rest" in {contact.reason for contact in contacts}) is back


def test_what_stays_in_sight_was_not_taken_along():
    hand, scene = taking(back=False)
    in_sight = SceneChange(scene.objects, [], np.zeros_like(scene.unseen))
    assert find_taken(hand, VALID, TIME_S, in_sight, [], EYE) is None


def test_what_an_arm_hides_was_not_taken_along_unless_fingers_grasp():
    """The fingers pass within 2 cm of it and never stay."""
    hand, scene = taking(back=False)
    aside = SceneChange([thing(0.35, 0.12)], [], scene.unseen[:, :1])
    assert find_taken(hand, VALID, TIME_S, aside, [], EYE) is None
    assert find_taken(hand, VALID, TIME_S, aside, [(9, 29)], EYE) is not None


def test_fingers_time_the_grasp_only_where_they_agree_with_the_scene():
    found = Carry((5, 9), (20, 25))
    assert holding(NUM_FRAMES, found, [(8, 21)]).intervals == [(8, 21)]
    assert holding(NUM_FRAMES, found, [(3, 28)]).intervals == [(5, 25)]
    assert holding(NUM_FRAMES, found, [(25, 29)]).intervals == [(7, 22)]
    assert not holding(NUM_FRAMES, None, [(8, 21)]).found


def test_an_unknown_hand_length_is_found_from_contacts():
    truth, move = carry(lift_m=0.12)
    seen = EYE + DEPTH_ERROR * (truth - EYE)
    contacts = carry_contacts(seen, VALID, TIME_S, Carry((6, 9), (21, 24)), move, EYE)
    scaled, scale = scale_to_contacts(seen, contacts, EYE)
    assert scale == pytest.approx(1 / DEPTH_ERROR, abs=0.01)
    assert np.linalg.norm(scaled - truth, axis=-1).max() < 0.02


def test_a_carry_brings_back_a_hand_that_is_too_far_away():
    truth, move = carry(lift_m=0.12)
    seen = further_along_the_ray(truth)
    assert np.linalg.norm(pinch_point(seen) - pinch_point(truth), axis=-1).min() > 0.03
    contacts = carry_contacts(seen, VALID, TIME_S, Carry((6, 9), (21, 24)), move, EYE)
    anchored, notes = anchor_keypoints(seen, TIME_S, contacts)
    np.testing.assert_allclose(pinch_point(anchored)[6:10], pinch_point(truth)[6:10], atol=0.012)
    np.testing.assert_allclose(pinch_point(anchored)[21:25], pinch_point(truth)[21:25], atol=0.012)
    assert pinch_point(anchored)[1, 2] > 0.1
    assert len(notes) == 3


def test_a_held_thing_is_rigid_and_as_wide_as_it_is():
    truth, _ = carry(lift_m=0.12)
    noisy = truth + np.random.default_rng(0).normal(0, 0.01, truth.shape)
    closed = (np.arange(NUM_FRAMES) >= 8) & (np.arange(NUM_FRAMES) <= 22)
    steady = steady_grip(noisy, TIME_S, Carry((6, 9), (21, 24)), closed, 0.05)
    gap = np.linalg.norm(0.5 * (steady[:, 8] + steady[:, 12]) - steady[:, 4], axis=-1)
    np.testing.assert_allclose(gap[closed], 0.05, atol=1e-9)
    assert gap[6] > 0.08
    np.testing.assert_array_equal(steady[:3], noisy[:3])
