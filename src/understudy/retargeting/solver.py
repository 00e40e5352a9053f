"""One optimisation for every robot: point pairs against targets, within joint and speed limits, frame after frame."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int, Int8

from understudy.retargeting.kinematics import KinematicTree
from understudy.retargeting.solver_kernel import solve_trajectories
from understudy.retargeting.solver_model import Options, Rows, Tree

__all__ = ["Problem", "Solution", "SolverOptions", "Stream", "solve", "solve_batch"]


@dataclass(frozen=True)
class SolverOptions:
    """How long and how exactly to search, and when a solved frame counts as reached."""

    max_iterations: int = 60
    """Per frame and starting point."""
    tolerance: float = 1e-6
    """Stop when the next step would lower the cost by less than this share."""
    reach_m: float = 0.05
    """Mean distance to the targets above which a frame is `OUT_OF_REACH`, or `TOO_FAST` at a speed limit [m]."""


@dataclass(frozen=True)
class Problem:
    """The points of a robot that are compared with targets, and the terms that do not change over time.

    cost(q) = sum_m w_m sum_xyz rho(x_a - x_b - v_m)  +  floor_weight sum_n max(0, floor_m - z_n)^2
              + sum_j smooth_j (q_j - q_prev_j)^2  +  sum_j rest_weight_j (q_j - rest_j)^2      rho: Huber, `huber_m`

    Targets v and weights w are given per frame to `solve`. A position has no second point (-1); the direction of an
    axis is the pair of a point on it and the origin; so every term has one form.
    """

    tree: KinematicTree
    point_joints: Int[np.ndarray, " P"]
    """Joint that carries each point; -1 for the base."""
    points: Float[np.ndarray, "P 3"]
    """Points in the base frame at q = 0 [m]."""
    pairs: Int[np.ndarray, "M 2"]
    """Points a and b of every row; b = -1 for a position."""
    huber_m: Float[np.ndarray, " M"]
    """Width of the quadratic part, per coordinate; inf for least squares [m]."""
    measured: Bool[np.ndarray, " M"]
    """Rows whose distance from their target is reported as the residual."""
    smooth: Float[np.ndarray, " J"]
    """Weight of the step from the previous frame."""
    rest_weight: Float[np.ndarray, " J"]
    rest: Float[np.ndarray, " J"]
    """Posture that fills the null space [rad | m]."""
    speed_limit: Float[np.ndarray, " J"]
    """Hard limit between frames [rad/s | m/s]; inf for none."""
    floor_points: Int[np.ndarray, " F"] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Points kept above the floor."""
    floor_m: float = 0.0
    """Height of the floor in the base frame [m]."""
    floor_weight: float = 0.0
    options: SolverOptions = field(default_factory=SolverOptions)

    @property
    def num_rows(self) -> int:
        """M."""
        return len(self.pairs)

    def compiled(self) -> tuple[Tree, Rows, Options]:
        """The arrays that the compiled solver reads."""
        tree, columns = self.tree, _row_columns(self)
        fill = _fill_pattern(
            tree.num_joints, [set(c) for c, _ in columns] + _chains(tree.parents, self._floor_joints())
        )
        index = np.zeros((tree.num_joints, tree.num_joints), dtype=np.int64)
        for k, row in enumerate(fill):
            index[k, : len(row)] = row
        column_index = np.zeros((self.num_rows, tree.num_joints), dtype=np.int64)
        roles = np.zeros_like(column_index)
        for m, (joints, role) in enumerate(columns):
            column_index[m, : len(joints)], roles[m, : len(joints)] = joints, role
        return (
            Tree(
                tree.parents, tree.kinds, tree.axes, tree.anchors, self.point_joints, self.points,
                tree.lower, tree.upper, self.speed_limit, index, np.array([len(row) for row in fill], dtype=np.int64),
            ),
            Rows(
                self.pairs, column_index, roles, np.array([len(c) for c, _ in columns], dtype=np.int64), self.huber_m,
                self.measured, self.floor_points, self.smooth, self.rest_weight, self.rest,
            ),
            Options(
                self.options.max_iterations, float(self.options.tolerance), float(self.options.reach_m),
                float(self.floor_m), float(self.floor_weight),
            ),
        )  # fmt: skip

    def _floor_joints(self) -> list[int]:
        return [int(self.point_joints[n]) for n in self.floor_points]


@dataclass(frozen=True)
class Solution:
    """Joints of every frame, with what became of it. Leading axes are trajectories, if there are several."""

    joints: Float[np.ndarray, "*B T J"]
    """Solved positions; frames that are not `OK` hold the last solved ones [rad | m]."""
    residual_m: Float[np.ndarray, "*B T"]
    """Mean distance of the measured rows from their targets at the best configuration found; NaN without a hand [m]."""
    status: Int8[np.ndarray, "*B T"]
    """`FrameStatus`."""
    iterations: Int[np.ndarray, "*B T"]


def solve_batch(
    problem: Problem,
    targets: Float[np.ndarray, "B T M 3"],
    weights: Float[np.ndarray, "C T M"],
    dt_s: Float[np.ndarray, "D T"],
    seeds: Float[np.ndarray, "B K J"],
) -> Solution:
    """Solve B independent trajectories of T frames, one after another on the calling thread.

    Args:
        problem: what is compared.
        targets: targets of every row [m]; rows with NaN are left out, frames without any row are `NO_HAND`.
        weights: weight of every row (C is 1 or B).
        dt_s: time between the frame before and each frame, for the speed limits [s] (D is 1 or B).
        seeds: configurations to start from at the first frame that has a hand [rad | m]; the first is also the
            posture before that frame.
    """
    batch, frames = targets.shape[:2]
    joints = np.empty((batch, frames, problem.tree.num_joints))
    residual = np.empty((batch, frames))
    status = np.empty((batch, frames), dtype=np.int8)
    iterations = np.empty((batch, frames), dtype=np.int64)
    arrays = [np.ascontiguousarray(a, dtype=float) for a in (targets, weights, dt_s, seeds)]
    solve_trajectories(*problem.compiled(), *arrays, True, joints, residual, status, iterations)
    return Solution(joints, residual, status, iterations)


def solve(
    problem: Problem,
    targets: Float[np.ndarray, "T M 3"],
    weights: Float[np.ndarray, "T M"],
    time_s: Float[np.ndarray, " T"],
    seeds: Float[np.ndarray, "K J"],
) -> Solution:
    """Solve one trajectory; see `solve_batch`. `time_s` are the frames' times [s]."""
    dt_s = np.diff(time_s, prepend=time_s[:1])
    many = solve_batch(problem, targets[None], weights[None], dt_s[None], seeds[None])
    return Solution(many.joints[0], many.residual_m[0], many.status[0], many.iterations[0])


class Stream:
    """Solve frame by frame as they arrive; each call starts from the frame before."""

    def __init__(self, problem: Problem, start: Float[np.ndarray, " J"]) -> None:
        self._compiled = problem.compiled()
        num_joints = problem.tree.num_joints
        self._first = True
        self._seeds = np.array(start, dtype=float).reshape(1, 1, num_joints)
        self._joints = np.empty((1, 1, num_joints))
        self._residual, self._status = np.empty((1, 1)), np.empty((1, 1), dtype=np.int8)
        self._iterations = np.empty((1, 1), dtype=np.int64)
        self._dt_s = np.empty((1, 1))
        self._gap_s = 0.0

    def step(
        self, target: Float[np.ndarray, "M 3"], weight: Float[np.ndarray, " M"], dt_s: float
    ) -> Float[np.ndarray, " J"]:
        """Joints for the targets of the next frame, `dt_s` after the one before [s]; `status` judges them."""
        self._gap_s += dt_s
        self._dt_s[0, 0] = self._gap_s
        solve_trajectories(
            *self._compiled, target[None, None], weight[None, None], self._dt_s, self._seeds, self._first,
            self._joints, self._residual, self._status, self._iterations,
        )  # fmt: skip
        self._seeds[0, 0] = self._joints[0, 0]
        if self._status[0, 0] == 0:
            self._first, self._gap_s = False, 0.0
        return self._joints[0, 0].copy()

    @property
    def status(self) -> int:
        """`FrameStatus` of the last frame."""
        return int(self._status[0, 0])

    @property
    def residual_m(self) -> float:
        """Mean distance of the last frame's measured rows from their targets [m]."""
        return float(self._residual[0, 0])


def _chain(parents: np.ndarray, joint: int) -> set[int]:
    chain = set()
    while joint >= 0:
        chain.add(joint)
        joint = int(parents[joint])
    return chain


def _chains(parents: np.ndarray, joints: list[int]) -> list[set[int]]:
    return [_chain(parents, j) for j in joints]


def _row_columns(problem: Problem) -> list[tuple[list[int], list[int]]]:
    """Joints that move each row, base outwards, and whether they move its first point (1), its second (2) or both."""
    rows = []
    for a, b in problem.pairs:
        first = _chain(problem.tree.parents, int(problem.point_joints[a]))
        second = _chain(problem.tree.parents, int(problem.point_joints[b])) if b >= 0 else set()
        joints = sorted(first | second)
        rows.append((joints, [(1 if j in first else 0) + (2 if j in second else 0) for j in joints]))
    return rows


def _fill_pattern(num_joints: int, cliques: list[set[int]]) -> list[list[int]]:
    """Columns i < k of row k of L in H = L^T L, where H couples the joints of each clique (symbolic elimination)."""
    rows: list[set[int]] = [set() for _ in range(num_joints)]
    for clique in cliques:
        for k in clique:
            rows[k] |= {i for i in clique if i < k}
    for k in range(num_joints - 1, -1, -1):
        for i in rows[k]:
            rows[i] |= {n for n in rows[k] if n < i}
    return [sorted(row) for row in rows]
