"""Terms for robots with fingers: fingertips where the human's are, wrist near, pinch closed past contact."""

import numpy as np
from jaxtyping import Bool, Float

from understudy.embodiments import Embodiment
from understudy.retargeting.config import RetargetConfig
from understudy.retargeting.contact import squeeze_fingertips, tuck_fingertips, wrist_frames
from understudy.retargeting.terms import FingerPairs, KeypointPositions, RowTerm, WristPose

__all__ = ["hand_terms"]

_FINGER_ORDER = ("thumb", "index", "middle", "ring", "little")
_MIDDLE_JOINTS = (2, 3, 6, 10, 14, 18)
_WEAK_PAIR = 0.25
"""Share of the pair weight while nothing is held."""


def hand_terms(
    embodiment: Embodiment,
    keypoints: Float[np.ndarray, "T 21 3"],
    closed: Bool[np.ndarray, " T"],
    config: RetargetConfig,
) -> list[RowTerm]:
    """Rows for `keypoints` (base frame [m], NaN in gaps); `closed` marks frames in which something is held."""
    fingers = [name for name in _FINGER_ORDER if name in embodiment.fingertips]
    tips = tuple(embodiment.fingertips[name] for name in fingers)
    weights = tuple(config.fingertip_weights[_FINGER_ORDER.index(name)] for name in fingers)
    goal = keypoints.copy()
    if config.ring_takes_little and "little" not in fingers:
        goal[:, 13:17] = 0.5 * (keypoints[:, 13:17] + keypoints[:, 17:21])
    goal = squeeze_fingertips(goal, closed, config.squeeze_m)
    if config.tuck_idle_fingers and closed.any():
        goal = tuck_fingertips(goal)
    if config.table_height_m is not None:
        lowest = config.table_height_m + config.clearance_m
        goal[:, list(tips), 2] = np.maximum(goal[:, list(tips), 2], lowest)
    pairs = tuple((4, tip) for tip in (8, 12) if tip in tips)
    vectors = np.stack([goal[:, b] - goal[:, a] for a, b in pairs], axis=1)
    pair_weights = np.where(closed, 1.0, _WEAK_PAIR)[:, None] * np.full((1, len(pairs)), config.pair_weight)
    middle = tuple(i for i in _MIDDLE_JOINTS if i in embodiment.keypoints)
    return [
        KeypointPositions(tips, goal[:, list(tips)], weights, config.huber_m),
        FingerPairs(pairs, vectors, pair_weights, config.huber_m),
        WristPose(wrist_frames(keypoints), config.wrist_position_weight, config.wrist_rotation_weight),
        KeypointPositions(
            middle, goal[:, list(middle)], (config.joint_weight,) * len(middle), config.huber_m, measured=False
        ),
    ]
