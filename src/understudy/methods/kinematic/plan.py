"""From a prompt to actions: track, place over the table, anchor at contacts, retarget, approach."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int8

from understudy.embodiments import get_embodiment
from understudy.errors import UnderstudyError
from understudy.geometry.cameras import resize_camera
from understudy.geometry.transforms import apply_transform
from understudy.methods.kinematic.approach import approach
from understudy.perception.track import track_hand
from understudy.perception.video import read_frames
from understudy.records import Camera, HandTrack, HumanVideo, Observation
from understudy.retargeting.actions import home_action
from understudy.retargeting.anchored import NO_POSE, anchor_hand
from understudy.retargeting.config import RetargetConfig
from understudy.retargeting.grasp import Grasps
from understudy.retargeting.mirror import mirror_left_hand
from understudy.retargeting.retarget import retarget_hand
from understudy.retargeting.retime import resample

__all__ = ["Plan", "plan"]

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
        if camera.T_world_camera is None:
            raise UnderstudyError(NO_POSE)
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
        raise UnderstudyError(NO_POSE)
    return apply_transform(track.camera.T_world_camera, track.keypoints_camera)


def _anchored(track: HandTrack, video: HumanVideo, camera: Camera, observation: Observation) -> _Motion:
    """The tracked hand at what it touched, from just before its first contact to just after its last."""
    images = (image for _, image in read_frames(video))
    hand = anchor_hand(track, images, camera, view=observation.image)
    near, grasps = hand.near, hand.grasps
    if grasps is not None:
        grasps = Grasps(grasps.closed[near], grasps.confidence[near], grasps.open_m, grasps.closed_m)
    return _Motion(hand.keypoints[near], track.status[near], track.time_s[near], grasps, hand.notes)
