"""Rendered clips with known truth for `tracking.py`: the three tasks' demonstrations, and free motions beyond them.

The seed sets everything: kind of clip, person (size, skin, sleeve, side), looks and light, motion. A clip is encoded as
h264 and read back before it is tracked. What the tracker saw is kept beside the truth in a work folder, so that a run
can be stopped and resumed, and settings compared on the same detections.
"""

import os
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.geometry.cameras import project
from understudy.geometry.rotations import quaternion_from_matrix
from understudy.geometry.transforms import apply_transform, inverse_transform, make_transform
from understudy.perception.hand_landmarker import HandDetections, detect_hands
from understudy.perception.track_file import load_hand_track, save_hand_track
from understudy.perception.video import open_video, read_frames, write_video
from understudy.records import Camera, HandTrack
from understudy.simulation.human import HumanDemonstration, record_human
from understudy.simulation.human_motion import Motion, tremor
from understudy.simulation.human_pose import HandPose, hand_rotation
from understudy.simulation.tasks import TASKS

__all__ = ["KINDS", "kind_of", "make_clip", "seen_clip"]

KINDS = (*sorted(TASKS), "free", "free")
"""What the clips of consecutive seeds show, in turn."""

_SIZE = 512
_FPS = 15.0
_STREAM = 77
_MIRROR = np.diag([1.0, -1.0, 1.0])
_POSITION_LOW, _POSITION_HIGH = np.array([0.20, -0.32, 0.06]), np.array([0.62, 0.18, 0.34])
_MARGIN_PX = 12.0


def kind_of(seed: int) -> str:
    """What the clip of a seed shows."""
    return KINDS[seed % len(KINDS)]


def seen_clip(seed: int, work: Path) -> tuple[HandTrack, HandDetections]:
    """The truth and the detections of a clip; rendered, encoded and detected if `work` does not have them yet."""
    truth_file, seen_file = work / f"{seed}.truth.npz", work / f"{seed}.seen.npz"
    if not seen_file.exists():
        clip = make_clip(seed)
        film = work / f"{seed}.mp4"
        write_video(film, clip.frames, clip.fps)
        detections = detect_hands(read_frames(open_video(film, clip.camera)))
        film.unlink()
        save_hand_track(truth_file, clip.track)
        part = seen_file.with_suffix(".part")
        with part.open("wb") as file:
            np.savez_compressed(file, **{field.name: getattr(detections, field.name) for field in fields(detections)})
        os.replace(part, seen_file)
    with np.load(seen_file, allow_pickle=False) as arrays:
        return load_hand_track(truth_file), HandDetections(**arrays)


def make_clip(seed: int) -> HumanDemonstration:
    """The clip of a seed: its film, camera, body and true hand track; either hand."""
    kind = kind_of(seed)
    demo = record_human(kind if kind != "free" else "push", seed, size=_SIZE, fps=_FPS, handedness="any")
    return _freed(demo) if kind == "free" else demo


def _freed(demo: HumanDemonstration) -> HumanDemonstration:
    """The same room and person with a hand that moves freely through way-points; things stay where they are."""
    rng = np.random.default_rng((demo.seed, _STREAM))
    skeleton = HandSkeleton(demo.body.hand_length_m)
    left = demo.body.handedness == "left"
    motion = Motion(_pose(rng, skeleton, demo.camera, left))
    while motion.end_s < 4.0:
        motion.move(_pose(rng, skeleton, demo.camera, left), rng.uniform(0.6, 1.4), overlap=rng.uniform(0.0, 0.4))
        if rng.random() < 0.4:
            motion.pause(rng.uniform(0.1, 0.5))
    time_s = np.arange(int(motion.end_s * demo.fps) + 1) / demo.fps
    T, joints = motion.sample(time_s)
    T[:, :3, 3] += tremor(rng, time_s)
    keypoints = apply_transform(T, skeleton.keypoints(joints))
    if left:
        T, keypoints = make_transform(_MIRROR @ T[:, :3, :3] @ _MIRROR, T[:, :3, 3] @ _MIRROR), keypoints @ _MIRROR
    assert demo.camera.T_world_camera is not None
    T_camera_world = inverse_transform(demo.camera.T_world_camera)
    seen = apply_transform(T_camera_world, keypoints)
    num = len(time_s)
    track = replace(
        demo.track,
        time_s=time_s,
        status=np.zeros(num, np.int8),
        confidence=np.ones(num),
        keypoints_px=project(demo.camera.K, seen),
        keypoints_camera=seen,
        T_camera_wrist=T_camera_world @ T,
        joint_angles=joints,
        wrist_std_m=np.zeros((num, 3)),
        residual_px=np.zeros(num),
    )
    return replace(
        demo,
        task="free",
        label="move freely",
        track=track,
        object_poses={name: np.repeat(poses[:1], num, axis=0) for name, poses in demo.object_poses.items()},
        button_travel={name: np.zeros(num) for name in demo.button_travel},
        wrist_qpos=np.concatenate([T[:, :3, 3], quaternion_from_matrix(T[:, :3, :3])], axis=1),
    )


def _pose(rng: np.random.Generator, skeleton: HandSkeleton, camera: Camera, left: bool) -> HandPose:
    """A random pose, all of it in view and above the table."""
    assert camera.T_world_camera is not None
    while True:
        yaw, pitch, roll = rng.uniform(-0.7, 0.9), rng.uniform(-0.4, 1.2), rng.uniform(-0.6, 1.8)
        T = make_transform(hand_rotation(yaw, pitch, roll), rng.uniform(_POSITION_LOW, _POSITION_HIGH))
        pose = HandPose(T, _joints(rng, skeleton.limits))
        points = pose.keypoints(skeleton)
        lowest = points[:, 2].min()
        points = points @ _MIRROR if left else points
        pixels = project(camera.K, apply_transform(inverse_transform(camera.T_world_camera), points))
        if lowest > 0.015 and pixels.min() > _MARGIN_PX and pixels.max() < camera.width - _MARGIN_PX:
            return pose


def _joints(rng: np.random.Generator, limits: Float[np.ndarray, "20 2"]) -> Float[np.ndarray, "20"]:
    """Fingers that curl more or less together, each with something of its own."""
    curl = np.clip(rng.uniform(-0.1, 0.8) + rng.normal(0, 0.15, 4), -0.2, 1.0)
    spread = rng.normal(0, 0.08, 4)
    joints = np.zeros((5, 4))
    joints[0] = rng.uniform((-0.2, -0.2, 0.0, 0.0), (0.4, 0.6, 0.7, 0.9))
    joints[1:, 0] = spread
    joints[1:, 1] = 1.2 * curl
    joints[1:, 2] = np.maximum(1.4 * curl + rng.normal(0, 0.15, 4), 0.05)
    joints[1:, 3] = 0.65 * joints[1:, 2]
    return np.clip(joints.ravel(), *limits.T)
