"""One closed-loop episode: a policy acts in chunks until it is done, the task is, time is up, or objects are lost."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from understudy.errors import UnderstudyError
from understudy.evaluation.judge import Judge, Watcher
from understudy.methods.policy import Policy, Prompt
from understudy.records import ActionChunk
from understudy.simulation.controller import CONTROL_DT_S
from understudy.simulation.tabletop import Tabletop

__all__ = ["Rollout", "run_rollout"]

_SETTLE_STEPS = 5
"""Control steps without a new command at the end, so that released objects come to rest."""


@dataclass(frozen=True)
class Rollout:
    """What came of one episode."""

    success: bool
    """The table's own goal is fulfilled at the end."""
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
    asked: Judge | None = None,
    judges: Sequence[Watcher] = (),
    on_step: Callable[[Tabletop], None] | None = None,
) -> Rollout:
    """Run one episode from reset.

    Of every chunk the first `policy.execute` actions are carried out, then the policy is asked again. A policy that
    never says that it is done is stopped between chunks once what was asked of it lasts.

    Args:
        table: the simulated scene; it is reset first.
        policy: acts; it is reset with `prompt`.
        prompt: what says what to do.
        asked: judges what the prompt asks for, and gives the time limit; the table's own goal by default.
        judges: others that see every state: of other goals, or of what else happens.
        on_step: called after every control step, for recording.

    Raises:
        PromptError: the policy cannot follow the prompt.
        UnderstudyError: the policy's actions are not for the table's control step, or not for its robot.
    """
    asked = Judge(table.task.name, [table.goal], table.layout) if asked is None else asked
    max_steps = max(table.max_steps, round(asked.time_limit_s / CONTROL_DT_S))

    def watched() -> None:
        state = table.state
        for judge in (asked, *judges):
            judge.see(state)
        if on_step is not None:
            on_step(table)

    observation = table.reset()
    policy.reset(prompt)
    num_steps, done = 0, False
    while not done and num_steps < max_steps:
        chunk = policy.act(observation)
        _check_control_step(chunk)
        for action in chunk.actions[: policy.execute][: max_steps - num_steps]:
            table.step(action, observe=False)
            num_steps += 1
            watched()
        done = chunk.done or asked.lasts or table.lost()
        if not done:
            observation = table.observe()
    for _ in range(_SETTLE_STEPS):
        table.step(None, observe=False)
        watched()
    success = table.success()
    return Rollout(success, table.score(), "" if success else table.failure(), num_steps)


def _check_control_step(chunk: ActionChunk) -> None:
    if not math.isclose(chunk.dt_s, CONTROL_DT_S, rel_tol=1e-6):
        raise UnderstudyError(
            f"the policy acts every {chunk.dt_s:g} s, the table every {CONTROL_DT_S:g} s: use one that was trained on "
            f"{1 / CONTROL_DT_S:g} actions a second"
        )
