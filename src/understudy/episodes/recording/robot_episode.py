"""A robot's episode: the scripted expert on the tabletop, pushed off its path now and then if asked for."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from understudy.embodiments import get_embodiment
from understudy.episodes.features import Feature, scalar, vector, video
from understudy.episodes.recording.disturbance import Disturbance
from understudy.episodes.recording.episode_metadata import episode_metadata
from understudy.episodes.recording.plan import RecordingPlan
from understudy.episodes.recording.point_tracks import STREAM_POINTS, PointTracker, point_names
from understudy.episodes.recording.recorded import (
    IMAGE,
    RecordedEpisode,
    button_names,
    button_rows,
    object_names,
    object_rows,
)
from understudy.geometry.transforms import make_transform
from understudy.records import Observation
from understudy.simulation.experts import scripted_expert
from understudy.simulation.layout import layout_rng
from understudy.simulation.tabletop import Tabletop

__all__ = ["ROBOT_FPS", "record_robot", "robot_features"]

ROBOT_FPS = 10
_STREAM_DISTURBANCE = 11


def robot_features(plan: RecordingPlan, robot: str) -> dict[str, Feature]:
    """Columns of a robot's data set."""
    body = get_embodiment(robot)
    features = {
        IMAGE: video(plan.size, plan.size),
        "observation.state": vector(body.action_space.names),
        "action": vector(body.action_space.names),
        "truth.executed": vector(body.action_space.names),
        "truth.joints": vector(body.joint_names),
        "truth.objects": vector(object_names()),
        "truth.buttons": vector(button_names()),
        "truth.success": scalar("bool"),
    }
    return features | ({"truth.points": vector(point_names())} if plan.points else {})


@dataclass
class _Rows:
    """What has been seen and done so far; row t is what was there before action t."""

    table: Tabletop
    tracker: PointTracker | None
    images: list[np.ndarray] = field(default_factory=list)
    columns: dict[str, list] = field(default_factory=dict)
    poses: dict[str, list] = field(default_factory=dict)
    travel: dict[str, list] = field(default_factory=dict)

    def add(self, image: np.ndarray, **values: object) -> None:
        """One control step."""
        self.images.append(image)
        if self.tracker is not None:
            self.tracker.add(self.table.data)
        for name, value in values.items():
            self.columns.setdefault(name, []).append(value)
        for name, thing in self.table.state.objects.items():
            self.poses.setdefault(name, []).append(make_transform(thing.rotation, thing.position))
        for button in self.table.layout.buttons:
            travel = self.table.data.qpos[self.table.scene.qpos_address(button.name)]
            self.travel.setdefault(button.name, []).append(float(travel))


def record_robot(plan: RecordingPlan, slot: int, seed: int, robot: str) -> RecordedEpisode:
    """Let the expert of `robot` do the task of `slot` in the layout of `seed`."""
    table = Tabletop(plan.task(slot), seed, robot, image_size=plan.size, axis=plan.axis)
    tracker: PointTracker | None = None
    try:
        observation = table.reset()
        tracker = PointTracker(table.scene, table.camera(plan.size)) if plan.points else None
        rows = _Rows(table, tracker)
        _perform(rows, observation, Disturbance(plan.disturb, layout_rng(seed, _STREAM_DISTURBANCE)))
        success, failure = table.success(), table.failure()
        metadata = episode_metadata(plan, slot, seed, robot, table.layout, table.goal, table.camera(plan.size))
        points = {} if tracker is None else {"truth.points": tracker.tracks(layout_rng(seed, STREAM_POINTS))}
    finally:
        table.close()
        if tracker is not None:
            tracker.close()
    columns = {
        "observation.state": np.array(rows.columns["state"]),
        "action": np.array(rows.columns["action"]),
        "truth.executed": np.array(rows.columns["executed"]),
        "truth.joints": np.array(rows.columns["joints"]),
        "truth.success": np.array(rows.columns["success"]),
        "truth.objects": object_rows(table.layout, {name: np.array(T) for name, T in rows.poses.items()}),
        "truth.buttons": button_rows(table.layout, {name: np.array(q) for name, q in rows.travel.items()}),
    }
    metadata |= {"success": success, "failure": failure}
    return RecordedEpisode(columns | points, np.array(rows.images), table.label, metadata, success, failure)


def _perform(rows: _Rows, observation: Observation, disturbance: Disturbance) -> None:
    table = rows.table
    for action in scripted_expert(table):
        executed = _pushed(action, disturbance.offset(float(table.state.fingertips[:, 2].min())))
        rows.add(
            observation.image,
            state=observation.proprioception,
            action=action,
            executed=executed,
            joints=table.joints(),
            success=table.success(),
        )
        observation = table.step(executed)
        if table.lost() or len(rows.images) == table.max_steps:
            break


def _pushed(action: Float[np.ndarray, " A"], offset: Float[np.ndarray, "3"]) -> Float[np.ndarray, " A"]:
    """The action with its wrist position moved."""
    executed = action.copy()
    executed[:3] += offset
    return executed
