"""What the three robots share: the wrist's workspace and the parts of their action spaces."""

import numpy as np
from jaxtyping import Float

from understudy.embodiments.embodiment import ActionSpace

__all__ = ["WRIST_HIGH", "WRIST_LOW", "wrist_action_space"]

WRIST_LOW = np.array([0.15, -0.50, 0.02])
"""Lower corner of the box of wrist positions over the table that the arm reaches with the hand pointing down [m]."""
WRIST_HIGH = np.array([0.75, 0.50, 0.60])
"""Upper corner [m]."""


def wrist_action_space(
    rotation_names: tuple[str, ...],
    rotation_bound: float,
    rotation_unit: str,
    hand_names: tuple[str, ...],
    hand_unit: str,
    hand_limits: Float[np.ndarray, "H 2"],
) -> ActionSpace:
    """Position 3 + rotation + hand. Rotation entries lie in +-rotation_bound; hand entries in their limits."""
    bound = np.full(len(rotation_names), rotation_bound)
    return ActionSpace(
        names=("x", "y", "z", *rotation_names, *hand_names),
        units=("m",) * 3 + (rotation_unit,) * len(rotation_names) + (hand_unit,) * len(hand_names),
        low=np.concatenate([WRIST_LOW, -bound, hand_limits[:, 0]]),
        high=np.concatenate([WRIST_HIGH, bound, hand_limits[:, 1]]),
    )
