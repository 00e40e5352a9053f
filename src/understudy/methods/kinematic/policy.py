"""The kinematic understudy: does with the robot what the tracked hand did, step by step, and learns nothing."""

from understudy.errors import PromptError, UnderstudyError
from understudy.methods.kinematic.plan import Plan, plan
from understudy.methods.policy import Policy, Prompt
from understudy.records import ActionChunk, HandTrack, HumanVideo, Observation

__all__ = ["KinematicPolicy"]

_DT_S = 0.1
"""Control step."""


class KinematicPolicy(Policy):
    """Open-loop replay: from a video the row `kinematic` of every table, from a true hand track the row `oracle`."""

    def __init__(self, robot: str) -> None:
        self._robot = robot
        self._prompt: HumanVideo | HandTrack | None = None
        self._plan: Plan | None = None

    def reset(self, prompt: Prompt) -> None:
        """Remember the prompt; it is watched at the first `act`, when the scene's camera is known.

        Raises:
            UnderstudyError: a label, which is no motion to follow.
        """
        if isinstance(prompt, str):
            raise UnderstudyError(f"kinematic follows a video or a hand track, not the label {prompt!r}")
        self._prompt, self._plan = prompt, None

    @property
    def notes(self) -> tuple[str, ...]:
        """Anchors, mirroring, slowing down; empty before the first `act`."""
        return self._plan.notes if self._plan else ()

    def act(self, observation: Observation) -> ActionChunk:
        """The whole trajectory as one chunk.

        Raises:
            PromptError: no prompt, or no hand in it.
        """
        if self._prompt is None:
            raise PromptError("kinematic has no prompt, so no motion to follow: call reset(prompt) with one")
        self._plan = plan(self._prompt, observation, self._robot, _DT_S)
        return ActionChunk(self._plan.actions, _DT_S, done=True)
