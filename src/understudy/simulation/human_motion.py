"""A person's motion as overlapping minimum-jerk moves between way-points, with the tremor of a living hand.

A move k carries the hand from pose k-1 to pose k while t runs from start_s to start_s + duration_s:

    s(u) = 10 u^3 - 15 u^4 + 6 u^5                       (Flash and Hogan 1985: least jerk between two rests)
    p(t) = p_0 + sum_k s(u_k) (p_k - p_{k-1})            positions and joints add up
    R(t) = R_0 prod_k exp(s(u_k) log(R_{k-1}^T R_k))     rotations compose

Moves that overlap in time blend into a curve without a stop (Flash and Henis 1991).
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from understudy.geometry.rotations import matrix_from_rotation_vector, rotation_vector_from_matrix
from understudy.geometry.transforms import make_transform
from understudy.simulation.human_pose import HandPose

__all__ = ["Motion", "minimum_jerk", "tremor"]


def minimum_jerk(u: Float[np.ndarray, "*B"]) -> Float[np.ndarray, "*B"]:
    """s(u), 0 before 0 and 1 after 1."""
    u = np.clip(u, 0.0, 1.0)
    return np.asarray(u**3 * (10 - 15 * u + 6 * u**2))


@dataclass(frozen=True)
class _Move:
    start_s: float
    duration_s: float
    pose: HandPose


@dataclass
class Motion:
    """Way-points are added in order; `sample` gives the motion at any times."""

    start: HandPose
    end_s: float = 0.0
    """When the last move so far has ended [s]."""
    _moves: list[_Move] = field(default_factory=list)

    @property
    def pose(self) -> HandPose:
        """The last way-point."""
        return self._moves[-1].pose if self._moves else self.start

    def move(self, pose: HandPose, duration_s: float, overlap: float = 0.0) -> float:
        """Go on to `pose`, starting while `overlap` (0 to 1) of the move before is to come; returns its end [s]."""
        before = self._moves[-1].duration_s if self._moves else 0.0
        start_s = self.end_s - overlap * min(before, duration_s)
        self._moves.append(_Move(start_s, duration_s, pose))
        self.end_s = start_s + duration_s
        return self.end_s

    def pause(self, duration_s: float) -> float:
        """Stay; returns when the pause ends [s]."""
        self.end_s += duration_s
        return self.end_s

    def sample(self, time_s: Float[np.ndarray, " T"]) -> tuple[Float[np.ndarray, "T 4 4"], Float[np.ndarray, "T 20"]]:
        """Wrist poses T_world_wrist [m] and finger joints [rad]."""
        R = np.broadcast_to(self.start.T_world_wrist[:3, :3], (len(time_s), 3, 3))
        p = np.broadcast_to(self.start.T_world_wrist[:3, 3], (len(time_s), 3))
        joints = np.broadcast_to(self.start.joints, (len(time_s), 20))
        last = self.start
        for move in self._moves:
            s = minimum_jerk((time_s - move.start_s) / move.duration_s)[:, None]
            T, T_last = move.pose.T_world_wrist, last.T_world_wrist
            turn = rotation_vector_from_matrix(T_last[:3, :3].T @ T[:3, :3])
            R = R @ matrix_from_rotation_vector(s * turn)
            p = p + s * (T[:3, 3] - T_last[:3, 3])
            joints = joints + s * (move.pose.joints - last.joints)
            last = move.pose
        return make_transform(R, p), joints


def tremor(rng: np.random.Generator, time_s: Float[np.ndarray, " T"]) -> Float[np.ndarray, "T 3"]:
    """Small displacement of the hand [m]: postural sway of about 1 mm below 1 Hz and tremor of 0.2 mm at 5 to 9 Hz."""
    result = np.zeros((len(time_s), 3))
    for low_hz, high_hz, amplitude in ((0.3, 0.9, 0.0008), (5.0, 9.0, 0.0002)):
        for _ in range(2):
            frequency, phase = rng.uniform(low_hz, high_hz, 3), rng.uniform(0, 2 * np.pi, 3)
            result += amplitude * np.sin(2 * np.pi * time_s[:, None] * frequency + phase)
    return result
