"""A person's episode: the rendered clip, its truth, and what the tracker makes of it."""

import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from understudy.embodiments.hand_skeleton import HAND_JOINTS
from understudy.episodes.features import Feature, scalar, vector, video
from understudy.episodes.recording.aligned import hand_along
from understudy.episodes.recording.episode_metadata import episode_metadata
from understudy.episodes.recording.plan import PERSON, ROBOT_FPS, RecordingPlan
from understudy.episodes.recording.point_tracks import STREAM_POINTS, PointTracker, point_names
from understudy.episodes.recording.recorded import (
    IMAGE,
    KEYPOINT_COLUMNS,
    WRIST_COLUMNS,
    RecordedEpisode,
    button_names,
    button_rows,
    object_names,
    object_rows,
    wrist_rows,
)
from understudy.episodes.video_stream import VideoStream
from understudy.simulation.human import HumanDemonstration, RenderedFrames, record_human
from understudy.simulation.layout import layout_rng
from understudy.simulation.rendering import SUPERSAMPLING, SceneRenderer
from understudy.simulation.tasks import get_task

__all__ = ["human_features", "record_person"]

_SHARP_PX = 384
"""Clips from this size on are rendered without supersampling, in half the time: encoding takes more than it gives."""


def human_features(plan: RecordingPlan) -> dict[str, Feature]:
    """Columns of the person's data set."""
    features = {
        IMAGE: video(plan.human_size, plan.human_size),
        "time_s": scalar("float32"),
        "truth.keypoints": vector(KEYPOINT_COLUMNS),
        "truth.wrist": vector(WRIST_COLUMNS),
        "truth.objects": vector(object_names()),
        "truth.buttons": vector(button_names()),
    }
    if plan.points:
        features["truth.points"] = vector(point_names())
    if plan.track:
        # Tracker and solver take seconds to import, which recording without them need not wait for.
        from understudy.episodes.recording.tracked import tracked_features

        return features | tracked_features(plan.retargeted)
    if plan.wanders:
        return features
    return features | {"action": vector((*WRIST_COLUMNS, *HAND_JOINTS))}


def record_person(plan: RecordingPlan, slot: int, seed: int, robot: RecordedEpisode | None = None) -> RecordedEpisode:
    """Render the person of `seed` doing the task of `slot`: in an own way and time, or along with a robot's episode."""
    demonstration = record_human(
        plan.task(slot),
        seed,
        size=plan.human_size,
        fps=float(plan.human_fps),
        handedness=plan.handedness,
        axis=plan.axis,
    )
    if robot is not None:
        assert robot.motion is not None
        demonstration = hand_along(demonstration, robot.motion, ROBOT_FPS)
    chosen = _chosen_frames(demonstration.track.num_frames, plan.human_frames)
    frames, points = _render(plan, demonstration, chosen, seed)
    columns = {name: values[chosen] for name, values in _truth(demonstration).items()} | points
    if plan.track:
        columns |= _track(plan, demonstration, frames)
    success = _succeeds(plan, slot, demonstration) if robot is None else robot.success
    metadata = episode_metadata(
        plan, slot, seed, PERSON, demonstration.layout, demonstration.goal, demonstration.camera
    )
    metadata |= {"goal": None} if plan.wanders else {"success": success}
    metadata |= {"handedness": demonstration.body.handedness, "hand_length_m": demonstration.body.hand_length_m}
    return RecordedEpisode(columns, frames, demonstration.label, metadata, success)


def _succeeds(plan: RecordingPlan, slot: int, demonstration: HumanDemonstration) -> bool:
    """What the task's own test says of the last frame; without a task nothing can fail."""
    if plan.wanders:
        return True
    task, last = get_task(plan.task(slot)), demonstration.final_state
    return bool(task.reached(demonstration.goal, demonstration.layout, last)[-1])


def _render(
    plan: RecordingPlan, demonstration: HumanDemonstration, chosen: Int[np.ndarray, " N"], seed: int
) -> tuple[UInt8[np.ndarray, "N S S 3"], dict[str, np.ndarray]]:
    """The images of the chosen frames, and the point tracks over them."""
    images: list[np.ndarray] = []
    renderer: SceneRenderer | None = None
    tracker: PointTracker | None = None
    supersampling = 1 if plan.human_size >= _SHARP_PX else SUPERSAMPLING
    try:
        for scene, data in RenderedFrames(demonstration, chosen=tuple(chosen.tolist())).posed():
            if renderer is None:
                renderer = SceneRenderer(scene.model, plan.human_size, supersampling)
                tracker = PointTracker(scene, demonstration.camera) if plan.points else None
            images.append(renderer.render(data))
            if tracker is not None:
                tracker.add(data)
        points = {} if tracker is None else {"truth.points": tracker.tracks(layout_rng(seed, STREAM_POINTS))}
    finally:
        for context in (renderer, tracker):
            if context is not None:
                context.close()
    return np.stack(images), points


def _track(
    plan: RecordingPlan, demonstration: HumanDemonstration, frames: UInt8[np.ndarray, "N S S 3"]
) -> dict[str, np.ndarray]:
    """Track the clip as it will be stored: the data set encodes the same frames in the same way."""
    from understudy.episodes.recording.tracked import tracked_columns

    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        stream = VideoStream(clip, Fraction(demonstration.fps), *frames.shape[1:3])
        for frame in frames:
            stream.append(frame)
        stream.close()
        length_m = demonstration.body.hand_length_m
        return tracked_columns(clip, demonstration.camera, length_m, len(frames), plan.retargeted)


def _chosen_frames(num_frames: int, wanted: int | None) -> Int[np.ndarray, " N"]:
    """Evenly from the first to the last, as prompts are shortened for policies that look at few frames."""
    return np.linspace(0, num_frames - 1, min(num_frames, wanted or num_frames)).round().astype(int)


def _truth(demonstration: HumanDemonstration) -> dict[str, np.ndarray]:
    track, camera = demonstration.track, demonstration.camera
    assert camera.T_world_camera is not None
    wrist = wrist_rows(camera.T_world_camera @ track.T_camera_wrist)
    return {
        "time_s": track.time_s,
        "action": np.concatenate([wrist, track.joint_angles], axis=1),
        "truth.keypoints": track.keypoints_camera.reshape(track.num_frames, -1),
        "truth.wrist": wrist,
        "truth.objects": object_rows(demonstration.layout, demonstration.object_poses, track.num_frames),
        "truth.buttons": button_rows(demonstration.layout, demonstration.button_travel, track.num_frames),
    }
