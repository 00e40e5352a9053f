"""Levenberg-Marquardt for hands: every frame by itself, or all frames of a segment joined by their motion."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float

from understudy.geometry.rotations import matrix_from_rotation_vector
from understudy.perception.banded import BandedCholesky
from understudy.perception.hand_motion import MotionTerms
from understudy.perception.hand_terms import NUM_COORDINATES, HandState

__all__ = ["PerFrameTerms", "moved", "select", "solve_frames", "solve_together"]

_JOINT_ITERATIONS = 30
_TOLERANCE = 1e-4
"""Relative decrease of the cost at which the joint solve has converged."""


@runtime_checkable
class PerFrameTerms(Protocol):
    """A cost that is a sum over frames."""

    def linearised(self, state: HandState) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cost (N,), gradient (N, 26) and Gauss-Newton Hessian (N, 26, 26)."""
        ...


def moved(state: HandState, step: Float[np.ndarray, "N 26"]) -> HandState:
    """The state after a step in its 26 coordinates: p + dp, R exp(d), q + dq."""
    return HandState(
        state.position + step[:, :3],
        state.rotation @ matrix_from_rotation_vector(step[:, 3:6]),
        state.joints + step[:, 6:],
    )


def select(choice: Bool[np.ndarray, " N"], new: HandState, old: HandState) -> HandState:
    """Frame by frame `new` where chosen, else `old`."""
    return HandState(
        np.where(choice[:, None], new.position, old.position),
        np.where(choice[:, None, None], new.rotation, old.rotation),
        np.where(choice[:, None], new.joints, old.joints),
    )


def solve_frames(
    terms: PerFrameTerms, state: HandState, iterations: int = 15
) -> tuple[HandState, Float[np.ndarray, " N"]]:
    """Every frame by itself, with its own damping and acceptance of steps. Returns the state and its cost (N,)."""
    damping = np.full(len(state.position), 1e-2)
    cost, gradient, hessian = terms.linearised(state)
    diagonal = np.arange(NUM_COORDINATES)
    for _ in range(iterations):
        damped = hessian.copy()
        damped[:, diagonal, diagonal] *= 1 + damping[:, None]
        tried = moved(state, -np.linalg.solve(damped, gradient[..., None])[..., 0])
        new_cost, new_gradient, new_hessian = terms.linearised(tried)
        better = new_cost < cost
        damping = np.clip(np.where(better, damping / 3, damping * 5), 1e-6, 1e6)
        state = select(better, tried, state)
        cost = np.where(better, new_cost, cost)
        gradient = np.where(better[:, None], new_gradient, gradient)
        hessian = np.where(better[:, None, None], new_hessian, hessian)
    return state, cost


def solve_together(terms: PerFrameTerms, motion: MotionTerms, state: HandState) -> HandState:
    """All frames with the motion terms; the damped system is block-banded."""
    damping = 1e-3
    diagonal = np.arange(NUM_COORDINATES)
    linearised = terms.linearised(state)
    cost = linearised[0].sum() + motion.cost(state)
    for _ in range(_JOINT_ITERATIONS):
        motion_gradient, motion_diagonal, first, second = motion.linearised(state)
        gradient = linearised[1] + motion_gradient
        hessian = linearised[2] + motion_diagonal
        while True:
            damped = hessian.copy()
            damped[:, diagonal, diagonal] *= 1 + damping
            tried = moved(state, -BandedCholesky(damped, first, second).solve(gradient))
            new_linearised = terms.linearised(tried)
            new_cost = new_linearised[0].sum() + motion.cost(tried)
            if new_cost < cost:
                break
            damping *= 8
            if damping > 1e8:
                return state
        decrease = (cost - new_cost) / cost
        state, linearised, cost, damping = tried, new_linearised, new_cost, max(damping / 5, 1e-7)
        if decrease < _TOLERANCE:
            break
    return state
