"""Keypoints of the hand skeleton and their derivatives by the joints, for many frames at once.

A keypoint may sit off the skeleton's own by an offset in the frame of its bone (see `landmark_calibration`):

    x_i = p_i + R_i o_i                        p_i skeleton keypoint, R_i frame of the bone that ends there
    d x_i / d q_j = a_j x (x_i - c_j)          joint j of the same finger at or before i, axis a_j through c_j
"""

import numpy as np
from jaxtyping import Float

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.geometry.rotations import matrix_from_rotation_vector

__all__ = ["keypoint_frames", "keypoints_with_jacobian"]

_UP = np.array([0.0, 0.0, 1.0])
_FLEXION = np.array([0.0, -1.0, 0.0])


def keypoint_frames(
    skeleton: HandSkeleton, joints: Float[np.ndarray, "T 20"]
) -> tuple[Float[np.ndarray, "T 5 4 3"], Float[np.ndarray, "T 5 4 3 3"], Float[np.ndarray, "T 5 4 3"]]:
    """Skeleton keypoints of the five fingers [m], their bones' frames, and the joints' axes, all in the wrist frame.

    The first keypoint of a finger carries the wrist frame itself: the palm is rigid.
    """
    q = joints.reshape(-1, 5, 4)
    R = skeleton.base_rotations @ matrix_from_rotation_vector(q[..., 0, None] * _UP)
    p = np.broadcast_to(skeleton.bases_m, (len(q), 5, 3))
    points, frames = [p], [np.broadcast_to(np.eye(3), R.shape)]
    axes = [np.broadcast_to(skeleton.base_rotations[..., :, 2], p.shape)]
    for bone in range(3):
        axes.append(-R[..., :, 1])
        R = R @ matrix_from_rotation_vector(q[..., bone + 1, None] * _FLEXION)
        p = p + R[..., :, 0] * skeleton.bones_m[:, bone, None]
        points.append(p)
        frames.append(R)
    return np.stack(points, axis=2), np.stack(frames, axis=2), np.stack(axes, axis=2)


def keypoints_with_jacobian(
    skeleton: HandSkeleton, joints: Float[np.ndarray, "T 20"], offsets: Float[np.ndarray, "T 21 3"]
) -> tuple[Float[np.ndarray, "T 21 3"], Float[np.ndarray, "T 21 3 20"]]:
    """Observed points in the wrist frame [m] and their derivatives by the 20 joints [m/rad].

    Args:
        skeleton: the hand.
        joints: joint angles [rad].
        offsets: of each observed point from the skeleton's keypoint, in its bone's frame, for an adult hand of
            scale 1 [m]; they grow with the hand and are held fixed in the derivatives.
    """
    points, frames, axes = keypoint_frames(skeleton, joints)
    offsets = offsets * skeleton.scale
    fingers = points + np.einsum("tfkij,tfkj->tfki", frames, offsets[:, 1:].reshape(-1, 5, 4, 3))
    num_frames = len(joints)
    x = np.empty((num_frames, 21, 3))
    x[:, 0] = offsets[:, 0]
    x[:, 1:] = fingers.reshape(num_frames, 20, 3)
    J = np.zeros((num_frames, 21, 3, 20))
    for joint in range(4):
        centre = points[:, :, max(joint - 1, 0)]  # abduction and flexion meet at the base
        for keypoint in range(max(joint, 1), 4):
            columns = np.cross(axes[:, :, joint], fingers[:, :, keypoint] - centre)
            for finger in range(5):
                J[:, 1 + 4 * finger + keypoint, :, 4 * finger + joint] = columns[:, finger]
    return x, J
