"""A tracked hand over a table, put where it must have been, from what its clip shows of the things there.

`perception.scene_change` says what became of them, `holding` when the hand held one, `anchoring` where it must have
been then. What the clip does not settle is left as it was tracked, and the notes say so.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, UInt8

from understudy.errors import UnderstudyError
from understudy.geometry.transforms import apply_transform
from understudy.perception.scene_change import Move, SceneChange, watch_scene
from understudy.records import Camera, HandTrack
from understudy.retargeting.anchoring import (
    LEAD_S,
    Contact,
    anchor_keypoints,
    press_contacts,
    push_contacts,
    scale_to_contacts,
)
from understudy.retargeting.grasp import Grasps, detect_grasps
from understudy.retargeting.holding import UPRIGHT, Carry, carry_contacts, find_carry, find_taken, holding, steady_grip

__all__ = ["NO_POSE", "AnchoredHand", "anchor_hand"]

NO_POSE = "the prompt's camera has no known pose over the table: pass a camera with T_world_camera"

_MAX_SHIFT_M = 0.1
"""Trackers err by up to this much along a camera's rays once the hand's length is known."""
_FADE_S = 0.4
"""In which the straight way over a thing gives way to the hand's own [s]."""
_MOVED_M = 0.03
"""What stands less far from its first place may have been set back there."""


@dataclass(frozen=True, eq=False)
class AnchoredHand:
    """The hand over the table."""

    keypoints: Float[np.ndarray, "T 21 3"]
    """World [m]; NaN where the track has none."""
    grasps: Grasps | None
    """When something is held, as the scene says; None to judge by the fingers alone."""
    near: Bool[np.ndarray, " T"]
    """From just before the first contact to just after the last: elsewhere the hand's place is less certain. All
    frames where no contact is known."""
    notes: tuple[str, ...]


def anchor_hand(
    track: HandTrack,
    frames: Iterable[UInt8[np.ndarray, "H W 3"]],
    camera: Camera,
    *,
    view: UInt8[np.ndarray, "S S 3"] | None = None,
    known_length: bool = False,
) -> AnchoredHand:
    """Move the tracked hand to what it touched.

    Args:
        track: of T frames.
        frames: the same T frames, one by one.
        camera: with its pose over the table, for images of that size.
        view: the scene without the person by the same camera, where there is one.
        known_length: the person's hand was measured; else its length is found from the contacts.

    Raises:
        UnderstudyError: no pose of the camera over the table.
        ValueError: another number of frames than the track has.
    """
    if camera.T_world_camera is None:
        raise UnderstudyError(NO_POSE)
    tracked = keypoints = apply_transform(camera.T_world_camera, track.keypoints_camera)
    scene = watch_scene(frames, camera, track.keypoints_px[0], track.keypoints_px[-1], view)
    if len(scene.unseen) != track.num_frames:
        raise ValueError(f"{len(scene.unseen)} frames with a track of {track.num_frames}")
    everywhere = np.ones(track.num_frames, dtype=bool)
    if not scene.objects:
        return AnchoredHand(keypoints, None, everywhere, ("nothing was found on the table: the hand is not anchored",))
    act = _Act.seen(keypoints, track, scene, np.asarray(camera.T_world_camera)[:3, 3])
    notes: tuple[str, ...] = ()
    if not known_length:
        keypoints, scale = scale_to_contacts(keypoints, act.contacts(keypoints), act.eye)
        notes = (f"hand of {scale * track.hand_length_m:.3f} m, as its contacts say",)
    if act.carry is not None and act.move is not None:
        width_m = 2 * act.move.start.radius_m
        keypoints = steady_grip(keypoints, track.time_s, act.carry, act.grasps.closed, width_m)
    known = act.contacts(keypoints)
    if doubt := _doubt(known, act):
        return AnchoredHand(tracked, None, everywhere, (doubt,))
    keypoints, found = anchor_keypoints(keypoints, track.time_s, [*known, *_fading(known, track.time_s, act.carry)])
    touching_s = track.time_s[[contact.index for contact in known]]
    # A carry begins and ends straight over a thing.
    lead_s = LEAD_S if act.carry is None else 0.0
    near = (track.time_s >= touching_s.min() - lead_s) & (track.time_s <= touching_s.max() + lead_s)
    if act.carry is not None and act.carry.to_the_end:
        near |= track.time_s >= touching_s.max()
    return AnchoredHand(keypoints, act.grasps, near, notes + found)


def _fading(contacts: list[Contact], time_s: Float[np.ndarray, " T"], carry: Carry | None) -> list[Contact]:
    """Beyond the straight ways down and up the hand goes its own way again, corrected as amid its stay at the thing.

    (At the end of a stay it may have begun to rise.)
    """
    if carry is None:
        return []
    stays = [
        [c for c in contacts if c.reason != UPRIGHT and a <= c.index <= b] for a, b in (carry.at_start, carry.at_end)
    ]
    straight = [contact.index for contact in contacts if contact.reason == UPRIGHT]
    fading = []
    for sign, stay in ((-1, stays[0]), (1, stays[1] or stays[0])):
        edge = max((sign * index for index in straight), default=-np.inf) * sign
        if sign * edge <= sign * stay[len(stay) // 2].index:
            continue
        beyond = np.flatnonzero(sign * (time_s - time_s[int(edge)]) >= _FADE_S)
        if len(beyond):
            index = int(beyond[0] if sign > 0 else beyond[-1])
            fading.append(replace(stay[len(stay) // 2], index=index, reason=UPRIGHT))
    return fading


def _doubt(contacts: list[Contact], act: "_Act") -> str | None:
    """A note if a kind of contact would move the hand further than trackers err: something else was touched.

    How far a hand is from straight over a thing says how quickly it came. It counts only for what was never seen
    elsewhere, which an arm may have hidden instead.
    """
    carried = act.carry is not None and act.move is not None and act.move.start is not act.move.end
    for reason in dict.fromkeys(contact.reason for contact in contacts):
        if carried and reason == UPRIGHT:
            continue
        shift_m = float(np.median([np.linalg.norm(c.shift) for c in contacts if c.reason == reason]))
        if shift_m > _MAX_SHIFT_M:
            return f"{reason}: {1000 * shift_m:.0f} mm away is not believed, the hand is not anchored"
    return None


@dataclass(frozen=True, eq=False)
class _Act:
    """What was done: something carried, pushed or pressed."""

    track: HandTrack
    scene: SceneChange
    eye: Float[np.ndarray, "3"]
    move: Move | None
    carry: Carry | None
    grasps: Grasps

    @classmethod
    def seen(
        cls, keypoints: Float[np.ndarray, "T 21 3"], track: HandTrack, scene: SceneChange, eye: Float[np.ndarray, "3"]
    ) -> "_Act":
        grasped = detect_grasps(keypoints, track.valid, track.time_s).intervals
        far = [move for move in scene.moves if move.distance_m > _MOVED_M]
        move = max(far, key=lambda move: move.distance_m) if far else None
        carry = find_carry(keypoints, track.valid, move, eye) if move else None
        if move is None and (taken := find_taken(keypoints, track.valid, track.time_s, scene, grasped, eye)):
            carry, move = taken
        return cls(track, scene, eye, move, carry, holding(track.num_frames, carry, grasped))

    def contacts(self, keypoints: Float[np.ndarray, "T 21 3"]) -> list[Contact]:
        valid, time_s = self.track.valid, self.track.time_s
        if self.move is None:
            return press_contacts(keypoints, valid, time_s, self.scene.objects, self.eye)
        if self.carry is not None:
            return carry_contacts(keypoints, valid, time_s, self.carry, self.move, self.eye)
        return push_contacts(keypoints, valid, time_s, self.move, self.eye)
