"""The terms of the optimisation. A retargeting is a list of them; `assemble` turns it into one compiled problem.

Every row compares two points of the robot, or one with the base's origin, to a target in the base frame. With x the
robot's sites, y the human's keypoints, and rho Huber's loss of width `huber_m` taken coordinate by coordinate:

    KeypointPositions   sum_i w_i sum_xyz rho(x_i - y_i)                       (HOP, eq. 1; dex_retargeting "position")
    FingertipVectors    sum_i w   sum_xyz rho((x_i - x_0) - s (y_i - y_0))     (dex_retargeting "vector")
    FingerPairs         sum_ij w  sum_xyz rho((x_j - x_i) - (y_j - y_i))       (relative position of two fingertips)
    WristPose           w |x_0 - y_0|^2 / 2  +  w l^2 |R_robot - R_human|_F^2 / 2, l a lever arm
    SitePosition        w |x_s - y_s|^2 / 2
    SiteAxis            w l^2 |R_s a - u|^2 / 2
    Floor               w sum_n max(0, h - z_n)^2
    Smoothness          w |q - q_prev|^2                                       (HOP, eq. 1: lambda)
    RestPosture         w |q - q_rest|^2
"""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from understudy.retargeting.kinematics import KinematicTree
from understudy.retargeting.solver import Problem, SolverOptions

__all__ = [
    "FingerPairs",
    "FingertipVectors",
    "Floor",
    "KeypointPositions",
    "RestPosture",
    "RowBlock",
    "RowTerm",
    "SiteAxis",
    "SitePosition",
    "Smoothness",
    "WristPose",
    "assemble",
]


@dataclass(frozen=True)
class RowBlock:
    """Rows that one term contributes: pairs of (site, offset in the site's frame) and their targets."""

    first: tuple[tuple[str, tuple[float, float, float]], ...]
    second: tuple[tuple[str, tuple[float, float, float]] | None, ...]
    targets: Float[np.ndarray, "T N 3"]
    weights: Float[np.ndarray, "T N"]
    huber_m: float
    measured: bool


@runtime_checkable
class RowTerm(Protocol):
    """A term made of rows."""

    def rows(self) -> RowBlock:
        """What is compared with what, frame by frame."""
        ...


_ORIGIN = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class KeypointPositions:
    """Sites `k{i}` at the human's keypoints i."""

    keypoints: tuple[int, ...]
    targets: Float[np.ndarray, "T N 3"]
    """Human keypoints in the order of `keypoints`, base frame [m]."""
    weights: tuple[float, ...]
    """One per keypoint."""
    huber_m: float = 0.05
    measured: bool = True
    """Whether the distance counts in the residual of the frame."""

    def rows(self) -> RowBlock:
        """One row per keypoint."""
        first = tuple((f"k{i}", _ORIGIN) for i in self.keypoints)
        weights = np.broadcast_to(np.array(self.weights), self.targets.shape[:2])
        return RowBlock(first, (None,) * len(first), self.targets, weights, self.huber_m, self.measured)


@dataclass(frozen=True)
class FingertipVectors:
    """Vectors from the robot's wrist to its fingertips, as the human's, scaled."""

    keypoints: tuple[int, ...]
    vectors: Float[np.ndarray, "T N 3"]
    """From the human's wrist to the keypoints, base frame [m]."""
    weight: float = 1.0
    scale: float = 1.0
    """Size of the robot's hand relative to the human's."""
    huber_m: float = 0.05

    def rows(self) -> RowBlock:
        """One row per fingertip."""
        first = tuple((f"k{i}", _ORIGIN) for i in self.keypoints)
        second = (("wrist", _ORIGIN),) * len(first)
        return RowBlock(
            first, second, self.scale * self.vectors, _constant(self.weight, self.vectors), self.huber_m, False
        )


@dataclass(frozen=True)
class FingerPairs:
    """Vectors between fingertips, thumb to finger: what decides whether a pinch closes."""

    pairs: tuple[tuple[int, int], ...]
    """(from, to) keypoints."""
    vectors: Float[np.ndarray, "T N 3"]
    """The human's, base frame [m]."""
    weights: Float[np.ndarray, "T N"]
    huber_m: float = 0.05

    def rows(self) -> RowBlock:
        """One row per pair."""
        first = tuple((f"k{b}", _ORIGIN) for _, b in self.pairs)
        second = tuple((f"k{a}", _ORIGIN) for a, _ in self.pairs)
        return RowBlock(first, second, self.vectors, self.weights, self.huber_m, False)


@dataclass(frozen=True)
class WristPose:
    """The robot's wrist frame at the human's; soft, since hands differ in size."""

    T_base_wrist: Float[np.ndarray, "T 4 4"]
    position_weight: float = 1.0
    rotation_weight: float = 1.0
    lever_m: float = 0.1
    """Distance at which an error of rotation counts like one of position [m]."""
    huber_m: float = np.inf

    def rows(self) -> RowBlock:
        """One row for the position, one for each axis."""
        ends = tuple(tuple(self.lever_m * e for e in axis) for axis in np.eye(3).tolist())
        first = (("wrist", _ORIGIN), *(("wrist", (end[0], end[1], end[2])) for end in ends))
        second = (None, *(("wrist", _ORIGIN),) * 3)
        axes = self.lever_m * np.swapaxes(self.T_base_wrist[:, :3, :3], 1, 2)
        targets = np.concatenate([self.T_base_wrist[:, None, :3, 3], axes], axis=1)
        weights = np.tile([self.position_weight, *(self.rotation_weight,) * 3], (len(targets), 1))
        return RowBlock(first, second, targets, weights, self.huber_m, False)


@dataclass(frozen=True)
class SitePosition:
    """One named site at a point."""

    site: str
    targets: Float[np.ndarray, "T 3"]
    weight: float = 1.0
    huber_m: float = np.inf
    measured: bool = True

    def rows(self) -> RowBlock:
        """One row."""
        targets = self.targets[:, None]
        return RowBlock(
            ((self.site, _ORIGIN),), (None,), targets, _constant(self.weight, targets), self.huber_m, self.measured
        )


@dataclass(frozen=True)
class SiteAxis:
    """One axis of a named site along a direction."""

    site: str
    axis: tuple[float, float, float]
    """Unit vector in the site's frame."""
    directions: Float[np.ndarray, "T 3"]
    """Unit vectors in the base frame."""
    weight: float = 1.0
    lever_m: float = 0.1
    """Distance at which an error of rotation counts like one of position [m]."""

    def rows(self) -> RowBlock:
        """One row."""
        end = (self.axis[0] * self.lever_m, self.axis[1] * self.lever_m, self.axis[2] * self.lever_m)
        targets = self.lever_m * self.directions[:, None]
        pair = ((self.site, end),), ((self.site, _ORIGIN),)
        return RowBlock(*pair, targets, _constant(self.weight, targets), np.inf, False)


@dataclass(frozen=True)
class Floor:
    """Sites kept above a plane: a one-sided term, stiff enough to hold within a millimetre."""

    sites: tuple[str, ...]
    height_m: float
    """In the base frame [m]."""
    weight: float = 1e4


@dataclass(frozen=True)
class Smoothness:
    """Small steps from frame to frame."""

    weight: float


@dataclass(frozen=True)
class RestPosture:
    """A posture for what the task leaves free."""

    weight: float
    posture: Float[np.ndarray, " J"]


@dataclass(frozen=True)
class _Points:
    """The points of all rows, each once."""

    tree: KinematicTree
    keys: list[tuple[str, tuple[float, float, float]]] = field(default_factory=list)

    def index(self, key: tuple[str, tuple[float, float, float]]) -> int:
        if key not in self.keys:
            self.keys.append(key)
        return self.keys.index(key)

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        sites = np.array([self.tree.site(name) for name, _ in self.keys], dtype=np.int64)
        offsets = np.array([offset for _, offset in self.keys])
        placed = self.tree.site_positions[sites] + np.einsum("pij,pj->pi", self.tree.site_rotations[sites], offsets)
        return self.tree.site_joints[sites], placed


def assemble(
    tree: KinematicTree,
    terms: list[RowTerm],
    *,
    smoothness: Smoothness,
    rest: RestPosture,
    speed_limit: Float[np.ndarray, " J"],
    floor: Floor | None = None,
    options: SolverOptions | None = None,
) -> tuple[Problem, Float[np.ndarray, "T M 3"], Float[np.ndarray, "T M"]]:
    """One problem with the targets [m] and weights of its rows, frame by frame."""
    blocks = [term.rows() for term in terms]
    points = _Points(tree)
    pairs = [
        (points.index(a), -1 if b is None else points.index(b))
        for block in blocks
        for a, b in zip(block.first, block.second, strict=True)
    ]
    below = [] if floor is None else [points.index((site, _ORIGIN)) for site in floor.sites]
    point_joints, placed = points.arrays()
    counts = [len(block.first) for block in blocks]
    problem = Problem(
        tree=tree,
        point_joints=point_joints,
        points=placed,
        pairs=np.array(pairs, dtype=np.int64).reshape(-1, 2),
        huber_m=np.repeat([float(block.huber_m) for block in blocks], counts),
        measured=np.repeat([block.measured for block in blocks], counts),
        smooth=np.full(tree.num_joints, float(smoothness.weight)),
        rest_weight=np.full(tree.num_joints, float(rest.weight)),
        rest=rest.posture.astype(float),
        speed_limit=speed_limit.astype(float),
        floor_points=np.array(below, dtype=np.int64),
        floor_m=0.0 if floor is None else floor.height_m,
        floor_weight=0.0 if floor is None else floor.weight,
        options=options or SolverOptions(),
    )
    targets = np.concatenate([block.targets for block in blocks], axis=1)
    return problem, targets, np.concatenate([block.weights for block in blocks], axis=1)


def _constant(weight: float, targets: Float[np.ndarray, "T N 3"]) -> Float[np.ndarray, "T N"]:
    return np.full(targets.shape[:2], float(weight))
