"""Terms for a parallel gripper: where its tip goes, how it is turned, how far it opens.

Two modes. `pinch`: the tip (site `tcp`) is the middle between thumb and index tip, the jaws close along the line from
thumb to index as seen from above: tilted jaws let upright cylinders slip. `poke`: no grasp was found; the closed tip
follows the middle of the fingertips that act together and the jaws lie side by side across the hand. In both, the
approach is the human's, kept within a cone around straight down so that the jaws clear the table.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from understudy.geometry.hand_frame import wrist_frame
from understudy.retargeting.config import RetargetConfig
from understudy.retargeting.grasp import Grasps
from understudy.retargeting.poke import poke_point
from understudy.retargeting.terms import RowTerm, SiteAxis, SitePosition

__all__ = ["GripperTargets", "gripper_targets", "gripper_terms"]

_DOWN = np.array([0.0, 0.0, -1.0])
_LEVEL = np.array([1.0, 1.0, 0.0])
_SMOOTH_S = 0.4
"""Width of the filter on directions [s]: 10 mm of noise turn a line between tips 50 mm apart by 10 deg."""


@dataclass(frozen=True)
class GripperTargets:
    """Where the gripper should be; NaN in gaps."""

    tcp: Float[np.ndarray, "T 3"]
    """[m], base frame."""
    approach: Float[np.ndarray, "T 3"]
    """Unit vector, base frame."""
    closing: Float[np.ndarray, "T 3"]
    """Level unit vector from the thumb's side to the index finger's, at right angles to the approach."""
    opening: Float[np.ndarray, " T"]
    """Distance between the pads [m], not yet clamped."""
    mode: str


def gripper_targets(
    keypoints: Float[np.ndarray, "T 21 3"], time_s: Float[np.ndarray, " T"], grasps: Grasps, config: RetargetConfig
) -> GripperTargets:
    """Targets for keypoints in the base frame [m], of which at least one frame is seen."""
    mode = ("pinch" if grasps.found else "poke") if config.mode == "auto" else config.mode
    seen = np.isfinite(keypoints).all(axis=(1, 2))
    points = keypoints[seen]
    thumb, index = points[:, 4], points[:, 8]
    step_s = float(np.median(np.diff(time_s[seen]))) if seen.sum() > 1 else 0.05
    R = wrist_frame(points)[:, :3, :3]
    middle = 0.5 * (thumb + index) if mode == "pinch" else poke_point(points)
    across = index - thumb
    # What stands on a table has upright sides: the jaws close along the hand's line as seen from above.
    closing = _unit((_steady(R, across, step_s) if mode == "pinch" else -R[:, :, 1]) * _LEVEL)
    approach = _steady(R, middle - points[:, 0], step_s)
    approach = _unit(approach - np.sum(approach * closing, axis=-1, keepdims=True) * closing)
    approach = _within_cone(approach, np.radians(config.approach_cone_deg))
    opening = np.zeros(len(points))
    if mode == "pinch":
        wide = np.linalg.norm(across, axis=-1)
        opening = np.where(grasps.closed[seen], 0.0, wide + config.open_margin_m)
    if config.table_height_m is not None:
        middle[:, 2] = np.maximum(middle[:, 2], config.table_height_m + config.clearance_m)
    return GripperTargets(
        _spread(middle, seen), _spread(approach, seen), _spread(closing, seen), _spread(opening, seen), mode
    )


def gripper_terms(targets: GripperTargets, config: RetargetConfig) -> list[RowTerm]:
    """The tip exactly, the closing direction well, the approach as far as it can be had."""
    return [
        SitePosition("tcp", targets.tcp, 100.0),
        SiteAxis("tcp", (0.0, 1.0, 0.0), targets.closing, 10.0),
        SiteAxis("tcp", (1.0, 0.0, 0.0), targets.approach, 10.0),
    ]


def _steady(
    R: Float[np.ndarray, "N 3 3"], vectors: Float[np.ndarray, "N 3"], step_s: float
) -> Float[np.ndarray, "N 3"]:
    """Directions of `vectors`, smoothed over time in the wrist's frame, long vectors counting more."""
    local = np.einsum("nji,nj->ni", R, vectors)
    local = gaussian_filter1d(local, _SMOOTH_S / step_s, axis=0, mode="nearest")
    turned = np.einsum("nij,nj->ni", R, local)
    return _unit(turned)


def _unit(vectors: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _within_cone(directions: Float[np.ndarray, "N 3"], angle: float) -> Float[np.ndarray, "N 3"]:
    """Directions turned towards straight down until they lie within `angle` [rad] of it."""
    away = np.arccos(np.clip(directions @ _DOWN, -1, 1))
    side = directions - (directions @ _DOWN)[:, None] * _DOWN
    side = _unit(side)
    kept = np.minimum(away, angle)[:, None]
    return np.cos(kept) * _DOWN + np.sin(kept) * side


def _spread(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    full = np.full((len(seen), *values.shape[1:]), np.nan)
    full[seen] = values
    return full
