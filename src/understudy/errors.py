"""What goes wrong on the user's side: one root exception, one clear line, exit code 2.

`UnderstudyError`  the message says what, where and what would be right; the command line prints it and stops
├── `UnknownName`  a name that no registry holds; the message lists the valid ones and suggests the nearest
├── `BadVideo`     a video that cannot be read, or not to its end
├── `PromptError`  a prompt that can be read but not followed: a failed episode where prompts are what is tested
└── `NoHand`       a video that shows no motion of the hand that was looked for: a `BadVideo` and a `PromptError`
"""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["BadVideo", "NoHand", "PromptError", "UnderstudyError", "UnknownName"]


class UnderstudyError(Exception):
    """Root of every error a user can cause; `str(error)` is one line fit for a terminal."""


class UnknownName(UnderstudyError):
    """A name outside a registry, with the valid names and the nearest one."""

    def __init__(self, kind: str, name: str, valid: Iterable[str]) -> None:
        names = sorted(valid)
        nearest = get_close_matches(name, names, n=1)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        super().__init__(f"unknown {kind} {name!r}: {hint}valid: {', '.join(names)}")

    def __reduce__(self) -> tuple[type[UnderstudyError], tuple[str]]:
        """From one process to another it is the line that travels: its parts are not kept."""
        return UnderstudyError, (str(self),)


class BadVideo(UnderstudyError):
    """A video that cannot be opened, decoded, or decoded to its end."""


class PromptError(UnderstudyError):
    """What a prompt shows or says gives a policy nothing to do; another prompt would, with all else as it is."""


class NoHand(BadVideo, PromptError):
    """A video that can be decoded and shows no motion of the hand that was looked for."""
