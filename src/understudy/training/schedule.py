"""Learning rate and end of a run, by step or by the clock.

    progress p = (step - warmup) / (num_steps - warmup)      by step
               = elapsed / budget                            by the clock
    rate       = peak * min(1, (step + 1) / warmup) * (1 + cos(pi p)) / 2,    p clipped to [0, 1]

By the clock, a machine that others share makes fewer steps in the same minutes, but comes to the end of the cosine.
"""

import math
from dataclasses import dataclass

__all__ = ["Schedule"]


@dataclass(frozen=True)
class Schedule:
    """Pure functions of step and elapsed time; a run that goes on brings both with it."""

    num_steps: int | None
    """Optimiser steps; None where only the clock ends the run."""
    warmup_steps: int = 0
    budget_s: float | None = None
    """Training time [s] that the cosine follows; None to follow the steps."""

    def progress(self, step: int, elapsed_s: float) -> float:
        """Position on the cosine before optimiser step `step`, in [0, 1]."""
        if self.budget_s is not None:
            return min(1.0, elapsed_s / self.budget_s) if self.budget_s > 0 else 1.0
        assert self.num_steps is not None
        return min(1.0, max(0.0, (step - self.warmup_steps) / max(1, self.num_steps - self.warmup_steps)))

    def factor(self, step: int, elapsed_s: float) -> float:
        """Share of the peak learning rate for optimiser step `step`, in [0, 1]."""
        warm = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps > 0 else 1.0
        return warm * 0.5 * (1.0 + math.cos(math.pi * self.progress(step, elapsed_s)))

    def is_over(self, step: int, elapsed_s: float) -> bool:
        """Whether no step is to follow after `step` of them."""
        return (self.num_steps is not None and step >= self.num_steps) or (
            self.budget_s is not None and elapsed_s >= self.budget_s
        )

    def share_done(self, step: int, elapsed_s: float) -> float:
        """Share of the run that is done, in [0, 1], by what will end it first."""
        by_step = step / max(1, self.num_steps) if self.num_steps is not None else 0.0
        by_clock = elapsed_s / self.budget_s if self.budget_s else 0.0
        return min(1.0, max(by_step, by_clock))

    def seconds_left(self, step: int, elapsed_s: float, step_s: float) -> float:
        """Expected time to the end [s] at `step_s` seconds a step."""
        by_step = math.inf if self.num_steps is None else (self.num_steps - step) * step_s
        by_clock = math.inf if self.budget_s is None else self.budget_s - elapsed_s
        return max(0.0, min(by_step, by_clock))
