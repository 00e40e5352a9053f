"""One closed-loop episode: a policy acts until it is done, the task's time is up, or objects are lost."""

from collections.abc import Callable
from dataclasses import dataclass

from understudy.methods.policy import Policy, Prompt
from understudy.simulation.tabletop import Tabletop

__all__ = ["Rollout", "run_rollout"]

_SETTLE_STEPS = 5
"""Control steps without a new command after the policy is done, so that released objects come to rest."""


@dataclass(frozen=True)
class Rollout:
    """What came of one episode."""

    success: bool
    score: float
    """0 to 100, by the task's rubric."""
    failure: str
    """The task's failure label; empty on success."""
    num_steps: int
    """Control steps executed."""


def run_rollout(
    table: Tabletop,
    policy: Policy,
    prompt: Prompt,
    *,
    execute: int | None = None,
    on_step: Callable[[Tabletop], None] | None = None,
) -> Rollout:
    """Run one episode from reset.

    Args:
        table: the simulated scene; it is reset first.
        policy: acts; it is reset with `prompt`.
        prompt: the demonstration.
        execute: actions of each chunk that are carried out before the policy is asked again; None for all.
        on_step: called after every control step, for recording.
    """
    observation = table.reset()
    policy.reset(prompt)
    num_steps, done = 0, False
    while not done and num_steps < table.max_steps:
        chunk = policy.act(observation)
        for action in chunk.actions[:execute]:
            table.step(action, observe=False)
            num_steps += 1
            if on_step is not None:
                on_step(table)
            if num_steps >= table.max_steps:
                break
        done = chunk.done or table.lost()
        if not done:
            observation = table.observe()
    for _ in range(_SETTLE_STEPS):
        table.step(None, observe=False)
        if on_step is not None:
            on_step(table)
    success = table.success()
    return Rollout(success, table.score(), "" if success else table.failure(), num_steps)
