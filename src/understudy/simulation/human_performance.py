"""What every performance of a person is made of: who performs, how the hand moves, what it carries."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.geometry.rotations import matrix_from_rotation_vector
from understudy.geometry.transforms import inverse_transform, make_transform
from understudy.simulation.human_motion import Motion
from understudy.simulation.human_pose import HandPose, hand_rotation, posture, solve_pose

__all__ = ["SKIN_M", "Carry", "Performance", "Person", "Roll", "object_pose"]

SKIN_M = 0.003
"""Fingertip keypoints stay this far outside of what they touch: the flesh of the tip [m]."""

_RELAXED = posture((0.2, 0.2, 0.2, 0.2), (0.35, 0.45, 0.25), (0.4, 0.5, 0.25), (0.5, 0.55, 0.3), (0.6, 0.55, 0.3))


@dataclass(frozen=True)
class Carry:
    """An object that is carried rigidly by the hand for a while."""

    name: str
    start_s: float
    end_s: float
    T_world_start: Float[np.ndarray, "4 4"]
    T_world_end: Float[np.ndarray, "4 4"]


@dataclass(frozen=True)
class Roll:
    """A ball that is struck and rolls straight until it comes to rest, or something stops it."""

    name: str
    start_s: float
    direction: Float[np.ndarray, "2"]
    """Unit vector in the plane of the table."""
    speed: float
    """When it is struck [m/s]."""
    deceleration: float
    """[m/s^2]."""
    stop_m: float
    """It gets no farther than this."""
    radius: float
    """Of the ball [m]."""

    def poses(
        self, T_world_start: Float[np.ndarray, "4 4"], time_s: Float[np.ndarray, " T"]
    ) -> Float[np.ndarray, "T 4 4"]:
        """T_world_ball over time, rolling without slip: x = v t - a t^2 / 2 [m]."""
        t = np.clip(time_s - self.start_s, 0.0, self.speed / self.deceleration)
        way = np.minimum(self.speed * t - self.deceleration * t**2 / 2, self.stop_m)[:, None]
        axis = np.array([-self.direction[1], self.direction[0], 0.0])
        R = matrix_from_rotation_vector(way / self.radius * axis) @ T_world_start[:3, :3]
        return make_transform(R, T_world_start[:3, 3] + way * np.array([*self.direction, 0.0]))


@dataclass(frozen=True)
class Performance:
    """One way of doing a task: the hand's motion, and which object is held, pushed, pressed or struck."""

    motion: Motion
    hold: Carry | None = None
    pushed: str | None = None
    """Moves forward with the fingertips once they reach it."""
    push_contact_x: float = 0.0
    """x of the wrist at first contact [m]."""
    roll: Roll | None = None

    def carried(
        self, time_s: Float[np.ndarray, " T"], T_world_wrist: Float[np.ndarray, "T 4 4"] | None = None
    ) -> Float[np.ndarray, "T 4 4"]:
        """T_world_object of what is held [m], the wrist being where `motion`, or the caller, says."""
        hold = self.hold
        assert hold is not None
        wrist = self.motion.sample(time_s)[0] if T_world_wrist is None else T_world_wrist
        held = (time_s >= hold.start_s) & (time_s < hold.end_s)
        T_wrist_object = inverse_transform(self.motion.sample(np.array([hold.start_s]))[0][0]) @ hold.T_world_start
        poses = np.repeat(hold.T_world_start[None], len(time_s), axis=0)
        poses[held] = wrist[held] @ T_wrist_object
        poses[time_s >= hold.end_s] = hold.T_world_end
        return poses


@dataclass(frozen=True)
class Person:
    """What all plans draw from."""

    skeleton: HandSkeleton
    rng: np.random.Generator
    slowness: float
    """Factor on every duration, about 0.8 to 1.2."""

    def seconds(self, mean: float) -> float:
        """A duration around `mean` [s]."""
        return mean * self.slowness * self.rng.uniform(0.9, 1.1)

    def hesitate(self, motion: Motion) -> None:
        """Now and then a person stops for a moment."""
        if self.rng.random() < 0.4:
            motion.pause(self.rng.uniform(0.05, 0.3))

    def resting(self) -> HandPose:
        """Relaxed, before the person at the near edge of the table."""
        position = np.array([0.22, -0.08, 0.19]) + self.rng.uniform(-0.03, 0.03, 3)
        R = hand_rotation(self.rng.uniform(-0.1, 0.3), self.rng.uniform(0.35, 0.6), self.rng.uniform(0.1, 0.4))
        return HandPose(make_transform(R, position), _RELAXED)

    def reach(
        self, joints: Float[np.ndarray, "20"], R: Float[np.ndarray, "3 3"], tips: dict[int, Float[np.ndarray, "3"]]
    ) -> HandPose:
        """A pose whose fingertips lie on `tips`, near rotation R and finger posture `joints`."""
        centre = np.mean(list(tips.values()), axis=0)
        return solve_pose(self.skeleton, HandPose(make_transform(R, centre), joints), tips)[0]


def object_pose(xy: Float[np.ndarray, "2"], z: float, yaw: float) -> Float[np.ndarray, "4 4"]:
    """T_world_object of something that stands upright, its centre at the height z [m]."""
    c, s = np.cos(yaw), np.sin(yaw)
    return make_transform(np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]), np.array([*xy, z]))
