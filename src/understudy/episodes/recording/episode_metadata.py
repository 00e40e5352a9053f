"""What is said about an episode beside its rows: the task, the layout, the camera, where it belongs."""

from dataclasses import asdict
from typing import Any

from understudy.episodes.camera_file import camera_as_json
from understudy.episodes.recording.plan import RecordingPlan
from understudy.records import Camera
from understudy.simulation.layout import Layout
from understudy.simulation.seeds import split_of
from understudy.simulation.tasks import Goal

__all__ = ["episode_metadata"]


def episode_metadata(
    plan: RecordingPlan, slot: int, seed: int, embodiment: str, layout: Layout, goal: Goal, camera: Camera
) -> dict[str, Any]:
    """JSON: metres, radians, pixels; `slot` is the same in all data sets of a recording."""
    return {
        "task": plan.task(slot),
        "label": goal.label,
        "seed": seed,
        "slot": slot,
        "split": split_of(seed),
        "embodiment": embodiment,
        "axis": plan.axis,
        "aligned": plan.aligned,
        "goal": asdict(goal),
        "layout": asdict(layout),
        "objects": [item.name for item in layout.objects],
        "camera": camera_as_json(camera),
    }
