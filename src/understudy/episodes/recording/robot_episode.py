"""A robot's episode: the scripted expert on the tabletop, pushed off its path now and then if asked for."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from understudy.embodiments import get_embodiment
from understudy.episodes.features import Feature, scalar, vector, video
from understudy.episodes.recording.aligned import RobotMotion
from understudy.episodes.recording.disturbance import Disturbance, Sideways
from understudy.episodes.recording.episode_metadata import episode_metadata
from understudy.episodes.recording.plan import FROM_ABOVE, RecordingPlan
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
from understudy.simulation.experts.script import Action
from understudy.simulation.layout import layout_rng
from understudy.simulation.state import TableState
from understudy.simulation.tabletop import Tabletop

__all__ = ["record_robot", "robot_features"]

_STREAM_DISTURBANCE, _STREAM_SIDEWAYS = 11, 16


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
    columns: dict[str, list] = field(default_factory=lambda: defaultdict(list))
    wrist: list[np.ndarray] = field(default_factory=list)
    tips: list[np.ndarray] = field(default_factory=list)
    poses: dict[str, list] = field(default_factory=lambda: defaultdict(list))
    travel: dict[str, list] = field(default_factory=lambda: defaultdict(list))
    beads: dict[str, list] = field(default_factory=lambda: defaultdict(list))

    def add(self, observation: Observation, state: TableState, action: Action, executed: Action) -> None:
        """One control step."""
        table = self.table
        self.images.append(observation.image)
        if self.tracker is not None:
            self.tracker.add(table.data)
        self.columns["observation.state"].append(observation.proprioception)
        self.columns["action"].append(action)
        self.columns["truth.executed"].append(executed)
        self.columns["truth.joints"].append(table.joints())
        self.columns["truth.success"].append(table.success())
        site = table.data.site("wrist")
        self.wrist.append(make_transform(site.xmat.reshape(3, 3).copy(), site.xpos.copy()))
        self.tips.append(state.fingertips)
        for name, thing in state.objects.items():
            self.poses[name].append(make_transform(thing.rotation, thing.position))
        for cup, places in state.beads.items():
            self.beads[cup].append(places)
        for button in table.layout.buttons:
            self.travel[button.name].append(float(table.data.qpos[table.scene.qpos_address(button.name)]))

    def motion(self) -> RobotMotion:
        """For a hand that goes along."""
        tips = np.array(self.tips)
        return RobotMotion(
            wrist=np.array(self.wrist),
            tips={keypoint: tips[:, i] for i, keypoint in enumerate(self.table.body.fingertips.values())},
            object_poses={name: np.array(T) for name, T in self.poses.items()},
            button_travel={name: np.array(travel) for name, travel in self.travel.items()},
            bead_paths={cup: np.array(places) for cup, places in self.beads.items()},
        )


def record_robot(plan: RecordingPlan, slot: int, seed: int, robot: str) -> RecordedEpisode:
    """Let the expert of `robot` do the task of `slot` in the layout of `seed`."""
    table = Tabletop(plan.task(slot), seed, robot, image_size=plan.size, axis=plan.axis)
    tracker: PointTracker | None = None
    try:
        observation = table.reset()
        tracker = PointTracker(table.scene, table.camera(plan.size)) if plan.points else None
        rows = _Rows(table, tracker)
        sideways = plan.sideways if plan.task(slot) in FROM_ABOVE else 0.0
        pushes = (
            Disturbance(plan.disturb, layout_rng(seed, _STREAM_DISTURBANCE)),
            Sideways(sideways, layout_rng(seed, _STREAM_SIDEWAYS)),
        )
        _perform(rows, observation, *pushes)
        success, failure = table.success(), table.failure()
        metadata = episode_metadata(plan, slot, seed, robot, table.layout, table.goal, table.camera(plan.size))
        points = {} if tracker is None else {"truth.points": tracker.tracks(layout_rng(seed, STREAM_POINTS))}
    finally:
        table.close()
        if tracker is not None:
            tracker.close()
    motion = rows.motion()
    columns = {name: np.array(values) for name, values in rows.columns.items()} | {
        "truth.objects": object_rows(table.layout, motion.object_poses, len(rows.images)),
        "truth.buttons": button_rows(table.layout, motion.button_travel, len(motion.wrist)),
    }
    metadata |= {"success": success, "failure": failure}
    return RecordedEpisode(columns | points, np.array(rows.images), table.label, metadata, success, failure, motion)


def _perform(rows: _Rows, observation: Observation, disturbance: Disturbance, sideways: Sideways) -> None:
    table, wrist = rows.table, rows.table.data.site("wrist")
    fingers = 7 if table.body.wrist_action == "quaternion" else 6
    before: Action | None = None
    for action in scripted_expert(table):
        state = table.state
        still = before is None or np.array_equal(before[:fingers], action[:fingers])
        travels = not still and before is not None and np.array_equal(before[fingers:], action[fingers:])
        across = wrist.xmat.reshape(3, 3)[:, 1] * (1.0, 1.0, 0.0)
        touches = any(thing.touched for thing in state.objects.values())
        offset = disturbance.offset(float(state.fingertips[:, 2].min()))
        offset = offset + sideways.offset(across / np.linalg.norm(across), travels=travels, touches=touches)
        executed, before = _pushed(action, offset), action
        rows.add(observation, state, action, executed)
        observation = table.step(executed)
        if table.lost() or len(rows.images) == table.max_steps:
            break


def _pushed(action: Action, offset: Float[np.ndarray, "3"]) -> Action:
    """The action with its wrist position moved."""
    executed = action.copy()
    executed[:3] += offset
    return executed
