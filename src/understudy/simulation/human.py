"""One demonstration by a person: the motion, what happens to the things, the film of it and its truth."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import mujoco
import numpy as np
from jaxtyping import Bool, Float, UInt8

from understudy.embodiments.hand_skeleton import HAND_JOINTS, HandSkeleton
from understudy.embodiments.human_hand import HandBody, human_hand
from understudy.errors import UnderstudyError
from understudy.geometry.cameras import project
from understudy.geometry.rotations import matrix_from_quaternion, quaternion_from_matrix
from understudy.geometry.transforms import apply_transform, inverse_transform, make_transform
from understudy.records import Camera, FrameStatus, HandTrack
from understudy.simulation.axes import check_held_out
from understudy.simulation.cups import set_beads
from understudy.simulation.human_beads import bead_paths
from understudy.simulation.human_motion import tremor
from understudy.simulation.human_performance import SKIN_M, Performance
from understudy.simulation.human_tasks import plan
from understudy.simulation.human_wander import NOTHING, WANDER, wander_layout
from understudy.simulation.layout import Item, Layout, layout_rng
from understudy.simulation.looks import Looks, sample_looks
from understudy.simulation.objects import BUTTON_PRESSED_TRAVEL, BUTTON_TOP, BUTTON_TRAVEL
from understudy.simulation.people import sample_person
from understudy.simulation.rendering import SUPERSAMPLING, SceneRenderer
from understudy.simulation.scene import CAMERA_TURN_RAD, Scene, build_scene, light_buttons, tabletop_camera
from understudy.simulation.state import LIFTED_M, ObjectState, TableState
from understudy.simulation.tasks import Goal, get_task, goal_of

__all__ = ["HumanDemonstration", "RenderedFrames", "record_human", "true_track"]

_STREAM_MOTION = 5
_STREAM_CAMERA = 9
_INDEX_TIP = 8
_CAP_RADIUS = 0.022
_TOUCH_M = 0.04
"""A keypoint this near to an object's centre touches it."""
_MIRROR = np.diag([1.0, -1.0, 1.0])


@dataclass(frozen=True)
class HumanDemonstration:
    """A person doing one task. Frames are rendered while they are read, every time anew; the rest is arrays."""

    task: str
    seed: int
    label: str
    goal: Goal
    layout: Layout
    body: HandBody
    fps: float
    camera: Camera
    track: HandTrack
    """The truth: `source` is `truth`, every frame is valid."""
    object_poses: dict[str, Float[np.ndarray, "T 4 4"]]
    """T_world_object of every movable object [m]."""
    button_travel: dict[str, Float[np.ndarray, " T"]]
    """How far each button is down [m]."""
    wrist_qpos: Float[np.ndarray, "T 7"] = field(repr=False)
    """Pose of the wrist in the world: position [m] and quaternion."""
    looks: Looks = field(repr=False)
    camera_turn_rad: float = 0.0
    """How far the camera stands around the table from its usual place."""
    bead_paths: dict[str, Float[np.ndarray, "T N 3"]] = field(default_factory=dict, repr=False)
    """Centres of the beads of every full cup, world [m]."""

    @property
    def frames(self) -> "RenderedFrames":
        """The film: an iterable of (S, S, 3) RGB images that has a length."""
        return RenderedFrames(self)

    @property
    def final_state(self) -> TableState:
        """What the task's own success test judges at the end."""
        return self.state(self.track.num_frames - 1)

    def state(self, frame: int) -> TableState:
        """The table at one frame, as the task's stages see it."""
        objects = {
            name: ObjectState(
                T[frame, :3, 3],
                T[frame, :3, :3],
                touched=bool(self._touched[name][frame]),
                held_s=self._held_s(name, frame),
            )
            for name, T in self.object_poses.items()
        }
        travel = {name: float(q[: frame + 1].max()) for name, q in self.button_travel.items()}
        pressed = frozenset(name for name, q in travel.items() if q >= BUTTON_PRESSED_TRAVEL)
        tips = self.keypoints_world(frame)[[4, 8, 12, 16, 20]]
        beads = {cup: path[frame] for cup, path in self.bead_paths.items()}
        carried_m = {name: float(way[frame]) for name, way in self._carried.items() if way[frame]}
        return TableState(objects, pressed, tips, float(self.track.time_s[frame]), beads, carried_m)

    def keypoints_world(self, frame: int) -> Float[np.ndarray, "21 3"]:
        """The hand's keypoints in the world [m]."""
        assert self.camera.T_world_camera is not None
        return apply_transform(self.camera.T_world_camera, self.track.keypoints_camera[frame])

    def _held_s(self, name: str, frame: int) -> float | None:
        """As `ObjectState.held_s`; what is in the air is in the hand."""
        lifted = self.object_poses[name][: frame + 1, 2, 3] > self.layout.item(name).half_height + LIFTED_M
        if not lifted[-1]:
            return None
        start = 0 if lifted.all() else int(np.flatnonzero(~lifted)[-1]) + 1
        return float(self.track.time_s[frame] - self.track.time_s[start])

    @cached_property
    def _touched(self) -> dict[str, Bool[np.ndarray, " T"]]:
        assert self.camera.T_world_camera is not None
        points = apply_transform(self.camera.T_world_camera, self.track.keypoints_camera)
        places = {name: T[:, None, :3, 3] for name, T in self.object_poses.items()}
        return {name: np.linalg.norm(points - p, axis=-1).min(1) < _TOUCH_M for name, p in places.items()}

    @cached_property
    def _carried(self) -> dict[str, Float[np.ndarray, " T"]]:
        """As `state.carried`, up to each frame [m]."""
        result = {}
        for name, touched in self._touched.items():
            way = np.linalg.norm(np.diff(self.object_poses[name][:, :3, 3], axis=0), axis=1)
            result[name] = np.concatenate([[0.0], np.cumsum(way * (touched[1:] & touched[:-1]))])
        return result


@dataclass(frozen=True)
class RenderedFrames:
    """Iterates over the film of a demonstration; each iteration makes and closes a renderer of its own."""

    demonstration: HumanDemonstration
    supersampling: int = SUPERSAMPLING
    """As in `SceneRenderer`."""
    chosen: tuple[int, ...] | None = None
    """Frames of the demonstration that are rendered, in this order; None for all."""

    def __len__(self) -> int:
        return self.demonstration.track.num_frames if self.chosen is None else len(self.chosen)

    def __iter__(self) -> Iterator[UInt8[np.ndarray, "S S 3"]]:
        renderer: SceneRenderer | None = None
        try:
            for scene, data in self.posed():
                if renderer is None:
                    renderer = SceneRenderer(scene.model, self.demonstration.camera.width, self.supersampling)
                yield renderer.render(data)
        finally:
            if renderer is not None:
                renderer.close()

    def posed(self) -> Iterator[tuple[Scene, mujoco.MjData]]:
        """The scene as it is in each frame, ready to be rendered: the same objects every time, set anew."""
        demo = self.demonstration
        scene = build_scene(human_hand(demo.body).build(), demo.layout, demo.looks, demo.camera_turn_rad)
        data = mujoco.MjData(scene.model)
        for frame in range(len(self)) if self.chosen is None else self.chosen:
            _set_frame(scene, data, demo, frame)
            yield scene, data


def _set_frame(scene: Scene, data: mujoco.MjData, demo: HumanDemonstration, frame: int) -> None:
    wrist = scene.qpos_address("wrist_free")
    data.qpos[wrist : wrist + 7] = demo.wrist_qpos[frame]
    for name, value in zip(HAND_JOINTS, demo.track.joint_angles[frame], strict=True):
        data.qpos[scene.qpos_address(name)] = value
    for name, T in demo.object_poses.items():
        address = scene.qpos_address(name)
        data.qpos[address : address + 3] = T[frame, :3, 3]
        data.qpos[address + 3 : address + 7] = quaternion_from_matrix(T[frame, :3, :3])
    for name, travel in demo.button_travel.items():
        data.qpos[scene.qpos_address(name)] = travel[frame]
    for cup, path in demo.bead_paths.items():
        set_beads(scene.model, data, scene.beads[cup], path[frame])
    light_buttons(scene, demo.state(frame).pressed)
    mujoco.mj_forward(scene.model, data)


def record_human(
    task: str,
    seed: int,
    *,
    size: int = 512,
    fps: float = 20.0,
    handedness: Literal["right", "left", "any"] = "right",
    goal: Goal | None = None,
    layout: Layout | None = None,
    axis: str | None = None,
) -> HumanDemonstration:
    """A person doing `task` in the layout of `seed`, filmed by the tabletop's camera.

    Args:
        task: a name of `tasks.TASKS`, or `human_wander.WANDER`.
        seed: sets layout, goal, looks, person and motion.
        size: image width and height [px].
        fps: frames a second, 5 to 60.
        handedness: which hand may be used; `any` leaves it to the person.
        goal: what is done, one of the task's `goals(layout)`; None leaves it to the seed.
        layout: what stands where; None leaves it to the seed. Looks and person stay those of the seed.
        axis: a name of `axes.AXES`: how the episode of the seed differs from the usual range.
    """
    if not 5 <= fps <= 60:
        raise UnderstudyError(f"{fps} frames a second: must lie in 5 to 60")
    if layout is None:
        layout = wander_layout(seed, axis) if task == WANDER else get_task(task).sample_layout(seed, axis)
    axis = layout.axis if axis is None else axis
    check_held_out(axis, seed, "human_hand")
    if goal is None:
        goal = NOTHING if task == WANDER else goal_of(get_task(task), layout)
    body = sample_person(seed, handedness, axis)
    skeleton = HandSkeleton(body.hand_length_m)
    rng = layout_rng(seed, _STREAM_MOTION)
    left = body.handedness == "left"
    own_layout, own_goal = (_mirror_layout(layout), _mirror_goal(goal)) if left else (layout, goal)
    performance = plan(task, own_layout, own_goal, skeleton, rng)
    time_s = np.arange(int(np.ceil(performance.motion.end_s * fps)) + 1) / fps
    T_world_wrist, joints = performance.motion.sample(time_s)
    T_world_wrist[:, :3, 3] += tremor(rng, time_s)
    keypoints = apply_transform(T_world_wrist, skeleton.keypoints(joints))
    poses = _object_poses(performance, own_layout, T_world_wrist, time_s)
    beads = bead_paths(performance, own_layout, time_s)
    if left:
        beads = {cup: path @ _MIRROR for cup, path in beads.items()}
        T_world_wrist, keypoints = _mirror_transform(T_world_wrist), keypoints @ _MIRROR
        poses = {name: _mirror_transform(T) for name, T in poses.items()}
    turn_rad = _camera_turn(seed) if axis == "camera_turned" else 0.0
    camera = tabletop_camera(size, turn_rad)
    quaternions = np.stack([quaternion_from_matrix(R) for R in T_world_wrist[:, :3, :3]])
    return HumanDemonstration(
        task=task,
        seed=seed,
        label=goal.label,
        goal=goal,
        layout=layout,
        body=body,
        fps=fps,
        camera=camera,
        track=true_track(camera, body, time_s, T_world_wrist, keypoints, joints),
        object_poses=poses,
        button_travel={b.name: _travel(b, keypoints[:, _INDEX_TIP]) for b in layout.buttons},
        wrist_qpos=np.concatenate([T_world_wrist[:, :3, 3], quaternions], axis=1),
        looks=sample_looks(seed, axis),
        camera_turn_rad=turn_rad,
        bead_paths=beads,
    )


def _camera_turn(seed: int) -> float:
    """To either side [rad]."""
    return CAMERA_TURN_RAD * float(layout_rng(seed, _STREAM_CAMERA).choice((-1.0, 1.0)))


def true_track(
    camera: Camera,
    body: HandBody,
    time_s: Float[np.ndarray, " T"],
    T_world_wrist: Float[np.ndarray, "T 4 4"],
    keypoints_world: Float[np.ndarray, "T 21 3"],
    joints: Float[np.ndarray, "T 20"],
) -> HandTrack:
    """The hand as it is, in the form of a track: every frame valid, nothing uncertain."""
    assert camera.T_world_camera is not None
    T_camera_world = inverse_transform(camera.T_world_camera)
    keypoints = apply_transform(T_camera_world, keypoints_world)
    num_frames = len(time_s)
    return HandTrack(
        time_s=time_s,
        status=np.full(num_frames, int(FrameStatus.OK), np.int8),
        confidence=np.ones(num_frames),
        keypoints_px=project(camera.K, keypoints),
        keypoints_camera=keypoints,
        T_camera_wrist=T_camera_world @ T_world_wrist,
        joint_angles=joints,
        wrist_std_m=np.zeros((num_frames, 3)),
        residual_px=np.zeros(num_frames),
        handedness=body.handedness,
        hand_length_m=body.hand_length_m,
        camera=camera,
        source="truth",
    )


def _object_poses(
    performance: Performance, layout: Layout, T_world_wrist: Float[np.ndarray, "T 4 4"], time_s: Float[np.ndarray, " T"]
) -> dict[str, Float[np.ndarray, "T 4 4"]]:
    """T_world_object over time: still, carried with the wrist, pushed ahead of the fingertips, or rolling."""
    poses = {}
    for item in layout.objects:
        quaternion = np.array([np.cos(item.yaw / 2), 0.0, 0.0, np.sin(item.yaw / 2)])
        T = make_transform(matrix_from_quaternion(quaternion), np.array([*item.xy, item.half_height]))
        poses[item.name] = np.repeat(T[None], len(time_s), axis=0)
    if performance.hold is not None:
        poses[performance.hold.name] = performance.carried(time_s, T_world_wrist)
    if performance.pushed is not None:
        ahead = np.maximum(T_world_wrist[:, 0, 3] - performance.push_contact_x, 0.0)
        poses[performance.pushed][:, 0, 3] += np.maximum.accumulate(ahead)
    if performance.roll is not None:
        poses[performance.roll.name] = performance.roll.poses(poses[performance.roll.name][0], time_s)
    return poses


def _travel(button: Item, index_tip: Float[np.ndarray, "T 3"]) -> Float[np.ndarray, " T"]:
    """How far the index finger holds the cap down [m]."""
    above = np.linalg.norm(index_tip[:, :2] - button.position, axis=1) < _CAP_RADIUS
    return np.where(above, np.clip(BUTTON_TOP + SKIN_M - index_tip[:, 2], 0.0, BUTTON_TRAVEL), 0.0)


def _mirror_transform(T: Float[np.ndarray, "T 4 4"]) -> Float[np.ndarray, "T 4 4"]:
    """Reflect in the plane y = 0, world and own frame: a right hand's wrist frame becomes a left hand's."""
    return make_transform(_MIRROR @ T[:, :3, :3] @ _MIRROR, T[:, :3, 3] @ _MIRROR)


def _mirror_layout(layout: Layout) -> Layout:
    def mirrored(items: tuple[Item, ...]) -> tuple[Item, ...]:
        return tuple(replace(item, xy=(item.xy[0], -item.xy[1]), yaw=-item.yaw) for item in items)

    return replace(
        layout,
        objects=mirrored(layout.objects),
        plates=mirrored(layout.plates),
        buttons=mirrored(layout.buttons),
        lines=mirrored(layout.lines),
    )


def _mirror_goal(goal: Goal) -> Goal:
    return replace(goal, place_xy=(goal.place_xy[0], -goal.place_xy[1]))
