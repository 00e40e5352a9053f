"""The shape of a hand as a signed distance: bones wrapped in tapered capsules, muscles added, all smoothly joined.

Built once, at the size of `ADULT_HAND_LENGTH_M`, in a relaxed pose (`BIND_JOINTS`) in the wrist frame. The zero level
becomes a mesh by marching cubes; every vertex gets weights of the bodies that move it. Shapes and radii are ours: by
eye, by the hand breadth of ANSUR II (Gordon et al., 2014), and so that a hand tracker finds the proportions that it
finds on a real hand. No licensed hand model is used.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int
from skimage.measure import marching_cubes

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.embodiments.hand_surface import BIND_JOINTS, HandMesh, phalanx_frames

__all__ = ["hand_mesh", "sleeve_mesh"]

_RADII_MM = np.array(  # at the knuckle, the next joint, the last joint, the tip; of each finger
    [
        [15.0, 12.4, 10.4, 7.8],
        [10.8, 9.3, 7.9, 6.3],
        [11.0, 9.5, 8.1, 6.5],
        [10.5, 9.0, 7.7, 6.2],
        [9.3, 7.8, 6.7, 5.5],
    ]
)
_SKIN_GRID_M = 0.0025
_SLEEVE_GRID_M = 0.006
Points = Float[np.ndarray, "N 3"]
Point = Float[np.ndarray, "3"]
Distances = Float[np.ndarray, " N"]


def hand_mesh() -> HandMesh:
    """Hand and bare forearm."""
    skeleton = HandSkeleton()
    frames = phalanx_frames(skeleton, BIND_JOINTS)
    low, high = np.array([-0.115, -0.095, -0.035]), np.array([0.200, 0.085, 0.085])
    vertices, faces = _surface(lambda points: _hand_distance(points, skeleton, frames), low, high, _SKIN_GRID_M)
    weights = _weights(vertices, skeleton, frames)
    return HandMesh(vertices, faces, weights, _tint(vertices, faces, skeleton, frames))


def sleeve_mesh() -> HandMesh:
    """A sleeve with a rolled cuff around the forearm; it moves with the root alone."""
    low, high = np.array([-0.47, -0.075, -0.065]), np.array([-0.045, 0.075, 0.065])
    vertices, faces = _surface(_sleeve_distance, low, high, _SLEEVE_GRID_M)
    weights = np.zeros((len(vertices), 16))
    weights[:, 0] = 1.0
    return HandMesh(vertices, faces, weights, np.zeros((len(vertices), 2)))


def _surface(
    distance: Callable[[Points], Distances], low: Float[np.ndarray, "3"], high: Float[np.ndarray, "3"], grid: float
) -> tuple[Points, Int[np.ndarray, "F 3"]]:
    axes = [np.arange(a, b, grid) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = distance(points.reshape(-1, 3)).reshape(points.shape[:3])
    vertices, faces, _, _ = marching_cubes(values, 0.0, spacing=(grid,) * 3)
    return vertices + low, faces.astype(np.int64)


def _cone(points: Points, start: Point, end: Point, r0: float, r1: float, flat: float = 1.0) -> Distances:
    """Distance to a capsule whose radius runs from r0 to r1; `flat` < 1 squeezes it along z."""
    p, a, b = (np.asarray(v) * np.array([1, 1, 1 / flat]) for v in (points, start, end))
    along = b - a
    t = np.clip((p - a) @ along / (along @ along), 0.0, 1.0)
    return (np.linalg.norm(p - a - t[:, None] * along, axis=1) - (r0 + (r1 - r0) * t)) * min(1.0, flat)


def _join(first: Distances, second: Distances, k: float) -> Distances:
    """Smooth minimum with a rounding of width k [m] (quadratic, local)."""
    h = np.maximum(k - np.abs(first - second), 0.0)
    return np.minimum(first, second) - h * h / (4 * k)


def _hand_distance(points: Points, skeleton: HandSkeleton, frames: Float[np.ndarray, "16 4 4"]) -> Distances:
    palm = _palm_distance(points, skeleton, frames)
    hand = palm
    for finger in range(1, 5):
        own = _join(palm, _finger_distance(points, finger, skeleton, frames), 0.007)
        hand = _join(hand, own, 0.0025)
    for finger in range(1, 4):  # webs: the skin between two fingers ends 20 mm beyond the knuckles
        ends = [
            frames[1 + 3 * f][:3, 3] + frames[1 + 3 * f][:3, :3] @ np.array([0.0145, 0, 0.001])
            for f in (finger, finger + 1)
        ]
        hand = _join(hand, _cone(points, ends[0], ends[1], 0.0058, 0.0055), 0.005)
    thumb = _finger_distance(points, 0, skeleton, frames)
    return _join(hand, thumb, 0.012)


def _finger_distance(
    points: Points, finger: int, skeleton: HandSkeleton, frames: Float[np.ndarray, "16 4 4"]
) -> Distances:
    radii = _RADII_MM[finger] * 1e-3
    distance = np.full(len(points), np.inf)
    for bone in range(3):
        T = frames[1 + 3 * finger + bone]
        length = skeleton.bones_m[finger, bone]
        r0, r1 = radii[bone], radii[bone + 1]
        local = (points - T[:3, 3]) @ T[:3, :3]
        end = length - r1 if bone == 2 else length
        start = np.array([0.0, 0.0, 0.0])
        own = _cone(local, start, np.array([end, 0, 0]), r0, r1, 0.94)
        if finger > 0 or bone > 0:  # the fleshy pad on the palm's side of each bone
            middle = 0.5 * length if bone < 2 else 0.55 * length
            pad = _cone(
                local,
                np.array([middle - 0.18 * length, 0, 0.0022]),
                np.array([middle + 0.18 * length, 0, 0.0022]),
                0.93 * (r0 + r1) / 2,
                0.93 * (r0 + r1) / 2,
            )
            own = _join(own, pad, 0.004)
        if (finger > 0 and bone < 2) or (finger == 0 and bone > 0):  # the knuckle's bump on the back
            lift = -0.0022 if bone == 0 else -0.0016
            own = _join(own, _cone(local, np.array([-0.002, 0, lift]), np.array([0.002, 0, lift]), r0, r0), 0.004)
        distance = own if bone == 0 else _join(distance, own, 0.003)
    return distance


def _palm_distance(points: Points, skeleton: HandSkeleton, frames: Float[np.ndarray, "16 4 4"]) -> Distances:
    mm = 1e-3
    knuckles = skeleton.bases_m
    distance = _cone(points, np.array([-0.005, -0.011, 0]), np.array([-0.005, 0.011, 0]), 0.0185, 0.0185)  # wrist
    forearm = _twin_cones(points, (0.0, 0.0105), (-0.14, 0.016), 0.0185, 0.0235)
    distance = _join(distance, forearm, 0.010)
    for finger, across in zip(range(1, 5), (-13, -4, 6, 14), strict=True):
        root = np.array([12, across, 0]) * mm
        metacarpal = _cone(points, root, knuckles[finger], 0.0150, _RADII_MM[finger, 0] * mm)
        distance = _join(distance, metacarpal, 0.009)
    cmc, mcp = frames[1][:3, 3], frames[2][:3, 3]  # the ends of the thumb's metacarpal
    half = 0.5 * (cmc + mcp)
    muscles = (  # start, end, radii [mm], rounding [mm]
        (np.array([15, -13, 9]) * mm, half + np.array([0, 3, 3]) * mm, 15.0, 14.0, 10),  # thenar
        (np.array([14, 20, 6]) * mm, np.array([60, 35, 7]) * mm, 14.0, 11.5, 10),  # hypothenar
        (half + np.array([2, 3, 0]) * mm, np.array([64, -19, 2]) * mm, 8.5, 8.0, 14),  # web of the thumb
        (cmc + 0.80 * (mcp - cmc), np.array([72, -20, 2]) * mm, 7.0, 6.5, 12),
        (np.array([94, -20, 3]) * mm, np.array([84, 37, 7]) * mm, 9.0, 8.0, 6),  # pads below the fingers
    )
    for start, end, r0, r1, k in muscles:
        distance = _join(distance, _cone(points, start, end, r0 * mm, r1 * mm), k * mm)
    hollow = _cone(points, np.array([38, 4, 25]) * mm, np.array([58, 8, 25]) * mm, 0.013, 0.012)
    return -_join(-distance, hollow, 0.008)


def _sleeve_distance(points: Points) -> Distances:
    tube = _twin_cones(points, (-0.09, 0.016), (-0.43, 0.022), 0.029, 0.036)
    x = points[:, 0]
    folds = 0.0010 * np.sin(2 * np.pi * (x + 0.4 * points[:, 1]) / 0.045) * np.clip((-0.10 - x) / 0.03, 0, 1)
    tube = np.maximum(tube + folds, x + 0.072)  # the opening towards the hand
    cuff = _twin_cones(points, (-0.07, 0.016), (-0.105, 0.0165), 0.0315, 0.0325)
    cuff = np.maximum(np.maximum(cuff, x + 0.068), -0.108 - x)
    return _join(tube, cuff, 0.002)


def _twin_cones(
    points: Points, start: tuple[float, float], end: tuple[float, float], r0: float, r1: float
) -> Distances:
    """Two tapered capsules side by side, from (x, +-y) to (x, +-y): an arm that is wider than thick."""
    left, right = (
        _cone(points, np.array([start[0], side * start[1], 0.0]), np.array([end[0], side * end[1], 0.001]), r0, r1)
        for side in (-1, 1)
    )
    return _join(left, right, 0.02)


def _smoothstep(t: Distances) -> Distances:
    t = np.clip(t, 0.0, 1.0)
    return t * t * (3 - 2 * t)


def _weights(
    vertices: Points, skeleton: HandSkeleton, frames: Float[np.ndarray, "16 4 4"]
) -> Float[np.ndarray, "V 16"]:
    """Along each finger the weight passes from body to body around every joint; between fingers, by distance.

    A vertex belongs to a finger by a softmax over the distances to the fingers. At each joint the hand-over runs over a
    distance of about the finger's radius, along the bisector of the two bones.
    """
    distances = [_palm_distance(vertices, skeleton, frames)]
    passed = np.zeros((len(vertices), 5, 3))  # share that has passed each joint of each finger
    for finger in range(5):
        distances.append(_finger_distance(vertices, finger, skeleton, frames))
        for bone in range(3):
            T = frames[1 + 3 * finger + bone]
            x = T[:3, 0]
            if bone > 0:
                x = x + frames[finger * 3 + bone][:3, 0]
                x = x / np.linalg.norm(x)
            width = _RADII_MM[finger, bone] * 1e-3 * (1.0 if bone else 1.5)
            if finger == 0 and bone == 0:
                width = 0.022
            shift = 0.008 if finger == 0 and bone == 0 else 0.0
            passed[:, finger, bone] = _smoothstep(0.5 + ((vertices - T[:3, 3]) @ x - shift) / (2 * width))
    fingers = np.stack(distances[1:], axis=1)
    sharpness = np.where(np.arange(5) == 0, 0.004, 0.002)
    member = np.exp(-(fingers - fingers.min(axis=1, keepdims=True)) / sharpness)
    member /= member.sum(axis=1, keepdims=True)
    weights = np.zeros((len(vertices), 16))
    for finger in range(5):
        p = passed[:, finger] * member[:, finger, None]
        first = p[:, 0] * (1.0 if finger else _smoothstep(1.0 - (fingers[:, 0] - 0.002) / 0.014))
        second = np.minimum(p[:, 1], first)
        third = np.minimum(p[:, 2], second)
        weights[:, 1 + 3 * finger] = first - second
        weights[:, 2 + 3 * finger] = second - third
        weights[:, 3 + 3 * finger] = third
    weights[:, 0] = 1.0 - weights[:, 1:].sum(axis=1)
    return weights


def _tint(
    vertices: Points, faces: Int[np.ndarray, "F 3"], skeleton: HandSkeleton, frames: Float[np.ndarray, "16 4 4"]
) -> Float[np.ndarray, "V 2"]:
    """Pale where the surface faces as its finger's palm side does; ruddy around the joints and at the tips."""
    normals = np.zeros_like(vertices)
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    for corner in range(3):
        np.add.at(normals, faces[:, corner], np.cross(b - a, c - a))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    distances = np.stack(
        [_palm_distance(vertices, skeleton, frames)]
        + [_finger_distance(vertices, finger, skeleton, frames) for finger in range(5)]
    )
    nearest = distances.argmin(axis=0)
    palm_side = np.stack([np.array([0.0, 0.0, 1.0])] + [frames[2 + 3 * finger][:3, 2] for finger in range(5)])
    facing = np.einsum("vi,vi->v", normals, palm_side[nearest])
    pale = _smoothstep(0.5 + facing / 1.2) * _smoothstep((vertices[:, 0] + 0.03) / 0.03)
    ruddy = np.zeros(len(vertices))
    for finger in range(5):
        for bone in range(3):
            T = frames[1 + 3 * finger + bone]
            local = (vertices - T[:3, 3]) @ T[:3, :3]
            if bone == 0:
                continue
            radius = _RADII_MM[finger, bone] * 1e-3
            near = np.exp(-((local[:, 0] / (0.55 * radius)) ** 2) - (local[:, 1] / radius) ** 2)
            depth = np.abs(local[:, 2]) < 2.2 * radius
            back = _smoothstep((-local[:, 2] - 0.2 * radius) / (0.5 * radius))
            crease = np.exp(-((local[:, 0] / 0.0022) ** 2)) * _smoothstep((local[:, 2] - 0.2 * radius) / (0.4 * radius))
            crease = crease * (np.abs(local[:, 1]) < 1.4 * radius) * (bone > 0)
            ruddy = np.maximum(ruddy, depth * np.maximum(near * back, 0.9 * crease))
        length = skeleton.bones_m[finger, 2]
        local_x = (vertices - frames[3 + 3 * finger][:3, 3]) @ frames[3 + 3 * finger][:3, 0]
        tip = _smoothstep((local_x - 0.55 * length) / (0.4 * length)) * (nearest == finger + 1)
        ruddy = np.maximum(ruddy, 0.45 * tip)
    return np.stack([pale, ruddy], axis=1)
