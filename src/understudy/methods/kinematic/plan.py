"""From a prompt to actions: track, place over the table, anchor at contacts, retarget, approach."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Int8, UInt8

from understudy.embodiments import get_embodiment
from understudy.errors import UnderstudyError
from understudy.geometry.cameras import resize_camera
from understudy.geometry.transforms import apply_transform
from understudy.methods.kinematic.anchoring import (
    LEAD_S,
    Contact,
    anchor_keypoints,
    press_contacts,
    push_contacts,
    scale_to_contacts,
)
from understudy.methods.kinematic.approach import approach
from understudy.methods.kinematic.holding import carry_contacts, find_carry, holding, steady_grip
from understudy.perception.scene_change import Move, find_moves
from understudy.perception.scene_objects import SceneObject, beside_hand, find_objects, foreground
from understudy.perception.track import track_hand
from understudy.perception.video import read_frames
from understudy.records import Camera, HandTrack, HumanVideo, Observation
from understudy.retargeting.actions import home_action
from understudy.retargeting.config import RetargetConfig
from understudy.retargeting.grasp import Grasps, detect_grasps
from understudy.retargeting.mirror import mirror_left_hand
from understudy.retargeting.retarget import retarget_hand
from understudy.retargeting.retime import resample

__all__ = ["Plan", "plan"]

_SAME_SHARE = 0.6
"""What stands in the robot's view and in the prompt alike has changed in less than this share of its pixels: the hand
and its shadow may cover some."""
_BRIDGE_S = 0.4
"""Gaps in the track up to this long are bridged, so that a hand hidden for a moment does not stop the robot."""


@dataclass(frozen=True)
class Plan:
    """What the robot will do, open loop."""

    actions: Float[np.ndarray, "N A"]
    notes: tuple[str, ...]


def plan(prompt: HumanVideo | HandTrack, observation: Observation, robot: str, dt_s: float) -> Plan:
    """Actions for `robot`, one per control step of `dt_s`, that do what the hand in `prompt` does.

    A video is tracked from its pixels and anchored at what it touches; a `HandTrack` is taken as it is. A video without
    a camera of its own is taken to be filmed by the camera of the observation.

    Raises:
        PromptError: no hand in the prompt.
        UnderstudyError: an unreadable video, or no camera pose over the table.
    """
    if isinstance(prompt, HandTrack):
        track = prompt
        motion = _Motion(_in_world(track), track.status, track.time_s)
    else:
        camera = prompt.camera or resize_camera(observation.camera, prompt.width, prompt.height)
        track = track_hand(prompt, camera=camera)
        motion = _anchored(track, prompt, camera, observation)
    keypoints, notes = motion.keypoints, motion.notes
    if track.handedness == "left":
        keypoints, note = mirror_left_hand(keypoints, about="hand")
        notes += (note,)
    config = RetargetConfig(bridge_gaps_s=_BRIDGE_S)
    trajectory = retarget_hand(keypoints, motion.status, motion.time_s, robot, config=config, grasps=motion.grasps)
    sampled = resample(trajectory, dt_s)
    embodiment = get_embodiment(robot)
    way = approach(embodiment, home_action(embodiment), sampled.actions[0], dt_s)
    return Plan(np.concatenate([way, sampled.actions]), notes + trajectory.notes)


@dataclass(frozen=True)
class _Motion:
    """The hand over the table, ready to be retargeted."""

    keypoints: Float[np.ndarray, "T 21 3"]
    """World [m]."""
    status: Int8[np.ndarray, " T"]
    time_s: Float[np.ndarray, " T"]
    grasps: Grasps | None = None
    """When something is held; None to judge by the fingers alone."""
    notes: tuple[str, ...] = ()


def _in_world(track: HandTrack) -> Float[np.ndarray, "T 21 3"]:
    if track.camera.T_world_camera is None:
        raise UnderstudyError("the prompt's camera has no known pose over the table: pass a camera with T_world_camera")
    return apply_transform(track.camera.T_world_camera, track.keypoints_camera)


def _anchored(track: HandTrack, video: HumanVideo, camera: Camera, observation: Observation) -> _Motion:
    """The tracked hand at what it touched, from just before its first contact to just after its last."""
    keypoints = _in_world(track)
    objects, moves = _scene(video, track, camera, observation)
    if not objects:
        note = "nothing was found on the table: the tracked hand is not anchored"
        return _Motion(keypoints, track.status, track.time_s, notes=(note,))
    eye = np.asarray(camera.T_world_camera)[:3, 3]
    move = max(moves, key=lambda move: move.distance_m) if moves else None
    carry = find_carry(keypoints, track.valid, move, eye) if move else None
    grasps = holding(track.num_frames, carry, detect_grasps(keypoints, track.valid, track.time_s).intervals)

    def contacts(keypoints: Float[np.ndarray, "T 21 3"]) -> list[Contact]:
        if move is None:
            return press_contacts(keypoints, track.valid, track.time_s, objects, eye)
        if carry is not None:
            return carry_contacts(keypoints, track.valid, track.time_s, carry, move, eye)
        return push_contacts(keypoints, track.valid, track.time_s, move, eye)

    keypoints, scale = scale_to_contacts(keypoints, contacts(keypoints), eye)
    note = f"hand of {scale * track.hand_length_m:.3f} m, as its contacts say"
    if move is not None and carry is not None:
        keypoints = steady_grip(keypoints, track.time_s, carry, grasps.closed, 2 * move.start.radius_m)
    known = contacts(keypoints)
    keypoints, notes = anchor_keypoints(keypoints, track.time_s, known)
    touching_s = track.time_s[[contact.index for contact in known]]
    # A carry begins and ends straight over a thing.
    lead_s = LEAD_S if carry is None else 0.0
    near = (track.time_s >= touching_s.min() - lead_s) & (track.time_s <= touching_s.max() + lead_s)
    return _Motion(
        keypoints[near],
        track.status[near],
        track.time_s[near],
        Grasps(grasps.closed[near], grasps.confidence[near], grasps.open_m, grasps.closed_m),
        (note, *notes),
    )


def _scene(
    video: HumanVideo, track: HandTrack, camera: Camera, observation: Observation
) -> tuple[list[SceneObject], list[Move]]:
    """What stands on the table in the first frame, and what stands elsewhere in the last, the hand's places apart.

    What stands beside the resting hand is looked up in the robot's own view of the scene, which has no person in it.
    """
    before, after = _ends(video)
    first, last = track.keypoints_px[0], track.keypoints_px[-1]
    objects = [thing for thing in find_objects(before, camera) if not beside_hand(thing.mask, first)]
    if 2 * observation.image.shape[0] >= video.height:
        view = cv2.resize(observation.image, (video.width, video.height), interpolation=cv2.INTER_AREA)
        changed, _ = foreground(before, view)
        hidden = [thing for thing in find_objects(view, camera) if beside_hand(thing.mask, first)]
        objects += [thing for thing in hidden if (changed & thing.mask).sum() < _SAME_SHARE * thing.mask.sum()]
    moves = find_moves(before, after, objects, camera)
    return objects, [move for move in moves if not beside_hand(move.end.mask, last)]


def _ends(video: HumanVideo) -> tuple[UInt8[np.ndarray, "H W 3"], UInt8[np.ndarray, "H W 3"]]:
    """First and last frame."""
    frames = read_frames(video)
    _, first = next(frames)
    last = first
    for _, image in frames:
        last = image
    return first, last
