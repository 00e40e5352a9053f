"""Folders of `understudy demo`: each holds one kind of demo, of replay or of a policy that is shown two videos."""

from pathlib import Path

from understudy.errors import UnderstudyError

__all__ = ["REPLAY", "TWO_VIDEOS", "kind_of_demo", "refuse_other_demo"]

REPLAY = "replay of a tracked hand"
TWO_VIDEOS = "a policy under two videos"
_FILES = {REPLAY: "*/tracking.mp4", TWO_VIDEOS: "*/film.mp4"}
"""Kind -> what only its folders hold."""


def kind_of_demo(folder: Path) -> str | None:
    """The kind of demo that `folder` holds: `REPLAY`, `TWO_VIDEOS`, or None for none."""
    return next((kind for kind, pattern in _FILES.items() if any(folder.glob(pattern))), None)


def refuse_other_demo(out: Path, kind: str) -> None:
    """Make sure that a demo of `kind` may be written to `out`.

    Raises:
        UnderstudyError: the folder holds a demo of the other kind.
    """
    found = kind_of_demo(out)
    if found not in (None, kind):
        raise UnderstudyError(f"{out}: holds a demo of {found}, not of {kind}: choose another --out, or remove it")
