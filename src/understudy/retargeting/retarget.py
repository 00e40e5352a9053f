"""A human hand in the robot's base frame to a robot trajectory: `retarget_hand`."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int8

from understudy.embodiments import ROBOTS, Embodiment, get_embodiment
from understudy.errors import PromptError, UnderstudyError, UnknownName
from understudy.records import FrameStatus, RobotTrajectory
from understudy.retargeting.actions import actions_from_joints, kinematic_tree
from understudy.retargeting.config import RetargetConfig
from understudy.retargeting.contact import press_through, wrist_frames
from understudy.retargeting.grasp import Grasps, detect_grasps
from understudy.retargeting.gripper_terms import gripper_targets, gripper_terms
from understudy.retargeting.hand_terms import hand_terms
from understudy.retargeting.kinematics import KinematicTree
from understudy.retargeting.retime import stretch_time
from understudy.retargeting.solver import Problem, Solution, solve_batch
from understudy.retargeting.terms import Floor, RestPosture, Smoothness, assemble

__all__ = ["retarget_hand"]

_SETTLE_SOLVES = 4
_HAND_SIZE_M = (0.03, 0.4)
"""Wrist to middle knuckle and on to its tip: no human hand, baby to giant, lies outside."""


def retarget_hand(
    keypoints_base: Float[np.ndarray, "T 21 3"],
    status: Int8[np.ndarray, " T"],
    time_s: Float[np.ndarray, " T"],
    robot: str,
    *,
    start_joints: Float[np.ndarray, " J"] | None = None,
    config: RetargetConfig | None = None,
    grasps: Grasps | None = None,
) -> RobotTrajectory:
    """Joints and actions of `robot` that put its hand where the right human hand is.

    Frames whose `status` is not `OK` or that hold NaN come back as `NO_HAND`, holding the last command. `time_s` of the
    result is slower than the input's where a joint could not keep up (`notes` says so). `residual_m` is the distance of
    fingertips (gripper: of the point between its jaws) from their targets.

    Args:
        keypoints_base: right hand in the robot's base frame [m]; mirror a left one first (`mirror.py`).
        status: `FrameStatus` of every frame.
        time_s: increasing times [s].
        robot: a name of `ROBOTS`.
        start_joints: where the search starts and what the arm holds before the first hand is seen; home by default.
        config: weights and rules.
        grasps: when the hand holds something, if it is known; found from the keypoints by default.

    Raises:
        UnknownName: no such robot.
        PromptError: no frame has a hand.
        UnderstudyError: times do not increase, or the hand's size is not in metres.
    """
    config = config or RetargetConfig()
    if robot not in ROBOTS:
        raise UnknownName("robot", robot, ROBOTS)
    embodiment = get_embodiment(robot)
    keypoints, bridged = _usable_keypoints(keypoints_base, status, time_s, config)
    seen = np.isfinite(keypoints).all(axis=(1, 2))
    start = embodiment.home if start_joints is None else start_joints
    grasps = detect_grasps(keypoints, seen, time_s, config.grasp) if grasps is None else grasps
    notes = [f"bridged {bridged} frames without a hand by interpolation"] if bridged else []
    if not grasps.found and config.table_height_m is not None:
        keypoints, pressed = press_through(keypoints, config.press_m, config.table_height_m + config.press_below_m)
        notes += [f"pressed {pressed} times: the hand goes {1e3 * config.press_m:.0f} mm deeper"] if pressed else []
    solve = _solve_gripper if "gripper" in robot else _solve_fingers
    solved = solve(embodiment, keypoints, time_s, grasps, start, config)
    switches = np.diff(grasps.closed.astype(int), prepend=0) != 0
    times = stretch_time(time_s, solved.joints, embodiment.speed_limit, switches, config.dwell_s)
    if times[-1] > time_s[-1] + 1e-6:
        notes.append(
            f"slowed down from {time_s[-1] - time_s[0]:.2f} s to {times[-1] - times[0]:.2f} s: joint speeds, dwell"
        )
    return RobotTrajectory(
        robot=robot,
        time_s=times,
        joint_names=embodiment.joint_names,
        joints=solved.joints,
        actions=actions_from_joints(embodiment, solved.joints),
        residual_m=solved.residual_m,
        status=solved.status,
        notes=(*notes, *solved.notes),
    )


@dataclass(frozen=True)
class _Solved:
    joints: Float[np.ndarray, "T J"]
    residual_m: Float[np.ndarray, " T"]
    status: Int8[np.ndarray, " T"]
    notes: tuple[str, ...]


def _solve_fingers(
    embodiment: Embodiment,
    keypoints: Float[np.ndarray, "T 21 3"],
    time_s: Float[np.ndarray, " T"],
    grasps: Grasps,
    start: Float[np.ndarray, " J"],
    config: RetargetConfig,
) -> _Solved:
    terms = hand_terms(embodiment, keypoints, grasps.closed, config)
    tree = kinematic_tree(embodiment)
    solution = _solve_terms(embodiment, tree, terms, keypoints, time_s, start, config)
    held = int(grasps.closed.sum())
    note = f"holding in {held} of {len(time_s)} frames: fingertips aim {1e3 * config.squeeze_m:.0f} mm closer together"
    return _Solved(solution.joints, solution.residual_m, solution.status, (note,) if held else ())


def _solve_gripper(
    embodiment: Embodiment,
    keypoints: Float[np.ndarray, "T 21 3"],
    time_s: Float[np.ndarray, " T"],
    grasps: Grasps,
    start: Float[np.ndarray, " J"],
    config: RetargetConfig,
) -> _Solved:
    targets = gripper_targets(keypoints, time_s, grasps, config)
    tree = kinematic_tree(embodiment)
    solution = _solve_terms(embodiment, tree, gripper_terms(targets, config), keypoints, time_s, start, config)
    arm = len(embodiment.arm_joints)
    joints = solution.joints.copy()
    widest = float(tree.upper[arm:].sum())
    opening = _hold(np.clip(targets.opening, 0.0, widest), solution.status, float(start[arm:].sum()))
    joints[:, arm:] = 0.5 * opening[:, None]
    note = f"gripper mode {targets.mode}" + (f": holding in {int(grasps.closed.sum())} frames" if grasps.found else "")
    return _Solved(joints, solution.residual_m, solution.status, (note,))


def _solve_terms(
    embodiment: Embodiment,
    tree: KinematicTree,
    terms: list,
    keypoints: Float[np.ndarray, "T 21 3"],
    time_s: Float[np.ndarray, " T"],
    start: Float[np.ndarray, " J"],
    config: RetargetConfig,
) -> Solution:
    """Solve from several arm postures and keep the trajectory with the most solved frames, then the lowest residual."""
    floor = None
    if config.table_height_m is not None:
        sites = tuple(name for name in tree.site_names if name != "wrist")
        floor = Floor(sites, config.table_height_m + config.clearance_m)
    problem, targets, weights = assemble(
        tree,
        terms,
        smoothness=Smoothness(config.smooth_weight),
        rest=RestPosture(config.rest_weight, embodiment.home),
        speed_limit=config.max_slowdown * embodiment.speed_limit,
        floor=floor,
        options=config.solver,
    )
    first = int(np.flatnonzero(np.isfinite(keypoints).all(axis=(1, 2)))[0])
    seeds = _settle(problem, targets[first], weights[first], _seeds(embodiment, tree, keypoints, start))
    dt_s = np.diff(time_s, prepend=time_s[:1])
    many = solve_batch(problem, np.repeat(targets[None], len(seeds), axis=0), weights[None], dt_s[None], seeds[:, None])
    ok = (many.status == FrameStatus.OK).sum(axis=1)
    residual = np.nanmean(np.where(np.isfinite(many.residual_m), many.residual_m, 0.0), axis=1)
    best = min(range(len(seeds)), key=lambda k: (-ok[k], round(1e3 * float(residual[k])), k))
    joints = many.joints[best].copy()
    before = np.cumsum(many.status[best] == FrameStatus.OK) == 0
    joints[before] = start
    return Solution(joints, many.residual_m[best], many.status[best], many.iterations[best])


def _settle(
    problem: Problem, target: Float[np.ndarray, "M 3"], weight: Float[np.ndarray, " M"], seeds: Float[np.ndarray, "K J"]
) -> Float[np.ndarray, "K J"]:
    """Seeds moved on to the first frame's target, in as many solves as a far posture needs; the speed is free here."""
    targets = np.broadcast_to(target, (len(seeds), _SETTLE_SOLVES, *target.shape))
    weights = np.broadcast_to(weight, (1, _SETTLE_SOLVES, len(weight)))
    settled = solve_batch(problem, targets, weights, np.full((1, _SETTLE_SOLVES), 10.0), seeds[:, None])
    return settled.joints[:, -1]


def _seeds(
    embodiment: Embodiment, tree: KinematicTree, keypoints: Float[np.ndarray, "T 21 3"], start: Float[np.ndarray, " J"]
) -> Float[np.ndarray, "K J"]:
    """Where the robot stands, and the same posture turned to face the hand, its last joint at four angles."""
    first = keypoints[np.flatnonzero(np.isfinite(keypoints).all(axis=(1, 2)))[0]].mean(axis=0)
    turned = []
    for last in (0.0, 0.5 * np.pi, -0.5 * np.pi, np.pi):
        seed = embodiment.home.copy()
        seed[0] = np.arctan2(first[1], first[0])
        seed[6] = last
        turned.append(seed)
    return np.clip(np.stack([start, *turned]), tree.lower, tree.upper)


def _hold(values: Float[np.ndarray, " T"], status: Int8[np.ndarray, " T"], before: float) -> Float[np.ndarray, " T"]:
    """Values of solved frames; others keep the last solved one."""
    index = np.maximum.accumulate(np.where(status == FrameStatus.OK, np.arange(len(values)), -1))
    return np.where(index >= 0, values[np.maximum(index, 0)], before)


def _usable_keypoints(
    keypoints: Float[np.ndarray, "T 21 3"],
    status: Int8[np.ndarray, " T"],
    time_s: Float[np.ndarray, " T"],
    config: RetargetConfig,
) -> tuple[Float[np.ndarray, "T 21 3"], int]:
    """Keypoints with NaN wherever no hand was seen, short gaps bridged if asked for, and how many frames were.

    A hand whose wrist and knuckles lie on one line is none.
    """
    if not np.all(np.diff(time_s) > 0):
        raise UnderstudyError("time_s of the hand must increase from frame to frame")
    seen = (status == FrameStatus.OK) & np.isfinite(wrist_frames(keypoints)).all(axis=(1, 2))
    if not seen.any():
        raise PromptError("no frame has a hand: nothing to retarget")
    size = float(np.median(np.linalg.norm(keypoints[seen][:, 9] - keypoints[seen][:, 0], axis=-1)))
    if not _HAND_SIZE_M[0] < size < _HAND_SIZE_M[1]:
        raise UnderstudyError(
            f"wrist and middle knuckle are {size:.3g} m apart: keypoints must be in metres (0.1 m is usual)"
        )
    result = np.where(seen[:, None, None], keypoints, np.nan)
    return _bridge_gaps(result, seen, time_s, config.bridge_gaps_s)


def _bridge_gaps(
    keypoints: Float[np.ndarray, "T 21 3"],
    seen: Bool[np.ndarray, " T"],
    time_s: Float[np.ndarray, " T"],
    longest_s: float,
) -> tuple[Float[np.ndarray, "T 21 3"], int]:
    index, count = np.flatnonzero(seen), 0
    for before, after in pairwise(index):
        if after - before > 1 and time_s[after] - time_s[before] <= longest_s:
            inside = slice(before + 1, after)
            share = (time_s[inside] - time_s[before]) / (time_s[after] - time_s[before])
            keypoints[inside] = keypoints[before] + share[:, None, None] * (keypoints[after] - keypoints[before])
            count += int(after - before) - 1
    return keypoints, count
