"""The one interface of every method: `reset` with a prompt, then `act` on observations."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from understudy.records import ActionChunk, HandTrack, HumanVideo, Observation

__all__ = ["Policy", "Prompt", "PromptKind"]

Prompt = HumanVideo | HandTrack | str | None
"""What says what to do: a video of a person; a hand track, where the truth stands in for perception; a label in words;
or None, which says nothing (a blank prompt)."""
PromptKind = Literal["video", "label"]


class Policy(ABC):
    """Acts on one robot as a prompt says."""

    prompt_kind: ClassVar[PromptKind] = "video"
    """Which prompts `reset` takes beside None: videos (or hand tracks, if it says so), or labels."""
    image_size: int = 512
    """Width and height of the observation's image that it wants [px]."""
    prompt_size: int = 512
    """Side of a rendered prompt video at and above which it sees all that it uses [px]."""
    prompt_frames: int | None = None
    """Frames of a prompt video that it looks at, evenly spaced from the first to the last; None for all of them."""
    execute: int | None = None
    """Actions of a chunk that are carried out before it is asked again; None for all."""

    familiarity: float | None = None
    """How familiar the prompt of this episode is, 0 (not at all) to 1; None where nothing is known of it."""

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
