"""Folders of published weights that an experiment needs and that do not come with the package."""

from pathlib import Path

from understudy.errors import UnderstudyError

__all__ = ["require_folder"]


def require_folder(folder: Path, of: str, setting: str) -> None:
    """Make sure that a folder of weights is there.

    Args:
        folder: where it should be.
        of: whose weights they are.
        setting: of the experiment, that names the folder.

    Raises:
        UnderstudyError: no such folder.
    """
    if not folder.is_dir():
        raise UnderstudyError(
            f"{folder}: no such folder: put the published weights of {of} there, or name yours by"
            f" --set {setting}=FOLDER"
        )
