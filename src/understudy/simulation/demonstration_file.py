"""A demonstration on disk: `clip.mp4`, and beside it `clip.truth.npz` (the hand) and `clip.truth.json` (all else)."""

import json
from dataclasses import asdict
from pathlib import Path

from understudy.errors import UnderstudyError
from understudy.files import write_text
from understudy.geometry.rotations import quaternion_from_matrix
from understudy.perception.track_file import save_hand_track
from understudy.perception.video_writer import write_video
from understudy.simulation.human import HumanDemonstration

__all__ = ["save_demonstration"]


def save_demonstration(demonstration: HumanDemonstration, path: Path) -> None:
    """Write the film to `path` (ends in .mp4) and its truth beside it; the film, written last, says that all is there.

    Raises:
        UnderstudyError: another ending, or a file that cannot be written. Nothing half-written is left.
    """
    path = Path(path)
    if path.suffix != ".mp4":
        raise UnderstudyError(f"{path}: a film must end in .mp4")
    truth = path.with_suffix(".truth.npz"), path.with_suffix(".truth.json")
    complete = False
    try:
        save_hand_track(truth[0], demonstration.track)
        write_text(truth[1], json.dumps(_describe(demonstration), indent=1))
        write_video(path, demonstration.frames, demonstration.fps)
        complete = True
    finally:
        if not complete:
            for file in truth:
                file.unlink(missing_ok=True)


def _describe(demonstration: HumanDemonstration) -> dict[str, object]:
    """Everything but the hand, per frame: positions, button travel, beads [m], quaternions (w, x, y, z)."""
    camera = demonstration.camera
    assert camera.T_world_camera is not None
    return {
        "format": "understudy demonstration 1",
        "task": demonstration.task,
        "seed": demonstration.seed,
        "label": demonstration.label,
        "goal": asdict(demonstration.goal),
        "layout": asdict(demonstration.layout),
        "body": asdict(demonstration.body),
        "fps": demonstration.fps,
        "camera": {
            "width": camera.width,
            "height": camera.height,
            "K": camera.K.tolist(),
            "T_world_camera": camera.T_world_camera.tolist(),
        },
        "objects": {
            name: {"position_m": T[:, :3, 3].tolist(), "quaternion": quaternion_from_matrix(T[:, :3, :3]).tolist()}
            for name, T in demonstration.object_poses.items()
        },
        "button_travel_m": {name: travel.tolist() for name, travel in demonstration.button_travel.items()},
        "beads_m": {cup: path.round(4).tolist() for cup, path in demonstration.bead_paths.items()},
    }
