"""Everything that was measured while watching one video, as plain numbers: `report.json`."""

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from jaxtyping import Float, Int8

from understudy import __version__
from understudy.episodes.camera_file import camera_as_json
from understudy.evaluation.chart import STATUS_WORDS
from understudy.evaluation.statistics import percentile_ignoring_gaps
from understudy.evaluation.watch_motion import fingertip_errors_m, hand_in_base, joint_limits
from understudy.records import FrameStatus, HandTrack, HumanVideo, RobotTrajectory

__all__ = ["WatchResult", "error_in_words", "key_figures", "watch_report"]

_PACKAGES = ("numpy", "mujoco", "mediapipe", "av", "pyarrow")
_AT_LIMIT = 0.01
"""A joint is at its limit within this share of its range."""


@dataclass(frozen=True)
class WatchResult:
    """What the stages left behind."""

    video: HumanVideo
    sha256: str
    options: dict
    track: HandTrack
    trajectory: RobotTrajectory
    seconds: dict[str, float]
    """How long each stage took [s]."""


def watch_report(result: WatchResult) -> dict:
    """The whole report; every number carries its unit in its name."""
    video, track, trajectory = result.video, result.track, result.trajectory
    hand = hand_in_base(track, trajectory.robot)
    return {
        "format": "understudy watch report 1",
        "input": {
            "path": str(video.path),
            "sha256": result.sha256,
            "width_px": video.width,
            "height_px": video.height,
            "fps": video.fps,
            "rotation_deg": video.rotation_deg,
            "frames": track.num_frames,
            "duration_s": float(track.time_s[-1]),
        },
        "options": result.options,
        "tracking": _tracking(track),
        "retargeting": _retargeting(trajectory, fingertip_errors_m(trajectory, hand)),
        "camera": camera_as_json(track.camera),
        "T_base_camera": hand.T_base_camera.tolist(),
        "placed_by_rule": hand.placed,
        "notes": [*_notes(result), *trajectory.notes],
        "versions": _versions(),
        "seconds": result.seconds,
    }


def key_figures(report: dict) -> list[tuple[str, str]]:
    """The few lines that a terminal and the head of a page show: (what, figure)."""
    tracking, moved = report["tracking"], report["retargeting"]
    mirrored = ", drives the robot mirrored" if tracking["handedness"] == "left" else ""
    frames = report["input"]["frames"]
    error = error_in_words(moved)
    std = max(tracking["wrist_std_m_p50"])
    return [
        ("hand", f"{tracking['handedness']}{mirrored}; {tracking['frames_solved']} of {frames} frames tracked"),
        (
            "fit",
            f"{tracking['residual_px_p50']:.1f} px off the landmarks, wrist known to {1e3 * std:.0f} mm (one sigma)",
        ),
        ("robot", f"{moved['robot']}: {moved['frames_solved']} frames solved, {error[0]} {error[1]}"),
    ]


def error_in_words(moved: dict) -> tuple[str, str]:
    """(figure, what it is) for how far robot and person are apart; a gripper has no fingertips to compare."""
    jaws = "gripper" in moved["robot"]
    error_m = moved["residual_m_mean" if jaws else "fingertip_error_m_mean"]
    what = "between jaws and pinch" if jaws else "between robot's and person's fingertips"
    return "-" if error_m is None else f"{1e3 * error_m:.0f} mm", what


def _tracking(track: HandTrack) -> dict:
    valid = track.valid
    return {
        "handedness": track.handedness,
        "source": track.source,
        "hand_length_m": track.hand_length_m,
        "frames_solved": int(valid.sum()),
        "frames_by_status": _counts(track.status),
        "confidence_mean": float(track.confidence[valid].mean()),
        "residual_px_p50": percentile_ignoring_gaps(track.residual_px, 50.0),
        "residual_px_p95": percentile_ignoring_gaps(track.residual_px, 95.0),
        "wrist_std_m_p50": np.median(track.wrist_std_m[valid], axis=0).tolist(),
        "distance_m_p50": float(np.median(track.T_camera_wrist[valid, 2, 3])),
    }


def _retargeting(trajectory: RobotTrajectory, errors_m: Float[np.ndarray, " T"]) -> dict:
    solved = trajectory.status == FrameStatus.OK
    limits = joint_limits(trajectory.robot)
    share = (trajectory.joints[solved] - limits[:, 0]) / (limits[:, 1] - limits[:, 0])
    at_limit = ((share < _AT_LIMIT) | (share > 1 - _AT_LIMIT)).mean(0) if solved.any() else np.zeros(len(limits))
    known = errors_m[solved]
    return {
        "robot": trajectory.robot,
        "frames_solved": int(solved.sum()),
        "frames_by_status": _counts(trajectory.status),
        "fingertip_error_m_mean": float(known.mean()) if known.size else None,
        "fingertip_error_m_p95": float(np.percentile(known, 95)) if known.size else None,
        "residual_m_mean": float(trajectory.residual_m[solved].mean()) if known.size else None,
        "duration_s": float(trajectory.time_s[-1] - trajectory.time_s[0]),
        "at_limit": {
            name: round(float(x), 4) for name, x in zip(trajectory.joint_names, at_limit, strict=True) if x > 0
        },
    }


def _notes(result: WatchResult) -> list[str]:
    notes, options, track = [], result.options, result.track
    if all(options[name] is None for name in ("camera_file", "intrinsics_file", "fov_deg", "tracker_file")):
        degrees = 2 * np.degrees(np.arctan(track.camera.height / 2 / track.camera.K[1, 1]))
        notes.append(
            f"no camera was given: a vertical field of view of {degrees:.0f} degrees is assumed and scales distances"
        )
    if options["hand_length_m"] is None and options["tracker_file"] is None:
        notes.append(f"no hand length was given: {track.hand_length_m:.3f} m, the adult mean, scales distances")
    gaps = int((~track.valid).sum())
    if gaps:
        notes.append(f"{gaps} frames have no tracked hand; they are marked everywhere, and the robot waits in them")
    steps = np.diff(track.time_s)
    if steps.size and np.abs(steps - 1 / result.video.fps).max() > 0.5 / result.video.fps:
        notes.append("frames are unevenly spaced: videos and data set show the mean rate, time_s has the true times")
    return notes


def _counts(status: Int8[np.ndarray, " T"]) -> dict[str, int]:
    return {
        STATUS_WORDS[value].replace(" ", "_"): int((status == value).sum())
        for value in FrameStatus
        if (status == value).any()
    }


def _versions() -> dict[str, str]:
    found = {"understudy": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
