"""Fits the landmark convention of `understudy.perception.landmark_calibration` on rendered clips of training seeds.

    python benchmarks/landmark_calibration.py

For every landmark i, with phi, the bone's frame and the projection taken from the truth,

    e_i = (seen - projected keypoint) / hand size in px  ~  J_i (C_i phi),      J_i = d pi / d x R_camera_bone

is solved for C_i by ridge regression with Geman-McClure weights (hidden fingers give outliers). Every clip counts as
`LOOKS_PER_CLIP` independent looks, as errors last. The spread is the median error that is left. The common shrink is
the median error in distance that fits with C still have on clips which C was not fitted on (two halves).
"""

import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("MUJOCO_GL", "egl")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("LP_NUM_THREADS", "1")

import numpy as np
import tyro
from jaxtyping import Float
from rich.progress import track as progress_bar

from tracking_clips import seen_clip
from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.errors import BadVideo
from understudy.perception.hand_choice import choose_hand
from understudy.perception.hand_fit import HandFit, fit_hand
from understudy.perception.hand_jacobian import keypoint_frames
from understudy.perception.hand_landmarker import HandDetections
from understudy.perception.hand_terms import HandObservations
from understudy.perception.landmark_calibration import NUM_FEATURES, LandmarkConvention, convention_features
from understudy.perception.track import mirrored_observations
from understudy.records import HandTrack

LOOKS_PER_CLIP = 15.0
RIDGE_CONSTANT_M, RIDGE_OTHER_M = 0.010, 0.006
"""Prior standard deviations of the coefficients: of the constant, and of those that go with view and pose."""
OUTLIER = 2.0
SURE = 7
"""The spread is relative to the mean of this many surest landmarks."""


@dataclass(frozen=True)
class Sample:
    """One clip: observations of a right hand (left ones mirrored) and the truth beside them."""

    skeleton: HandSkeleton
    K: Float[np.ndarray, "3 3"]
    seen: HandObservations
    position: Float[np.ndarray, "N 3"]
    rotation: Float[np.ndarray, "N 3 3"]
    joints: Float[np.ndarray, "N 20"]


def sample_of(truth: HandTrack, detections: HandDetections) -> Sample | None:
    """None if the hand was not found or taken for the other one."""
    try:
        hand = choose_hand(detections, truth.handedness)
    except BadVideo:
        return None
    frames = np.flatnonzero(hand.slot >= 0)
    slot = hand.slot[frames]
    seen = HandObservations(detections.time_s[frames], detections.pixels[frames, slot], detections.world[frames, slot])
    K, T = truth.camera.K, truth.T_camera_wrist[frames]
    R, p = T[:, :3, :3], T[:, :3, 3]
    if truth.handedness == "left":
        seen, K = mirrored_observations(seen, truth.camera)
        flip = np.diag([-1.0, 1.0, 1.0])
        R, p = flip @ R @ np.diag([1.0, -1.0, 1.0]), p @ flip
    return Sample(HandSkeleton(truth.hand_length_m), K, seen, p, R, truth.joint_angles[frames])


def equations(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """J_i phi^T (N, 21, 2, 39) and e (N, 21, 2)."""
    num = len(sample.position)
    points, frames, _ = keypoint_frames(sample.skeleton, sample.joints)
    frames = np.concatenate([np.tile(np.eye(3), (num, 1, 1, 1)), frames.reshape(num, 20, 3, 3)], axis=1)
    points = np.concatenate([np.zeros((num, 1, 3)), points.reshape(num, 20, 3)], axis=1)
    x = points @ np.swapaxes(sample.rotation, 1, 2) + sample.position[:, None]
    focal, centre = np.diag(sample.K)[:2], sample.K[:2, 2]
    image = x[..., :2] / x[..., 2:]
    J = np.zeros((num, 21, 2, 3))
    J[..., 0, 0], J[..., 1, 1] = focal[0] / x[..., 2], focal[1] / x[..., 2]
    J[..., :, 2] = -image * focal / x[..., 2:]
    J = J @ (sample.rotation[:, None] @ frames) * sample.skeleton.scale
    size = focal[0] * sample.skeleton.hand_length_m / np.linalg.norm(sample.position, axis=1)
    phi = convention_features(sample.position, sample.rotation, sample.joints)
    design = np.einsum("nkij,nkf->nkifj", J, phi).reshape(num, 21, 2, -1)
    error = sample.seen.pixels - (image * focal + centre)
    return design / size[:, None, None, None], error / size[:, None, None]


def fit_convention(samples: list[Sample]) -> LandmarkConvention:
    """Coefficients and spread from all samples; no shrink."""
    pairs = [equations(sample) for sample in samples]
    weight = np.concatenate([np.full(len(error), LOOKS_PER_CLIP / len(error)) for _, error in pairs])
    prior_m = np.repeat([RIDGE_CONSTANT_M, *[RIDGE_OTHER_M] * (NUM_FEATURES - 1)], 3)
    coefficients, spread = np.zeros((21, 3 * NUM_FEATURES)), np.full(21, 0.02)
    for i in range(21):
        J = np.concatenate([design[:, i] for design, _ in pairs])
        e = np.concatenate([error[:, i] for _, error in pairs])
        for _ in range(12):
            squared = ((e - J @ coefficients[i]) ** 2).sum(-1)
            limit = (OUTLIER * spread[i]) ** 2
            w = weight * (limit / (limit + squared)) ** 2 / spread[i] ** 2
            H = np.diag(prior_m**-2) + np.einsum("n,nki,nkj->ij", w, J, J)
            coefficients[i] = np.linalg.solve(H, np.einsum("n,nki,nk->i", w, J, e))
            spread[i] = 1.48 * np.median(np.abs(e - J @ coefficients[i]))
    surest = np.sort(spread)[:SURE].mean()
    return LandmarkConvention(coefficients.reshape(21, NUM_FEATURES, 3), np.maximum(spread / surest, 1.0))


def distance_errors(samples: list[Sample], convention: LandmarkConvention) -> np.ndarray:
    """log(fitted distance / true distance) of all solved frames."""
    errors = []
    for sample in samples:
        fit: HandFit = fit_hand(sample.seen, sample.K, sample.skeleton, convention)
        ratio = np.linalg.norm(fit.state.position, axis=1) / np.linalg.norm(sample.position, axis=1)
        errors.append(np.log(ratio[fit.solved]))
    return np.concatenate(errors)


def main(
    clips: int = 64,
    seed0: int = 0,
    out: Path = Path("src/understudy/perception/landmark_convention.json"),
    work: Path = Path("build/tracking"),
    workers: int = 2,
) -> None:
    """Render, detect, fit; training seeds only (below 1000000)."""
    work.mkdir(parents=True, exist_ok=True)
    seeds = range(seed0, seed0 + clips)
    with ProcessPoolExecutor(workers) as pool:
        pairs = list(progress_bar(pool.map(seen_clip, seeds, [work] * clips), total=clips, description="clips"))
    samples = [sample for pair in pairs if (sample := sample_of(*pair)) is not None]
    halves = samples[::2], samples[1::2]
    errors = [distance_errors(other, fit_convention(half)) for half, other in (halves, halves[::-1])]
    shrink = float(np.median(np.concatenate(errors)))
    convention = replace(fit_convention(samples), shrink=shrink)
    content = {
        "made_by": f"python benchmarks/landmark_calibration.py --clips {clips} --seed0 {seed0}",
        "coefficients_mm": np.round(convention.coefficients * 1e3, 3).tolist(),
        "spread": np.round(convention.spread, 3).tolist(),
        "shrink": round(shrink, 4),
    }
    out.write_text(json.dumps(content) + "\n")
    left = distance_errors(samples, convention)
    print(f"{len(samples)} of {clips} clips used; shrink {shrink:.4f}")
    print(f"distance error left: median {np.median(left):+.4f}, spread {np.median(np.abs(left)):.4f}")


if __name__ == "__main__":
    tyro.cli(main)
