"""`recording.json`, beside the data sets: which command made them, so that only the same one goes on."""

import json
from dataclasses import MISSING, asdict, fields
from pathlib import Path

from understudy.episodes.recording.plan import RecordingPlan
from understudy.errors import UnderstudyError
from understudy.files import write_text

__all__ = ["PLAN_FILE", "claim_folder"]

PLAN_FILE = "recording.json"
_FORMAT = "understudy recording 1"


def claim_folder(out: Path, plan: RecordingPlan) -> None:
    """Make `out` the folder of this plan; a folder that is so already stays as it is.

    Raises:
        UnderstudyError: the folder holds something else or another plan, or cannot be written.
    """
    path = out / PLAN_FILE
    wanted = json.loads(json.dumps({"format": _FORMAT, **asdict(plan)}))
    if path.is_file():
        odd = _differences(path, wanted)
        if odd:
            raise UnderstudyError(f"{out}: was recorded with {'; '.join(odd)}: choose another folder")
        return
    if out.is_dir() and any(out.iterdir()):
        raise UnderstudyError(f"{out}: is not empty and holds no recording to go on with: choose another folder")
    write_text(path, json.dumps(wanted, indent=1) + "\n")


def _differences(path: Path, wanted: dict) -> list[str]:
    try:
        found = _defaults() | dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError) as error:
        raise UnderstudyError(f"{path}: no plan of a recording: {error}") from error
    names = sorted(wanted.keys() | found.keys())
    return [
        f"{name} {found.get(name)}, not {wanted.get(name)}" for name in names if found.get(name) != wanted.get(name)
    ]


def _defaults() -> dict:
    """What a plan says of a setting that its file does not have: one that came later."""
    known = {field.name: field.default for field in fields(RecordingPlan) if field.default is not MISSING}
    return dict(json.loads(json.dumps(known)))
