"""The one interface of every method: `reset` with a prompt, then `act` on observations."""

from abc import ABC, abstractmethod

from understudy.records import ActionChunk, HandTrack, HumanVideo, Observation

__all__ = ["Policy", "Prompt"]

Prompt = HumanVideo | HandTrack
"""What says what to do: a video of a person; or a hand track, where the truth stands in for perception."""


class Policy(ABC):
    """Acts on one robot as a prompt says."""

    @abstractmethod
    def reset(self, prompt: Prompt) -> None:
        """Begin an episode. What depends on prompt and scene is made at the first `act`."""

    @property
    @abstractmethod
    def notes(self) -> tuple[str, ...]:
        """Rules applied in this episode that a reader of its report must know."""

    @abstractmethod
    def act(self, observation: Observation) -> ActionChunk:
        """The next actions, absolute targets in the robot's action space; `done` when nothing is left to do."""
