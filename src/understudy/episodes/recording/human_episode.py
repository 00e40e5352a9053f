"""A person's episode: the rendered clip and its truth."""

import numpy as np
from jaxtyping import Int

from understudy.embodiments.hand_skeleton import HAND_JOINTS
from understudy.episodes.features import Feature, scalar, vector, video
from understudy.episodes.recording.episode_metadata import episode_metadata
from understudy.episodes.recording.plan import PERSON, RecordingPlan
from understudy.episodes.recording.recorded import (
    IMAGE,
    POSE,
    RecordedEpisode,
    button_names,
    button_rows,
    object_names,
    object_rows,
    wrist_rows,
)
from understudy.records import KEYPOINT_NAMES
from understudy.simulation.human import HumanDemonstration, RenderedFrames, record_human

__all__ = ["human_features", "record_person"]

_KEYPOINTS = tuple(f"{name}.{axis}" for name in KEYPOINT_NAMES for axis in "xyz")
_WRIST = tuple(f"wrist.{part}" for part in POSE)


def human_features(plan: RecordingPlan) -> dict[str, Feature]:
    """Columns of the person's data set."""
    return {
        IMAGE: video(plan.human_size, plan.human_size),
        "time_s": scalar("float32"),
        "action": vector((*_WRIST, *HAND_JOINTS)),
        "truth.keypoints": vector(_KEYPOINTS),
        "truth.wrist": vector(_WRIST),
        "truth.objects": vector(object_names()),
        "truth.buttons": vector(button_names()),
    }


def record_person(plan: RecordingPlan, slot: int, seed: int) -> RecordedEpisode:
    """Render the person of `seed` doing the task of `slot`."""
    demonstration = record_human(
        plan.task(slot), seed, size=plan.human_size, fps=plan.human_fps, handedness=plan.handedness
    )
    metadata = episode_metadata(
        plan, slot, seed, PERSON, demonstration.layout, demonstration.goal, demonstration.camera
    ) | {
        "handedness": demonstration.body.handedness,
        "hand_length_m": demonstration.body.hand_length_m,
        "success": True,
    }
    chosen = _chosen_frames(demonstration.track.num_frames, plan.human_frames)
    frames = RenderedFrames(demonstration, chosen=tuple(chosen.tolist()))
    return RecordedEpisode(
        columns={name: values[chosen] for name, values in _truth(demonstration).items()},
        frames=np.stack(list(frames)),
        label=demonstration.label,
        metadata=metadata,
        success=True,
    )


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
        "truth.objects": object_rows(demonstration.layout, demonstration.object_poses),
        "truth.buttons": button_rows(demonstration.layout, demonstration.button_travel),
    }
