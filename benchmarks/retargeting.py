# ruff: noqa: E402 - the number of threads must be set before numpy is imported
"""Retargeting against dex_retargeting 0.5.0: same keypoints, objective and kinematic tree, one core, one process.

Robot: xArm7 with Allegro hand, 23 joints; theirs reads our URDF. Objective of both: mean SmoothL1 (beta 20 mm) of the
positions of wrist and four fingertips, plus 4e-3 |q - q_prev|^2 (in theirs the latter enters the gradient only). Clips
of both are run in turns; times are those of the processor, so that other processes do not count. Targets: real hand
gestures if UNDERSTUDY_DATA is set, else a synthetic hand; either way carried through the workspace by a smooth random
wrist path. The command in the result says which.

    python benchmarks/retargeting.py --out results/retargeting.json        (in an environment with the extra `bench`)
"""

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import torch  # type: ignore[import-not-found, unused-ignore]
from dex_retargeting.optimizer import PositionOptimizer
from dex_retargeting.robot_wrapper import RobotWrapper
from scipy.ndimage import gaussian_filter1d

from understudy.embodiments import get_embodiment
from understudy.embodiments.export_urdf import write_urdf
from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.evaluation.result_file import make_report, write_report
from understudy.geometry.rotations import matrix_from_rotation_vector
from understudy.geometry.transforms import apply_transform, make_transform
from understudy.records import EvalCell
from understudy.retargeting.actions import kinematic_tree
from understudy.retargeting.kinematics import KinematicTree
from understudy.retargeting.retarget import retarget_hand
from understudy.retargeting.solver import Problem, SolverOptions, Stream, solve_batch

ROBOT = "xarm7_allegro"
KEYPOINTS = (0, 4, 8, 12, 16)
HUBER_M, NORM_DELTA = 0.02, 4e-3
"""Defaults of dex_retargeting's PositionOptimizer."""
FPS = 30.0
WARM_UP = 10
"""Frames at the head of every clip that are solved but not counted."""
REPEATS = 3
"""Everything is done this many times; the shortest time of each frame counts."""


@dataclass(frozen=True)
class Run:
    """Frames of one solver over all clips: joints and seconds per frame."""

    joints: np.ndarray
    seconds: np.ndarray


def hand_motion(num_clips: int, num_frames: int) -> tuple[np.ndarray, str]:
    """Keypoints in the wrist frame (clips, frames, 21, 3) [m] and where they come from."""
    folder = os.environ.get("UNDERSTUDY_DATA")
    if folder:
        raw = np.load(Path(folder) / "human_video" / "hand_gestures_keypoints.npz")["keypoints"].astype(float)
        # That file's frame has the fingers along +z, its palm along +x and the index side along +y.
        R_wrist_file = np.array([[0.0, 0.0, 1.0], [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])
        turned = raw @ R_wrist_file.T
        starts = np.linspace(0, len(turned) - num_frames, num_clips).astype(int)
        return np.stack([turned[s : s + num_frames] for s in starts]), "hand_gestures"
    rng = np.random.default_rng(0)
    skeleton = HandSkeleton()
    wander = gaussian_filter1d(rng.normal(size=(num_clips, num_frames, 20)), 0.4 * FPS, axis=1)
    share = 0.5 + 0.25 * wander / wander.std(axis=1, keepdims=True)
    joints = skeleton.limits[:, 0] + np.clip(share, 0, 1) * np.ptp(skeleton.limits, axis=1)
    return skeleton.keypoints(joints) + rng.normal(0, 0.001, (num_clips, num_frames, 21, 3)), "synthetic"


def carry(keypoints: np.ndarray) -> np.ndarray:
    """Keypoints (clips, frames, 21, 3) in the base frame [m]: palm down, 0.3 to 0.5 m ahead, turning by +-30 deg."""
    rng = np.random.default_rng(1)
    num_clips, num_frames = keypoints.shape[:2]
    wander = gaussian_filter1d(rng.normal(size=(num_clips, num_frames, 6)), FPS, axis=1)
    wander /= np.abs(wander).max(axis=1, keepdims=True)
    position = np.array([0.42, 0.0, 0.30]) + wander[..., :3] * np.array([0.10, 0.22, 0.10])
    palm_down = np.array([[0.6, 0.0, -0.8], [0.0, -1.0, 0.0], [-0.8, 0.0, -0.6]])
    R = matrix_from_rotation_vector(wander[..., 3:] * 0.5) @ palm_down
    return apply_transform(make_transform(R, position), keypoints)


def first_joints(carried: np.ndarray) -> np.ndarray:
    """Where both solvers start in every clip (clips, 23): the first frame with the wrist's rotation held as well."""
    seen, at = np.zeros(1, dtype=np.int8), np.zeros(1)
    return np.stack([retarget_hand(clip[:1], seen, at, ROBOT).joints[0] for clip in carried])


def our_problem(tree: KinematicTree, tolerance: float) -> Problem:
    """The objective of the head of this file, in our terms."""
    sites = np.array([tree.site("wrist" if k == 0 else f"k{k}") for k in KEYPOINTS])
    num_joints, num_rows = tree.num_joints, len(KEYPOINTS)
    return Problem(
        tree=tree,
        point_joints=tree.site_joints[sites],
        points=tree.site_positions[sites],
        pairs=np.stack([np.arange(num_rows), np.full(num_rows, -1)], axis=-1),
        huber_m=np.full(num_rows, HUBER_M),
        measured=np.ones(num_rows, dtype=bool),
        smooth=np.full(num_joints, NORM_DELTA),
        rest_weight=np.zeros(num_joints),
        rest=np.zeros(num_joints),
        speed_limit=np.full(num_joints, np.inf),
        options=SolverOptions(tolerance=tolerance, reach_m=np.inf),
    )


def run_theirs(optimizer: PositionOptimizer, order: np.ndarray, targets: np.ndarray, start: np.ndarray) -> Run:
    """One clip, frame by frame, each from the frame before; `order` maps their joints to ours."""
    joints, seconds = np.empty((len(targets), len(start))), np.empty(len(targets))
    last, nothing = start[order].astype(np.float32), np.zeros(0, dtype=np.float32)
    limits = optimizer.robot.joint_limits.T
    for t, target in enumerate(targets.astype(np.float32)):
        begin = time.process_time()
        last = optimizer.retarget(target, nothing, np.clip(last, *limits))  # the clip is SeqRetargeting's
        seconds[t] = time.process_time() - begin
        joints[t, order] = last
    return Run(joints, seconds)


def run_ours(problem: Problem, targets: np.ndarray, start: np.ndarray) -> Run:
    """One clip as a stream."""
    stream, weight = Stream(problem, start), row_weight(targets.shape[1])
    joints, seconds = np.empty((len(targets), len(start))), np.empty(len(targets))
    for t, target in enumerate(targets):
        begin = time.process_time()
        joints[t] = stream.step(target, weight, 1 / FPS)
        seconds[t] = time.process_time() - begin
    return Run(joints, seconds)


def run_batched(problem: Problem, targets: np.ndarray, starts: np.ndarray) -> Run:
    """All clips in one call; every frame is booked with the mean."""
    clips, frames, rows = targets.shape[:3]
    weights, dt_s = np.tile(row_weight(rows), (1, frames, 1)), np.full((1, frames), 1 / FPS)
    begin = time.process_time()
    solution = solve_batch(problem, targets, weights, dt_s, starts[:, None])
    elapsed = time.process_time() - begin
    return Run(solution.joints, np.full((clips, frames), elapsed / (clips * frames)))


def row_weight(num_rows: int) -> np.ndarray:
    """SmoothL1 with mean reduction is rho(e) / beta over 3 N coordinates."""
    return np.full(num_rows, 1 / (HUBER_M * 3 * num_rows))


def residual_m(tree: KinematicTree, joints: np.ndarray, targets: np.ndarray) -> float:
    """Mean distance of the five points from their targets after the warm-up."""
    sites = [tree.site("wrist" if k == 0 else f"k{k}") for k in KEYPOINTS]
    positions, _ = tree.forward(joints)
    return float(np.linalg.norm(positions[..., sites, :] - targets, axis=-1)[:, WARM_UP:].mean())


def cells(row: str, tree: KinematicTree, ours: Run, theirs: Run, targets: np.ndarray) -> list[EvalCell]:
    """The four numbers of one row; theirs has the same denominators in both."""
    spent, other = ours.seconds[:, WARM_UP:], theirs.seconds[:, WARM_UP:]
    values = {
        "speed_ratio": other.sum() / spent.sum(),
        "residual_ratio": residual_m(tree, ours.joints, targets) / residual_m(tree, theirs.joints, targets),
        "residual_m": residual_m(tree, ours.joints, targets),
        "frame_ms_p50": 1e3 * np.quantile(spent, 0.5),
        "frame_ms_p99": 1e3 * np.quantile(spent, 0.99),
    }
    return [EvalCell(row, name, float(value), robot=ROBOT) for name, value in values.items()]


def measure(num_clips: int, num_frames: int, tolerance: float) -> tuple[list[EvalCell], str]:
    """All rows, and where the keypoints come from."""
    torch.set_num_threads(1)
    embodiment = get_embodiment(ROBOT)
    tree = kinematic_tree(embodiment)
    keypoints, source = hand_motion(num_clips, num_frames)
    carried = carry(keypoints)
    targets, starts = carried[:, :, list(KEYPOINTS)], first_joints(carried)
    with tempfile.TemporaryDirectory() as folder:
        write_urdf(embodiment, Path(folder) / "robot.urdf")
        wrapper = RobotWrapper(str(Path(folder) / "robot.urdf"))
    names = list(wrapper.dof_joint_names)
    links = ["wrist" if k == 0 else f"k{k}" for k in KEYPOINTS]
    optimizer = PositionOptimizer(wrapper, names, links, np.array(KEYPOINTS), HUBER_M, NORM_DELTA)
    order = np.array([tree.joint_names.index(name) for name in names])
    optimizer.set_joint_limit(np.stack([tree.lower, tree.upper], axis=-1)[order])
    problem = our_problem(tree, tolerance)
    run_ours(problem, targets[0, :3], starts[0])  # compiles, or loads what was compiled
    run_batched(problem, targets[:1, :3], starts[:1])
    turns = [_turn(problem, optimizer, order, targets, starts) for _ in range(REPEATS)]
    ours, theirs, batched = (_fastest([turn[i] for turn in turns]) for i in range(3))
    report = [
        *cells("stream", tree, ours, theirs, targets),
        *cells("batched", tree, batched, theirs, targets),
        *cells("dex_retargeting", tree, theirs, theirs, targets),
    ]
    return report, source


def _turn(
    problem: Problem, optimizer: PositionOptimizer, order: np.ndarray, targets: np.ndarray, starts: np.ndarray
) -> tuple[Run, Run, Run]:
    """Every clip by both, one after the other, then all clips at once."""
    ours, theirs = [], []
    for clip, start in zip(targets, starts, strict=True):
        theirs.append(run_theirs(optimizer, order, clip, start))
        ours.append(run_ours(problem, clip, start))
    return _together(ours), _together(theirs), run_batched(problem, targets, starts)


def _together(runs: list[Run]) -> Run:
    return Run(np.stack([run.joints for run in runs]), np.stack([run.seconds for run in runs]))


def _fastest(runs: list[Run]) -> Run:
    """Of the same frames solved again and again, the shortest time of each: what other processes took is left out."""
    return Run(runs[0].joints, np.min([run.seconds for run in runs], axis=0))


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="result file to write")
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    options = parser.parse_args()
    begin = time.perf_counter()
    report, source = measure(options.clips, options.frames, options.tolerance)
    for cell in report:
        print(f"{cell.row:16s} {cell.metric:16s} {cell.value:.4g}")
    print(f"keypoints: {source}")
    if options.out:
        data = "" if source == "synthetic" else "UNDERSTUDY_DATA=... "
        command = f"{data}python benchmarks/retargeting.py --out {options.out}"
        write_report(make_report("retargeting", command, (time.perf_counter() - begin) / 60, report), options.out)


if __name__ == "__main__":
    main()
