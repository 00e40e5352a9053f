"""What every embodiment states about itself; one file per embodiment returns one of these."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import mujoco
import numpy as np
from jaxtyping import Float

__all__ = ["ActionSpace", "Embodiment"]


@dataclass(frozen=True)
class ActionSpace:
    """Names, units and limits of one action, in order."""

    names: tuple[str, ...]
    units: tuple[str, ...]
    """`m`, `rad` or `1`, one per name."""
    low: Float[np.ndarray, " A"]
    high: Float[np.ndarray, " A"]

    def __post_init__(self) -> None:
        sizes = {len(self.names), len(self.units), len(self.low), len(self.high)}
        if len(sizes) != 1:
            raise ValueError(f"action space with names, units, low, high of different lengths: {sorted(sizes)}")

    @property
    def size(self) -> int:
        """A."""
        return len(self.names)


@dataclass(frozen=True)
class Embodiment:
    """A body that acts: how it is built, moved, limited and compared with a human hand.

    `build()` returns a fresh `MjSpec` that holds the body alone, its base at the origin (the world frame), with no
    floor, light or camera. It compiles by itself and attaches to the tabletop without a name prefix. Its conventions:

    - a site `wrist` carries the wrist frame of eq. 9-11 (x towards the middle knuckle, z out of the palm);
    - a site `k{i}` stands at the place that corresponds to human keypoint i, for every i in `keypoints`;
    - a position actuator `{joint}` drives each joint of `joint_names`, in that order;
    - geoms of the body alone: group 2 is seen and not touched, group 3 is touched and not seen, group 0 is both;
    - robots: gravity is compensated on every body (`gravcomp="1"`).
    """

    name: str
    title: str
    """One line for `understudy list`."""
    build: Callable[[], mujoco.MjSpec]
    arm_joints: tuple[str, ...]
    """Joints of the arm, base to flange; empty for `human_hand`, which floats on a mocap body `wrist_mocap`."""
    hand_joints: tuple[str, ...]
    """Joints of the hand or gripper, in the order of the action space."""
    home: Float[np.ndarray, " J"]
    """Rest configuration in the order of `joint_names`: hand above the near left part of the table [rad | m]."""
    speed_limit: Float[np.ndarray, " J"]
    """Largest joint speed [rad/s | m/s]."""
    action_space: ActionSpace
    wrist_action: Literal["quaternion", "rotation_vector", "none"]
    """How the action's wrist rotation is written: 3 + 4, 3 + 3, or joints only."""
    keypoints: tuple[int, ...]
    """Human keypoints (0 to 20) that have a counterpart site `k{i}` on this body."""
    fingertips: dict[str, int] = field(default_factory=dict)
    """Finger name -> human keypoint of its tip, for the fingers this body has."""
    sources: tuple[str, ...] = ()
    """Where the numbers come from."""

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Arm, then hand."""
        return self.arm_joints + self.hand_joints
