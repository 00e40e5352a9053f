"""Whole clips: a rendered person's true hand, wrong along the camera's rays as tracked ones are, comes back."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from understudy.errors import UnderstudyError
from understudy.geometry.transforms import apply_transform
from understudy.perception.scene_change import Move, SceneChange
from understudy.perception.scene_objects import SceneObject
from understudy.retargeting.anchored import _Act, _doubt, anchor_hand
from understudy.retargeting.anchoring import Contact, pinch_point
from understudy.retargeting.grasp import Grasps
from understudy.retargeting.holding import UPRIGHT, Carry
from understudy.simulation.human import RenderedFrames, record_human

TOO_FAR = 1.05


@cache
def clip(task, seed):
    demonstration = record_human(task, seed, size=384, fps=8.0)
    return demonstration, tuple(RenderedFrames(demonstration, supersampling=1))


def seen(demonstration):
    """The track with every point 5 % further from the camera, in the same pixels."""
    return replace(demonstration.track, keypoints_camera=TOO_FAR * demonstration.track.keypoints_camera)


def anchored(task, seed):
    demonstration, frames = clip(task, seed)
    hand = anchor_hand(seen(demonstration), iter(frames), demonstration.camera, known_length=True)
    pose = demonstration.camera.T_world_camera
    true, tracked = (
        pinch_point(apply_transform(pose, track.keypoints_camera))
        for track in (demonstration.track, seen(demonstration))
    )
    return (
        demonstration,
        hand,
        np.linalg.norm(tracked - true, axis=-1),
        np.linalg.norm(pinch_point(hand.keypoints) - true, axis=-1),
    )


@pytest.mark.parametrize(("task", "to_the_end"), [("hold", True), ("pour", False), ("pick_place", False)])
def test_a_held_thing_brings_the_hand_back(task, to_the_end):
    demonstration, hand, before, after = anchored(task, 11)
    assert hand.grasps is not None
    first, last = hand.grasps.intervals[0]
    assert before[first] > 0.03
    assert after[first] < 0.015
    assert len(hand.grasps.intervals) == 1
    assert (last == demonstration.track.num_frames - 1) is to_the_end
    assert hand.near[first]
    far = np.r_[: max(first - 8, 0), last + 9 : len(after)]
    assert (after[far] <= before[far] + 0.01).all()


@pytest.mark.parametrize("task", ["push", "press_button"])
def test_what_is_touched_and_not_held_brings_the_hand_back(task):
    _, hand, before, after = anchored(task, 11)
    assert not hand.grasps.found
    assert np.median(after[hand.near]) < 0.5 * np.median(before[hand.near])


def test_a_hand_that_is_too_far_from_anything_stays_where_it_was_seen():
    demonstration, frames = clip("press_button", 11)
    aside = 1.3 * demonstration.track.keypoints_camera
    track = replace(demonstration.track, keypoints_camera=aside)
    hand = anchor_hand(track, iter(frames), demonstration.camera, known_length=True)
    np.testing.assert_array_equal(hand.keypoints, apply_transform(demonstration.camera.T_world_camera, aside))
    assert hand.grasps is None
    assert hand.near.all()
    assert "not believed" in hand.notes[0]


def test_on_an_empty_table_nothing_is_anchored():
    demonstration, frames = clip("press_button", 11)
    empty = (np.full_like(frames[0], 128) for _ in frames)
    hand = anchor_hand(demonstration.track, empty, demonstration.camera)
    assert hand.grasps is None
    assert hand.notes == ("nothing was found on the table: the hand is not anchored",)


def test_a_quick_way_over_a_thing_is_no_doubt():
    """How far a hand is from straight over a thing counts only for what was never seen elsewhere."""
    here = SceneObject(np.array([0.4, 0.1]), 0.025, 0.05, np.zeros(3), 0.0, np.zeros((1, 1), dtype=bool))
    there = replace(here, xy=np.array([0.6, -0.1]))
    held = Contact(5, np.zeros(3), np.full(3, 0.02), "held where it stood")
    over = Contact(2, np.zeros(3), np.full(3, 0.08), UPRIGHT)
    carry, empty = Carry((4, 6), (8, 9)), SceneChange([here], [], np.zeros((10, 1), dtype=bool))
    nothing = Grasps(np.zeros(10, dtype=bool), np.zeros(10), np.nan, np.nan)
    acts = [
        _Act(clip("press_button", 11)[0].track, empty, np.zeros(3), move, carry, nothing)
        for move in (Move(here, there), Move(here, here))
    ]
    assert _doubt([held, over], acts[0]) is None
    assert "139 mm away is not believed" in _doubt([held, over], acts[1])
    assert "not believed" in _doubt([replace(held, shift=np.full(3, 0.1)), over], acts[0])


def test_a_camera_without_a_pose_is_refused():
    demonstration, frames = clip("press_button", 11)
    unknown = replace(demonstration.camera, T_world_camera=None)
    with pytest.raises(UnderstudyError, match="no known pose over the table"):
        anchor_hand(demonstration.track, iter(frames), unknown)


def test_track_and_frames_belong_together():
    demonstration, frames = clip("press_button", 11)
    with pytest.raises(ValueError, match=f"3 frames with a track of {len(frames)}"):
        anchor_hand(demonstration.track, iter(frames[:3]), demonstration.camera)
