"""Video in, hand in metres out: detect, choose the hand, fit it, and give every frame its status."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from understudy.embodiments.hand_skeleton import ADULT_HAND_LENGTH_M, HandSkeleton
from understudy.errors import BadVideo, NoHand, UnderstudyError
from understudy.geometry.cameras import camera_from_fov
from understudy.geometry.hand_frame import mirror_keypoints, wrist_frame
from understudy.geometry.transforms import apply_transform, make_transform
from understudy.perception.hand_choice import SeenHand, choose_hand
from understudy.perception.hand_fit import FitConfig, HandFit, best_convention, fit_hand
from understudy.perception.hand_landmarker import HandDetections, detect_hands
from understudy.perception.hand_terms import HandObservations
from understudy.perception.landmark_calibration import mediapipe_convention, plain_convention
from understudy.perception.video import read_frames
from understudy.records import Camera, FrameStatus, HandTrack, HumanVideo

__all__ = [
    "DEFAULT_FOV_DEG",
    "HAND_LENGTH_STD",
    "assumed_camera",
    "fit_detections",
    "mirrored_observations",
    "track_hand",
]

DEFAULT_FOV_DEG = 45.0
"""Field of view of the short side, when nothing is known [deg]: 16:9 video of a phone's main camera (24 to 26 mm
equivalent) has 43 to 46, a webcam of 78 degrees diagonal 43. Distances are off as much as the focal length is."""

HAND_LENGTH_STD = 0.06
"""Relative standard deviation of adults' hand length (ANSUR II: 9 to 10 mm within a sex, 12 mm between the means)."""

_HAND_LENGTH_RANGE_M = (0.08, 0.26)


def track_hand(
    video: HumanVideo,
    *,
    hand: Literal["auto", "right", "left"] = "auto",
    camera: Camera | None = None,
    fov_deg: float | None = None,
    hand_length_m: float | None = None,
    allow_partial: bool = False,
    progress: Callable[[int], None] | None = None,
    landmark_offsets: bool | None = None,
    config: FitConfig | None = None,
) -> HandTrack:
    """Track one hand through a video.

    Args:
        video: from `open_video`.
        hand: which one; "auto" takes the hand that is seen and moves most.
        camera: intrinsics (and pose, if known); default: the video's own, else from `fov_deg`.
        fov_deg: vertical field of view [deg], used only where no camera is known; default `DEFAULT_FOV_DEG` along the
            image's short side.
        hand_length_m: wrist to tip of the middle finger, straight [m]; default: the adult mean, and its spread goes
            into `wrist_std_m`.
        allow_partial: take what can be decoded of a damaged video.
        progress: called with the number of frames seen so far.
        landmark_offsets: correct MediaPipe's landmark convention (see `landmark_calibration`); default: if that
            explains this video's own landmarks better.
        config: constants of the fit.

    Raises:
        BadVideo: unreadable, or not of the camera's size.
        NoHand: a single frame, no hand, or only the other one.
    """
    camera = camera or video.camera or assumed_camera(video, fov_deg)
    if (camera.width, camera.height) != (video.width, video.height):
        raise BadVideo(
            f"{video.path}: its frames are {video.width}x{video.height}, the given camera is for "
            f"{camera.width}x{camera.height}"
        )
    if hand_length_m is not None and not _HAND_LENGTH_RANGE_M[0] <= hand_length_m <= _HAND_LENGTH_RANGE_M[1]:
        low, high = _HAND_LENGTH_RANGE_M
        raise UnderstudyError(
            f"hand length {hand_length_m} m: must lie in {low} to {high} (metres, wrist to middle tip)"
        )
    detections = detect_hands(read_frames(video, allow_partial), progress)
    if detections.num_frames < 2:
        raise NoHand(f"{video.path}: it has {detections.num_frames} frame: a motion needs at least 2")
    try:
        seen = choose_hand(detections, hand)
    except NoHand as error:
        raise NoHand(f"{video.path}: {error}") from error
    return fit_detections(detections, seen, camera, hand_length_m, landmark_offsets=landmark_offsets, config=config)


def assumed_camera(video: HumanVideo, fov_deg: float | None = None) -> Camera:
    """Intrinsics from a vertical field of view [deg]; without one, `DEFAULT_FOV_DEG` along the shorter side."""
    if fov_deg is None:
        half = np.tan(np.radians(DEFAULT_FOV_DEG) / 2) * video.height / min(video.width, video.height)
        fov_deg = float(np.degrees(2 * np.arctan(half)))
    if not 0 < fov_deg < 180:
        raise UnderstudyError(f"field of view {fov_deg} deg: must lie between 0 and 180")
    return camera_from_fov(video.width, video.height, fov_deg)


def fit_detections(
    detections: HandDetections,
    seen: SeenHand,
    camera: Camera,
    hand_length_m: float | None = None,
    *,
    landmark_offsets: bool | None = None,
    config: FitConfig | None = None,
) -> HandTrack:
    """Fit the chosen hand of stored detections; arguments as in `track_hand`."""
    frames = np.flatnonzero(seen.slot >= 0)
    pixels = detections.pixels[frames, seen.slot[frames]]
    observations = HandObservations(detections.time_s[frames], pixels, detections.world[frames, seen.slot[frames]])
    K = camera.K
    if seen.handedness == "left":
        observations, K = mirrored_observations(observations, camera)
    length = ADULT_HAND_LENGTH_M if hand_length_m is None else hand_length_m
    skeleton = HandSkeleton(length)
    conventions = [plain_convention(), mediapipe_convention()]
    if landmark_offsets is None:
        landmark_offsets = bool(best_convention(observations, K, skeleton, conventions, config) == 1)
    fit = fit_hand(observations, K, skeleton, conventions[landmark_offsets], config)
    covariance = fit.covariance
    if hand_length_m is None:  # hand and distance scale together: the image does not tell, so the prior's spread stays
        p = fit.state.position[..., None]
        covariance = covariance + HAND_LENGTH_STD**2 * (p @ np.swapaxes(p, 1, 2))
    score = detections.score[frames, seen.slot[frames]]
    return _track(detections.time_s, frames, pixels, score, fit, covariance, skeleton, seen, camera)


def mirrored_observations(
    observations: HandObservations, camera: Camera
) -> tuple[HandObservations, Float[np.ndarray, "3 3"]]:
    """A left hand in the mirror image is a right hand: u -> width - 1 - u, x -> -x."""
    pixels = observations.pixels.copy()
    pixels[..., 0] = camera.width - 1 - pixels[..., 0]
    K = camera.K.copy()
    K[0, 2] = camera.width - 1 - K[0, 2]
    return HandObservations(observations.time_s, pixels, mirror_keypoints(observations.world)), K


def _track(
    time_s: Float[np.ndarray, " T"],
    frames: Int[np.ndarray, " N"],
    pixels: Float[np.ndarray, "N 21 2"],
    score: Float[np.ndarray, " N"],
    fit: HandFit,
    covariance: Float[np.ndarray, "N 3 3"],
    skeleton: HandSkeleton,
    seen: SeenHand,
    camera: Camera,
) -> HandTrack:
    num = len(time_s)
    keypoints = apply_transform(
        make_transform(fit.state.rotation, fit.state.position), skeleton.keypoints(fit.state.joints)
    )
    if seen.handedness == "left":
        keypoints = mirror_keypoints(keypoints)
    ok = frames[fit.solved]
    status = np.full(num, FrameStatus.NO_HAND, dtype=np.int8)
    status[frames] = FrameStatus.UNSOLVED
    status[ok] = FrameStatus.OK
    confidence, seen_px, residual = np.zeros(num), np.full((num, 21, 2), np.nan), np.full(num, np.nan)
    confidence[frames], seen_px[frames] = score, pixels
    residual[frames] = fit.residual_px
    camera_points, T, joints, std = (np.full((num, *shape), np.nan) for shape in ((21, 3), (4, 4), (20,), (3,)))
    camera_points[ok] = keypoints[fit.solved]
    if len(ok):
        T[ok] = wrist_frame(keypoints[fit.solved], seen.handedness)
    joints[ok] = fit.state.joints[fit.solved]
    std[ok] = np.sqrt(np.diagonal(covariance[fit.solved], axis1=1, axis2=2))
    return HandTrack(
        time_s, status, confidence, seen_px, camera_points, T, joints, std, residual,
        seen.handedness, skeleton.hand_length_m, camera,
    )  # fmt: skip
