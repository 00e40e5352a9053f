"""How well the hand is found in metres, on rendered clips with known truth; writes results/tracking.json.

    python benchmarks/tracking.py --clips 100 --seed0 2000000 --out results/tracking.json

Errors are of frames with status OK, against the truth of the same frame; `frames_found` counts those frames among
all. `within_one_sigma` and `within_two_sigma` count, over frames and over the camera's three axes, how often the
wrist's error is below the stated standard deviation of that axis (a normal error: .68 and .95).
"""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("MUJOCO_GL", "egl")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("LP_NUM_THREADS", "1")

import numpy as np
import tyro
from rich.progress import track as progress_bar

from tracking_clips import KINDS, kind_of, seen_clip
from understudy.errors import BadVideo
from understudy.evaluation.result_file import make_report, rate_cell, write_report
from understudy.perception.hand_choice import choose_hand
from understudy.perception.hand_landmarker import HandDetections
from understudy.perception.track import fit_detections
from understudy.records import EvalCell, HandTrack

ROWS = {  # row: (hand length given, landmark convention: True, False, or None for "as the video says")
    "hand_length_known": (True, None),
    "hand_length_unknown": (False, None),
    "hand_length_known_uncalibrated": (True, False),
    "hand_length_unknown_uncalibrated": (False, False),
}


def errors_of(truth: HandTrack, seen: HandDetections, row: str) -> dict[str, np.ndarray]:
    """Per-frame results of one clip: found (T,), wrist (N, 3) [m], sigmas (N, 3), keypoints (N,) [m]."""
    known, calibrated = ROWS[row]
    try:
        hand = choose_hand(seen)
    except BadVideo:
        return {"found": np.zeros(truth.num_frames, bool)}
    length = truth.hand_length_m if known else None
    track = fit_detections(seen, hand, truth.camera, length, landmark_offsets=calibrated)
    ok = track.valid
    wrist = track.T_camera_wrist[ok, :3, 3] - truth.T_camera_wrist[ok, :3, 3]
    ours, true = (t.keypoints_camera[ok] - t.keypoints_camera[ok][:, :1] for t in (track, truth))
    right_side = np.full(ok.sum(), track.handedness == truth.handedness)
    return {
        "found": ok,
        "wrist": wrist,
        "sigmas": np.abs(wrist) / track.wrist_std_m[ok],
        "keypoints": np.linalg.norm(ours - true, axis=-1).mean(axis=1),
        "right_side": right_side,
    }


def clip_errors(seed: int, work: Path) -> dict[str, dict[str, np.ndarray]]:
    """All rows of one clip."""
    truth, seen = seen_clip(seed, work)
    return {row: errors_of(truth, seen, row) for row in ROWS}


def cells_of(row: str, column: str | None, clips: list[dict[str, np.ndarray]]) -> list[EvalCell]:
    """The metrics of one row, over all frames of the given clips."""

    def joined(name: str) -> np.ndarray:
        return np.concatenate([clip[name] for clip in clips if name in clip])

    where = {"column": column} if column else {}
    found, sigmas = joined("found"), joined("sigmas")
    distance = np.linalg.norm(joined("wrist"), axis=1)
    values = {
        "keypoint_error_m_mean": joined("keypoints").mean(),
        "wrist_error_m_p50": np.percentile(distance, 50),
        "wrist_error_m_p95": np.percentile(distance, 95),
        "within_one_sigma": (sigmas < 1).mean(),
        "within_two_sigma": (sigmas < 2).mean(),
        "right_side": joined("right_side").mean(),
    }
    rate = rate_cell(row, int(found.sum()), len(found), metric="frames_found", **where)
    return [rate, *(EvalCell(row, metric, float(value), n=len(distance), **where) for metric, value in values.items())]


def main(
    clips: int = 100,
    seed0: int = 2_000_000,
    out: Path = Path("results/tracking.json"),
    work: Path = Path("build/tracking"),
    workers: int = 2,
    only_detect: bool = False,
) -> None:
    """Render, track and compare.

    Args:
        clips: how many, from consecutive seeds.
        seed0: first seed; tables use test seeds (2000000 and above), choices validation seeds (1000000 and above).
        out: result file.
        work: folder for detections; a stopped run goes on from there.
        workers: processes.
        only_detect: fill the work folder and stop.
    """
    start = time.monotonic()
    work.mkdir(parents=True, exist_ok=True)
    seeds = range(seed0, seed0 + clips)
    step = seen_clip if only_detect else clip_errors
    with ProcessPoolExecutor(workers) as pool:
        results = list(progress_bar(pool.map(step, seeds, [work] * clips), total=clips, description="clips"))
    if only_detect:
        return
    cells = [cell for row in ROWS for cell in cells_of(row, None, [result[row] for result in results])]
    for kind in sorted(set(KINDS)):
        some = [
            result["hand_length_known"] for seed, result in zip(seeds, results, strict=True) if kind_of(seed) == kind
        ]
        if some:
            cells += cells_of("hand_length_known", kind, some)
    command = f"python benchmarks/tracking.py --clips {clips} --seed0 {seed0} --out {out}"
    write_report(make_report("tracking", command, (time.monotonic() - start) / 60, cells), out)
    for cell in cells:
        if cell.column is None:
            print(f"{cell.row:34} {cell.metric:24} {cell.value:.4f}")


if __name__ == "__main__":
    tyro.cli(main)
