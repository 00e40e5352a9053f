"""One kinematic hand fitted to a whole video: every frame's pose in metres in the camera frame, and how sure it is.

    minimise over (p_t, R_t, q_t):   sum_t [E_pixels + E_shape + E_joints](t)  +  E_motion

by Levenberg-Marquardt (terms in `hand_terms` and `hand_motion`), first every frame by itself, then all frames of a
segment together: the normal equations are block-banded and solved in linear time. The wrist's covariance is the block
of their inverse, plus a part along the ray for what many frames have wrong together (see `Uncertainty`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float

from understudy.embodiments.hand_skeleton import HandSkeleton
from understudy.perception.banded import BandedCholesky
from understudy.perception.hand_motion import MotionTerms, MotionWeights
from understudy.perception.hand_solver import select, solve_frames, solve_together
from understudy.perception.hand_start import START_POSES, first_guess
from understudy.perception.hand_terms import (
    FrameTerms,
    HandObservations,
    HandState,
    TermWeights,
)
from understudy.perception.landmark_calibration import LandmarkConvention

__all__ = ["FitConfig", "HandFit", "Uncertainty", "best_convention", "fit_hand"]

_CONVENTION_FRAMES = 40
_TRUST_AT_FIRST = 8.0
_PLACEMENTS = 3
"""How often the landmark convention is evaluated anew at the solution so far."""


@dataclass(frozen=True)
class Uncertainty:
    """Error in distance that the normal equations do not know of, over the distance; see `_covariance`.

    Landmark errors last for seconds and are partly bias, so they do not average out over a clip. Calibrated on rendered
    clips of training and validation seeds.
    """

    distance: float = 0.018
    """Standard deviation that every frame has."""
    per_residual: float = 0.8
    """What a residual adds, per share of the hand's length in the image."""


@dataclass(frozen=True)
class FitConfig:
    """All constants of the fit."""

    terms: TermWeights = field(default_factory=TermWeights)
    motion: MotionWeights = field(default_factory=MotionWeights)
    uncertainty: Uncertainty = field(default_factory=Uncertainty)
    max_gap_s: float = 0.5
    """A longer gap in the observations starts a new segment [s]."""
    max_residual_share: float = 0.15
    """Frames whose root mean square residual exceeds this share of the hand's length in the image are not solved."""
    min_segment_frames: int = 3
    """Shorter sightings cannot be told from false ones and are not solved."""
    window_frames: int = 600
    """Long segments are solved in windows of this many frames, which bounds memory."""
    overlap_frames: int = 60
    """Frames that neighbouring windows share; each keeps its inner half."""


@dataclass(frozen=True)
class HandFit:
    """Result for the N frames that saw the hand."""

    state: HandState
    covariance: Float[np.ndarray, "N 3 3"]
    """Of the wrist position in the camera frame [m^2], hand length taken as known."""
    residual_px: Float[np.ndarray, " N"]
    """Root mean square over the keypoints."""
    solved: Bool[np.ndarray, " N"]


def fit_hand(
    observations: HandObservations,
    K: Float[np.ndarray, "3 3"],
    skeleton: HandSkeleton,
    convention: LandmarkConvention,
    config: FitConfig | None = None,
) -> HandFit:
    """Fit a right hand of known size to N observed frames (mirror a left one first).

    Args:
        observations: landmarks, N >= 1, in order of time.
        K: intrinsics [px].
        skeleton: the hand, its size included.
        convention: how the landmarks lie to the skeleton's keypoints.
        config: constants; the defaults were chosen on rendered clips of the validation seeds.
    """
    config = config or FitConfig()
    skeleton = HandSkeleton(skeleton.hand_length_m * (1 - convention.shrink))
    parts = []
    for segment in _segments(observations.time_s, config.max_gap_s):
        long_enough = segment.stop - segment.start >= config.min_segment_frames
        for window, kept in _windows(segment, config):
            fit = _fit_window(observations[window], K, skeleton, convention, config)
            inner = slice(kept.start - window.start, kept.stop - window.start)
            parts.append(
                (fit.state[inner], fit.covariance[inner], fit.residual_px[inner], fit.solved[inner] & long_enough)
            )
    states, covariances, residuals, solved = zip(*parts, strict=True)
    state = HandState(
        np.concatenate([s.position for s in states]),
        np.concatenate([s.rotation for s in states]),
        np.concatenate([s.joints for s in states]),
    )
    return HandFit(state, np.concatenate(covariances), np.concatenate(residuals), np.concatenate(solved))


def best_convention(
    observations: HandObservations,
    K: Float[np.ndarray, "3 3"],
    skeleton: HandSkeleton,
    conventions: Sequence[LandmarkConvention],
    config: FitConfig | None = None,
) -> int:
    """Index of the convention that explains the landmarks best: least cost over up to 40 frames fitted singly."""
    config = config or FitConfig()
    num = len(observations.time_s)
    pick = np.unique(np.linspace(0, num - 1, min(num, _CONVENTION_FRAMES)).round().astype(int))
    some = HandObservations(np.arange(len(pick)) * 1e3, observations.pixels[pick], observations.world[pick])
    costs = []
    for convention in conventions:
        terms = FrameTerms(skeleton, convention, K, some, config.terms)
        state, _ = _from_scratch(terms, some, K, skeleton)
        terms.place_landmarks(state)
        state, _ = solve_frames(terms, state, iterations=5)
        terms.place_landmarks(state)
        costs.append(float(solve_frames(terms, state, iterations=5)[1].sum()))
    return int(np.argmin(costs))


def _segments(time_s: Float[np.ndarray, " N"], max_gap_s: float) -> list[slice]:
    cuts = np.flatnonzero(np.diff(time_s) > max_gap_s) + 1
    edges = [0, *cuts.tolist(), len(time_s)]
    return [slice(a, b) for a, b in pairwise(edges)]


def _windows(segment: slice, config: FitConfig) -> list[tuple[slice, slice]]:
    """(frames solved together, frames kept of them): the kept parts tile the segment."""
    stride = config.window_frames - config.overlap_frames
    half = config.overlap_frames // 2
    windows = []
    start = segment.start
    while True:
        stop = min(start + config.window_frames, segment.stop)
        first, last = start == segment.start, stop == segment.stop
        kept = slice(start if first else start + half, stop if last else start + stride + half)
        windows.append((slice(start, stop), kept))
        if last:
            return windows
        start += stride


def _fit_window(
    observations: HandObservations,
    K: Float[np.ndarray, "3 3"],
    skeleton: HandSkeleton,
    convention: LandmarkConvention,
    config: FitConfig,
) -> HandFit:
    terms = FrameTerms(skeleton, convention, K, observations, config.terms)
    motion = MotionTerms(observations.time_s, config.motion)
    state, _ = _from_scratch(terms, observations, K, skeleton)
    for _ in range(_PLACEMENTS):
        terms.place_landmarks(state)
        state = solve_together(terms, motion, state)
    residual = np.sqrt((terms.pixel_error(state) ** 2).mean(1))
    share = residual / terms.hand_size_px(state)
    solved = (share < config.max_residual_share) & (state.position[:, 2] > 0)
    return HandFit(state, _covariance(terms, motion, state, share, config.uncertainty), residual, solved)


def _from_scratch(
    terms: FrameTerms, observations: HandObservations, K: Float[np.ndarray, "3 3"], skeleton: HandSkeleton
) -> tuple[HandState, Float[np.ndarray, " N"]]:
    """Every frame by itself, from each of the starting poses: the solution of least cost, and that cost.

    All landmarks are trusted at first: a robust loss far from the solution would drop the very ones that lead there.
    """
    solutions = []
    for pose in START_POSES:
        terms.trust_landmarks(_TRUST_AT_FIRST)
        state, _ = solve_frames(terms, first_guess(observations, K, skeleton, pose), iterations=9)
        terms.trust_landmarks(1.0)
        solutions.append(solve_frames(terms, state, iterations=5))
    best, least = solutions[0]
    for state, cost in solutions[1:]:
        better = cost < least
        best, least = select(better, state, best), np.where(better, cost, least)
    return best, least


def _covariance(
    terms: FrameTerms,
    motion: MotionTerms,
    state: HandState,
    residual_share: Float[np.ndarray, " N"],
    uncertainty: Uncertainty,
) -> Float[np.ndarray, "N 3 3"]:
    """Cov p = [(J^T J)^-1]_pp + (b^2 + (c r)^2) p p^T, r the residual over the hand's length in the image."""
    _, _, hessian = terms.linearised(state)
    _, diagonal, first, second = motion.linearised(state)
    inverse = BandedCholesky(hessian + diagonal, first, second).inverse_diagonal()[:, :3, :3]
    p = state.position[..., None]
    share = uncertainty.distance**2 + (uncertainty.per_residual * residual_share) ** 2
    return inverse + share[:, None, None] * (p @ np.swapaxes(p, 1, 2))
