"""Other trackers drop in as npz files: WiLoR, HaMeR or stored MediaPipe landmarks become a `HandTrack`.

WiLoR and HaMeR already give metres: they are taken as they are (up to the hand's size, if it is given). MediaPipe's
landmarks are fitted, as `track_hand` does. Files are read without pickle; every array's shape is checked.

Layouts `wilor` and `hamer` (T frames; points as the network gives them, in the usual order):
    pred_keypoints_3d (T, 21, 3) [m], pred_cam_t_full (T, 3) [m], scaled_focal_length (one or T) [px], is_right (one or
    T), img_size (2,) width and height [px]; optional pred_keypoints_2d (T, 21, 2) [px of the full image].
    Both networks see a left hand mirrored and give a right one; where `is_right` is false and the points still have a
    right hand's shape, x is negated, as their demos do with the vertices.
Layout `mediapipe`:
    landmarks_px (T, 21, 2) [px], world_landmarks (T, 21, 3) [m], is_right, img_size; optional score (T,).
All: optional valid (T,), and time_s (T,) or fps (default 30).

Frames without a hand hold NaN or are False in `valid`.
"""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Bool, Float

from understudy.errors import UnderstudyError, UnknownName
from understudy.geometry.cameras import project
from understudy.geometry.hand_frame import mirror_keypoints, wrist_frame
from understudy.perception.hand_choice import SeenHand
from understudy.perception.hand_landmarker import MAX_HANDS, HandDetections
from understudy.perception.point_terms import joints_from_points
from understudy.perception.track import assumed_camera, fit_detections
from understudy.records import NUM_KEYPOINTS, Camera, FrameStatus, Handedness, HandTrack, HumanVideo

__all__ = ["LAYOUTS", "read_tracker_output"]

LAYOUTS = ("hamer", "mediapipe", "wilor")

_MAX_FRAMES = 1_000_000
_MAX_HAND_M = 0.35
_MIDDLE = [0, 9, 10, 11, 12]
"""The chain whose length is the hand length."""
_DISTANCE_STD = 0.08
"""Of monocular mesh regressors, over the distance: their absolute depth comes from an assumed hand size."""
_LATERAL_STD_M = 0.01


def read_tracker_output(
    path: Path,
    layout: str,
    *,
    camera: Camera | None = None,
    hand_length_m: float | None = None,
) -> HandTrack:
    """Read another tracker's npz file.

    Args:
        path: the file.
        layout: which tracker wrote it, one of `LAYOUTS`; keys as above.
        camera: intrinsics [px]; default: WiLoR and HaMeR's own focal length with a centred principal point.
        hand_length_m: wrist to tip of the middle finger [m]; scales hand and distance of a mesh tracker together.

    Raises:
        UnknownName: no such layout.
        UnderstudyError: not an npz of plain arrays, missing keys, wrong shapes, or keypoints in another order.
    """
    if layout not in LAYOUTS:
        raise UnknownName("tracker layout", layout, LAYOUTS)
    content = _load(Path(path))
    if layout == "mediapipe":
        return _from_landmarks(Path(path), content, camera, hand_length_m)
    return _from_mesh_tracker(Path(path), content, layout, camera, hand_length_m)


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            if not hasattr(file, "files"):
                raise UnderstudyError(f"{path}: one array, not an npz file of named ones")
            return {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise UnderstudyError(f"{path}: no such file") from error
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise UnderstudyError(f"{path}: not an npz file of plain arrays (objects are not read)") from error


def _take(
    path: Path,
    content: dict[str, np.ndarray],
    shapes: dict[str, tuple[int | None, ...]],
    also: tuple[str, ...],
) -> dict[str, np.ndarray]:
    """The named arrays as floats, their shapes checked (None stands for T, the same in all); `also` must be there."""
    if missing := sorted({*shapes, *also} - content.keys()):
        raise UnderstudyError(f"{path}: without {', '.join(missing)}; it has {', '.join(sorted(content)) or 'nothing'}")
    num_frames = len(np.atleast_1d(content[next(iter(shapes))]))
    if not 1 <= num_frames <= _MAX_FRAMES:
        raise UnderstudyError(f"{path}: {num_frames} frames: must be 1 to {_MAX_FRAMES:,}")
    arrays = {}
    for name, shape in shapes.items():
        wanted = tuple(num_frames if size is None else size for size in shape)
        if content[name].shape != wanted:
            raise UnderstudyError(f"{path}: {name} is {content[name].shape}, not {wanted}")
        if content[name].dtype.kind not in "fiub":
            raise UnderstudyError(f"{path}: {name} holds {content[name].dtype}, not numbers")
        arrays[name] = content[name].astype(float)
    return arrays


def _times(path: Path, content: dict[str, np.ndarray], num_frames: int) -> Float[np.ndarray, " T"]:
    if "time_s" in content:
        time_s = np.asarray(content["time_s"], dtype=float).ravel()
        if len(time_s) != num_frames or not np.all(np.diff(time_s) > 0):
            raise UnderstudyError(f"{path}: time_s must increase and have {num_frames} values")
        return time_s - time_s[0]
    fps = float(np.ravel(content["fps"])[0]) if "fps" in content else 30.0
    if not fps > 0:
        raise UnderstudyError(f"{path}: fps {fps}: must be above 0")
    return np.arange(num_frames) / fps


def _valid(path: Path, content: dict[str, np.ndarray], points: Float[np.ndarray, "T 21 D"]) -> Bool[np.ndarray, " T"]:
    finite = np.isfinite(points).all((1, 2))
    if "valid" not in content:
        return finite
    flags = np.ravel(content["valid"]).astype(bool)
    if len(flags) != len(points):
        raise UnderstudyError(f"{path}: valid has {len(flags)} values for {len(points)} frames")
    return finite & flags


def _side(path: Path, content: dict[str, np.ndarray], valid: Bool[np.ndarray, " T"]) -> Handedness:
    flags = np.ravel(content["is_right"]).astype(float)
    flags = np.repeat(flags, len(valid)) if len(flags) == 1 else flags
    if len(flags) != len(valid):
        raise UnderstudyError(f"{path}: is_right has {len(flags)} values for {len(valid)} frames")
    if not valid.any():
        raise UnderstudyError(f"{path}: no frame with a hand")
    return "right" if flags[valid].mean() >= 0.5 else "left"


def _check_order(path: Path, points: Float[np.ndarray, "N 21 3"]) -> None:
    """Wrist, then thumb to little finger, root to tip: a finger's bones are short, those of the palm are long.

    MANO's own order (index, middle, little, ring, thumb, and tips last) and root-last orders fail this.
    """
    fingers = points[:, 1:].reshape(-1, 5, 4, 3)
    size = np.median(np.linalg.norm(np.diff(points[:, _MIDDLE], axis=1), axis=-1).sum(1))
    if not 0.02 < size < _MAX_HAND_M:
        raise UnderstudyError(f"{path}: hands of {size:.3f} m: keypoints must be in metres")
    bones = np.median(np.linalg.norm(np.diff(fingers, axis=2), axis=-1), axis=0) / size
    roots = np.median(np.linalg.norm(fingers[:, :, 0] - points[:, :1], axis=-1), axis=0) / size
    in_order = bones.max() < 0.42 and roots[1:].min() > 0.3 and roots[0] < roots[1:].min()
    if not in_order:
        raise UnderstudyError(
            f"{path}: keypoints are not in the usual order (wrist, then thumb to little finger, each root to tip)"
        )


def _looks_right(points: Float[np.ndarray, "N 21 3"]) -> bool:
    """Fingers and thumb bend to the palm's side: (I - W) x (L - W) . (tips - knuckles) > 0 for a right hand."""
    index, little = points[:, 5] - points[:, 0], points[:, 17] - points[:, 0]
    bend = (points[:, [4, 8, 12, 16, 20]] - points[:, [5, 5, 9, 13, 17]]).mean(1)
    return bool(np.median(np.einsum("ni,ni->n", np.cross(index, little), bend)) > 0)


def _image_camera(path: Path, content: dict[str, np.ndarray], focal: float) -> Camera:
    width, height = (int(size) for size in np.ravel(content["img_size"]))
    if min(width, height) < 1 or not focal > 0:
        raise UnderstudyError(f"{path}: image of {width}x{height} px, focal length {focal} px: must be above 0")
    K = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    return Camera(width, height, K)


def _from_mesh_tracker(
    path: Path, content: dict[str, np.ndarray], layout: str, camera: Camera | None, hand_length_m: float | None
) -> HandTrack:
    shapes: dict[str, tuple[int | None, ...]] = {"pred_keypoints_3d": (None, NUM_KEYPOINTS, 3)}
    shapes |= {"pred_cam_t_full": (None, 3), "img_size": (2,)}
    arrays = _take(path, content, shapes, also=("scaled_focal_length", "is_right"))
    local = arrays["pred_keypoints_3d"]
    num_frames = len(local)
    valid = _valid(path, content, local) & np.isfinite(arrays["pred_cam_t_full"]).all(1)
    side = _side(path, content, valid)
    _check_order(path, local[valid])
    focal = float(np.median(np.ravel(content["scaled_focal_length"]).astype(float)))
    own = _image_camera(path, content, focal)
    if side == "left" and _looks_right(local[valid]):
        local = mirror_keypoints(local)
    points = np.where(valid[:, None, None], local + arrays["pred_cam_t_full"][:, None], np.nan)
    length = float(np.median(np.linalg.norm(np.diff(points[valid][:, _MIDDLE], axis=1), axis=-1).sum(1)))
    scale = hand_length_m / length if hand_length_m is not None else 1.0
    # Another focal length at the same image: the lateral place stays, the distance grows with the focal length.
    points = points * scale
    if camera is not None:
        middle = np.nanmean(points, axis=1, keepdims=True)
        points = points + middle * np.array([0.0, 0.0, camera.K[0, 0] / focal - 1.0])
    if (points[valid][..., 2] <= 0).any():
        raise UnderstudyError(f"{path}: keypoints behind the camera: pred_cam_t_full must place them at z > 0")
    used = camera or own
    seen = content.get("pred_keypoints_2d")
    if seen is not None and seen.shape != (num_frames, NUM_KEYPOINTS, 2):
        raise UnderstudyError(f"{path}: pred_keypoints_2d is {seen.shape}, not {(num_frames, NUM_KEYPOINTS, 2)}")
    return _measured_track(path, content, points, valid, side, used, layout, hand_length_m or length, seen)


def _measured_track(
    path: Path,
    content: dict[str, np.ndarray],
    points: Float[np.ndarray, "T 21 3"],
    valid: Bool[np.ndarray, " T"],
    side: Handedness,
    camera: Camera,
    source: str,
    hand_length_m: float,
    seen: np.ndarray | None,
) -> HandTrack:
    """A track of another tracker's metric keypoints; joint angles are fitted to them, std is a stated guess."""
    num_frames = len(points)
    projected = np.full((num_frames, NUM_KEYPOINTS, 2), np.nan)
    projected[valid] = project(camera.K, points[valid])
    pixels = projected if seen is None else np.where(valid[:, None, None], seen.astype(float), np.nan)
    T = np.full((num_frames, 4, 4), np.nan)
    T[valid] = wrist_frame(points[valid], side)
    std = np.full((num_frames, 3), np.nan)
    std[valid] = np.hypot(_LATERAL_STD_M, _DISTANCE_STD * np.abs(T[valid, :3, 3]))
    joints = np.full((num_frames, 20), np.nan)
    right = mirror_keypoints(points[valid]) if side == "left" else points[valid]
    joints[valid] = joints_from_points(right, hand_length_m)
    residual = np.full(num_frames, np.nan)
    residual[valid] = np.sqrt(((projected - pixels)[valid] ** 2).sum(-1).mean(1))
    return HandTrack(
        time_s=_times(path, content, num_frames),
        status=np.where(valid, FrameStatus.OK, FrameStatus.NO_HAND).astype(np.int8),
        confidence=valid.astype(float),
        keypoints_px=pixels,
        keypoints_camera=points,
        T_camera_wrist=T,
        joint_angles=joints,
        wrist_std_m=std,
        residual_px=residual,
        handedness=side,
        hand_length_m=hand_length_m,
        camera=camera,
        source=source,
    )


def _from_landmarks(
    path: Path, content: dict[str, np.ndarray], camera: Camera | None, hand_length_m: float | None
) -> HandTrack:
    shapes: dict[str, tuple[int | None, ...]] = {"landmarks_px": (None, NUM_KEYPOINTS, 2)}
    shapes |= {"world_landmarks": (None, NUM_KEYPOINTS, 3), "img_size": (2,)}
    arrays = _take(path, content, shapes, also=("is_right",))
    pixels, world = arrays["landmarks_px"], arrays["world_landmarks"]
    num_frames = len(pixels)
    valid = _valid(path, content, pixels) & np.isfinite(world).all((1, 2))
    side = _side(path, content, valid)
    _check_order(path, world[valid])
    if camera is None:
        width, height = (int(size) for size in arrays["img_size"])
        camera = assumed_camera(HumanVideo(path, width, height, 30.0, num_frames))
    score = np.where(valid, np.ravel(content["score"]).astype(float) if "score" in content else 1.0, 0.0)
    right = np.where(valid, 1.0 if side == "right" else 0.0, np.nan)
    slots = np.full((num_frames, MAX_HANDS), np.nan)
    detections = HandDetections(
        _times(path, content, num_frames),
        np.stack([np.where(valid[:, None, None], pixels, np.nan), np.full_like(pixels, np.nan)], axis=1),
        np.stack([np.where(valid[:, None, None], world, np.nan), np.full_like(world, np.nan)], axis=1),
        np.stack([score, np.zeros(num_frames)], axis=1),
        np.stack([right, slots[:, 1]], axis=1),
    )
    seen = SeenHand(side, np.where(valid, 0, -1), float(valid.mean()), 0.0)
    return fit_detections(detections, seen, camera, hand_length_m)
