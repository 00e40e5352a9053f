"""The interface of every policy, on one that reaches for the middle of the table and waits there.

Usage: python examples/03_a_policy_of_your_own.py [task] [seed]
"""

import sys

import numpy as np

from understudy.embodiments import get_embodiment
from understudy.evaluation.rollout import run_rollout
from understudy.methods.policy import Policy, Prompt
from understudy.records import ActionChunk, Observation
from understudy.retargeting.actions import home_action
from understudy.simulation.human import record_human
from understudy.simulation.tabletop import Tabletop

ROBOT = "xarm7_gripper"


class Reach(Policy):
    """Ignores its prompt: what every prompted policy must beat."""

    def reset(self, prompt: Prompt) -> None:
        self._chunks = 0

    @property
    def notes(self) -> tuple[str, ...]:
        return ()

    def act(self, observation: Observation) -> ActionChunk:
        start = home_action(get_embodiment(ROBOT))
        goal = np.concatenate([[0.5, 0.0, 0.25], start[3:]])
        actions = start + np.linspace(0, 1, 20)[:, None] * (goal - start)
        self._chunks += 1
        return ActionChunk(actions, dt_s=0.1, done=self._chunks == 1)


def main(task: str = "press_button", seed: str = "7") -> None:
    table = Tabletop(task, int(seed), ROBOT)
    print(table.label, run_rollout(table, Reach(), record_human(task, int(seed)).track))
    table.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
