"""Real clips without truth: what is tracked, how well the fit explains it, and an outside reference where there is one.

    UNDERSTUDY_DATA=... python benchmarks/real_video.py --out results/real_video.json --sheets demo/real_video

Writes a contact sheet per clip to be looked at. `hand_gestures_keypoints.npz` holds another project's hand-centred
keypoints of the same clip; after a similarity alignment per frame (rotation, translation and size), the mean distance
is `keypoint_difference_m_mean`: a difference between two trackers, not an error.
"""

import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import tyro
from PIL import Image

from understudy.errors import UnderstudyError
from understudy.evaluation.result_file import make_report, rate_cell, write_report
from understudy.evaluation.watch_motion import fingertip_errors_m, hand_in_base, robot_motion
from understudy.geometry.alignment import align_points
from understudy.geometry.transforms import apply_transform
from understudy.perception.overlay import contact_sheet, draw_hand
from understudy.perception.track import track_hand
from understudy.perception.track_file import save_hand_track
from understudy.perception.video import open_video, read_frames
from understudy.records import EvalCell, FrameStatus, HandTrack, HumanVideo

CLIPS = {"hand_gestures": ("right",), "toy_coffee_machine": ("right", "left")}
"""Clip -> hands that a person sees acting in it."""
REFERENCE = "hand_gestures_keypoints.npz"
ROBOTS = ("xarm7_xhand", "xarm7_allegro")
SHEET_FRAMES = 20
SHEET_WIDTH = 400


def reference_difference(track: HandTrack, reference: Path) -> float:
    """Mean distance to the reference's keypoints over valid frames and keypoints, after alignment per frame [m]."""
    with np.load(reference, allow_pickle=False) as file:
        other = file["keypoints"].astype(float)
    if len(other) != track.num_frames:
        raise UnderstudyError(f"{reference}: {len(other)} frames, the clip has {track.num_frames}")
    distances = []
    for t in np.flatnonzero(track.valid):
        T, scale = align_points(other[t], track.keypoints_camera[t], with_scale=True)
        aligned = apply_transform(T, scale * other[t])
        distances.append(np.linalg.norm(aligned - track.keypoints_camera[t], axis=1).mean())
    return float(np.mean(distances))


def write_sheet(video: HumanVideo, track: HandTrack, path: Path) -> None:
    """Evenly spaced frames with the fitted hand."""
    pick = set(np.linspace(0, track.num_frames - 1, SHEET_FRAMES).round().astype(int).tolist())
    size = (SHEET_WIDTH, round(SHEET_WIDTH * video.height / video.width))
    images = []
    for index, (_, image) in enumerate(read_frames(video)):
        if index in pick:
            small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
            images.append(draw_hand(small, track, index))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(contact_sheet(images, 5)).save(path)


def cells_of(track: HandTrack, column: str) -> list[EvalCell]:
    """Frames, distance and residual of one tracked clip."""
    valid = track.valid
    size_px = track.camera.K[0, 0] * track.hand_length_m / track.T_camera_wrist[valid, 2, 3]
    values = {
        "seen_share": (track.confidence > 0).mean(),
        "residual_px_p50": np.median(track.residual_px[valid]),
        "residual_share_of_hand_p50": np.median(track.residual_px[valid] / size_px),
        "wrist_distance_m_p50": np.median(track.T_camera_wrist[valid, 2, 3]),
        "wrist_distance_std_m_p50": np.median(track.wrist_std_m[valid, 2]),
    }
    found = rate_cell("mediapipe", int(valid.sum()), track.num_frames, metric="frames_found", column=column)
    return [found, *(EvalCell("mediapipe", name, float(value), column=column) for name, value in values.items())]


def robot_cells(track: HandTrack, column: str) -> list[EvalCell]:
    """How closely two robots follow the tracked hand, placed before them by the stated rule."""
    cells = []
    for robot in ROBOTS:
        trajectory = robot_motion(track, robot)
        errors = fingertip_errors_m(trajectory, hand_in_base(track, robot))
        solved = trajectory.status == FrameStatus.OK
        mean = float(errors[solved].mean())
        cells += [
            rate_cell(
                "retargeted", int(solved.sum()), track.num_frames, metric="frames_solved", column=column, robot=robot
            ),
            EvalCell("retargeted", "fingertip_error_m_mean", mean, column=column, robot=robot),
        ]
    return cells


def main(out: Path = Path("results/real_video.json"), sheets: Path = Path("build/real_video")) -> None:
    """Track the real clips of $UNDERSTUDY_DATA.

    Args:
        out: result file.
        sheets: folder for tracks and contact sheets.
    """
    if not os.environ.get("UNDERSTUDY_DATA"):
        raise UnderstudyError("UNDERSTUDY_DATA is not set: it names the folder that holds human_video/")
    folder = Path(os.environ["UNDERSTUDY_DATA"]) / "human_video"
    start = time.monotonic()
    cells = []
    for name, acting in CLIPS.items():
        video = open_video(folder / f"{name}.mp4")
        auto = track_hand(video)
        cells.append(
            EvalCell("mediapipe", "auto_takes_the_acting_hand", float(auto.handedness == acting[0]), column=name)
        )
        for side in acting:
            track = auto if side == auto.handedness else track_hand(video, hand="right" if side == "right" else "left")
            column = f"{name}_{side}"
            cells += cells_of(track, column)
            cells += robot_cells(track, column)
            save_hand_track(sheets / f"{column}.npz", track)
            write_sheet(video, track, sheets / f"{column}.png")
            if name == "hand_gestures":
                difference = reference_difference(track, folder / REFERENCE)
                cells.append(EvalCell("mediapipe", "keypoint_difference_m_mean", difference, column=column))
    command = "python benchmarks/real_video.py"
    write_report(make_report("real_video", command, (time.monotonic() - start) / 60, cells), out)
    for cell in cells:
        print(f"{cell.column:28} {cell.metric:28} {cell.value:.4f}")


if __name__ == "__main__":
    tyro.cli(main)
