"""The human hand as 5 chains of 4 joints and 21 keypoints: lengths, axes and limits shared by the body and the tracker.

All numbers are for a right hand of `ADULT_HAND_LENGTH_M` in the wrist frame of eq. 9-11 (x to the middle knuckle, y to
the little finger's side, z out of the palm); other sizes scale it. Every finger is the same chain:

    base --R_base, q0 (about +z: abduction), q1 (about -y: flexion)--> bone 1 --q2--> bone 2 --q3--> bone 3 --> tip

with bones along the local x axis and q2, q3 about -y. For the thumb, base is the carpometacarpal joint.

Sources: segment lengths from Buryanov and Kotiuk, Proportions of Hand Segments, Int. J. Morphol. 28(3), 2010, tables 2
and 3 (bones, and soft tissue at the tip); hand length and breadth from ANSUR II (Gordon et al., 2014; mean of women,
181 mm, and men, 193 mm); joint limits rounded from Kapandji, The Physiology of the Joints, vol. 1. Knuckle
positions and the thumb's base orientation are ours, chosen so that breadth fits and the thumb meets every fingertip.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from understudy.geometry.rotations import matrix_from_rotation_vector

__all__ = ["ADULT_HAND_LENGTH_M", "FINGERS", "HAND_JOINTS", "HandSkeleton"]

FINGERS = ("thumb", "index", "middle", "ring", "little")
HAND_JOINTS = tuple(f"{finger}_{joint}" for finger in FINGERS for joint in ("abd", "flex", "mid", "end"))
"""20 joints. Fingers: knuckle abduction and flexion, PIP, DIP. Thumb: CMC abduction and flexion, MCP, IP."""

ADULT_HAND_LENGTH_M = 0.187
"""Wrist to tip of the middle finger [m]: mean of women and men."""

_BONES_MM = np.array(  # bones 1-3 of each finger; the last holds the distal bone and the soft tissue of the tip
    [[46.2, 31.6, 27.3], [39.8, 22.4, 19.7], [44.6, 26.3, 21.4], [41.4, 25.7, 21.3], [32.7, 18.1, 19.7]]
)
_BASE_MM = np.array([[21.0, -21.0, 9.0], [93.0, -23.0, 0.0], [94.7, 0.0, 0.0], [88.5, 19.5, 1.5], [79.0, 37.0, 4.5]])
_BASE_ROTATION = {  # rotation vectors about z (splay) for the fingers; the thumb's axes are made in `_thumb_base`
    "index": (0.0, 0.0, -0.06),
    "middle": (0.0, 0.0, 0.0),
    "ring": (0.0, 0.0, 0.06),
    "little": (0.0, 0.0, 0.13),
}
_LIMITS = np.array(  # (low, high) [rad]
    [
        *[(-0.45, 0.75), (-0.55, 0.90), (-0.20, 1.05), (-0.25, 1.40)],
        *[(-0.35, 0.35), (-0.40, 1.60), (0.0, 1.85), (-0.10, 1.40)],
        *[(-0.30, 0.30), (-0.40, 1.60), (0.0, 1.85), (-0.10, 1.40)],
        *[(-0.30, 0.30), (-0.40, 1.60), (0.0, 1.85), (-0.10, 1.40)],
        *[(-0.35, 0.45), (-0.40, 1.60), (0.0, 1.85), (-0.10, 1.40)],
    ]
)
_ABDUCTION_AXIS = np.array([0.0, 0.0, 1.0])
_FLEXION_AXIS = np.array([0.0, -1.0, 0.0])


def _thumb_base() -> Float[np.ndarray, "3 3"]:
    """Axes of the thumb at rest: x along the metacarpal, flexion carries the tip towards the little finger."""
    x = np.array([0.72, -0.58, 0.38])
    across = np.array([0.15, 0.75, 0.64])  # where flexion carries the tip
    x /= np.linalg.norm(x)
    z = across - (across @ x) * x
    z /= np.linalg.norm(z)
    return np.stack([x, np.cross(z, x), z], axis=-1)


@dataclass(frozen=True)
class HandSkeleton:
    """A right hand of one size. A left hand is its mirror image (y changes sign)."""

    hand_length_m: float = ADULT_HAND_LENGTH_M

    @property
    def scale(self) -> float:
        """Size relative to the adult mean."""
        return self.hand_length_m / ADULT_HAND_LENGTH_M

    @cached_property
    def bones_m(self) -> Float[np.ndarray, "5 3"]:
        """Lengths of the three bones of each finger [m]."""
        return _BONES_MM * 1e-3 * self.scale

    @cached_property
    def bases_m(self) -> Float[np.ndarray, "5 3"]:
        """First joint of each finger in the wrist frame [m]."""
        return _BASE_MM * 1e-3 * self.scale

    @cached_property
    def base_rotations(self) -> Float[np.ndarray, "5 3 3"]:
        """R_wrist_base of each finger: x along the first bone at rest."""
        fingers = [matrix_from_rotation_vector(np.array(_BASE_ROTATION[name])) for name in FINGERS[1:]]
        return np.stack([_thumb_base(), *fingers])

    @property
    def limits(self) -> Float[np.ndarray, "20 2"]:
        """Joint limits (low, high) [rad]."""
        return _LIMITS.copy()

    def keypoints(self, joints: Float[np.ndarray, "*B 20"]) -> Float[np.ndarray, "*B 21 3"]:
        """The 21 keypoints in the wrist frame [m] at joint angles [rad]."""
        q = joints.reshape(*joints.shape[:-1], 5, 4)
        R = self.base_rotations @ matrix_from_rotation_vector(q[..., 0, None] * _ABDUCTION_AXIS)
        p = np.broadcast_to(self.bases_m, (*q.shape[:-1], 3))
        points = [p]
        for bone in range(3):
            R = R @ matrix_from_rotation_vector(q[..., bone + 1, None] * _FLEXION_AXIS)
            p = p + R[..., :, 0] * self.bones_m[:, bone, None]
            points.append(p)
        fingers = np.stack(points, axis=-2)
        wrist = np.zeros((*joints.shape[:-1], 1, 3))
        return np.concatenate([wrist, fingers.reshape(*joints.shape[:-1], 20, 3)], axis=-2)
