"""The rows of a table: which policies, for which robots, and a fingerprint that tells one checkpoint from another."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from understudy.embodiments import ROBOTS
from understudy.errors import UnderstudyError, UnknownName
from understudy.evaluation.suites.suite import Suite
from understudy.methods import POLICIES, PRETRAINED, policy_names

__all__ = ["Contestant", "contestants", "fingerprint", "policy_folder", "refuse_unequal"]

ORACLE = "oracle"
"""Row that replays the true hand: the policy `kinematic` with the truth in place of perception."""


@dataclass(frozen=True)
class Contestant:
    """One policy under the name of its row. Several of one row and robot are training seeds."""

    row: str
    policy: str
    """Name or folder for `make_policy`."""
    robots: tuple[str, ...]
    truth: bool = False
    """It is given the true hand track, not the clip."""
    fingerprint: str = "built_in"
    task: str | None = None
    """The only task that it is a row for; None for all of them."""

    @property
    def key(self) -> str:
        """Folder name of its episodes: another checkpoint has another one, and so has one that is for one task."""
        name = Path(self.policy).name if self.fingerprint == "built_in" else self.row
        made_for = f"-{self.task}" if self.task else ""
        return f"{name}-{'truth' if self.truth else self.fingerprint}{made_for}"

    def wrong_tasks(self, tasks: tuple[str, ...]) -> tuple[str, ...]:
        """What its wrong prompts may show: its only task, of which there are other goals; else all of `tasks`."""
        return (self.task,) if self.task else tasks


def policy_folder(name: str) -> Path | None:
    """The policy folder that `make_policy(name, ...)` reads; None for a policy that learns nothing."""
    if name in POLICIES:
        return None
    for folder in (Path(name), PRETRAINED / name):
        if (folder / "policy.json").is_file():
            return folder
    raise UnknownName("policy", name, [ORACLE, *policy_names()])


def fingerprint(folder: Path) -> str:
    """Short hash of every file below `folder`, names and contents, but for cards (Markdown), which change no action."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".md"):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def contestants(suite: Suite, asked: Sequence[str], robots: Sequence[str]) -> list[Contestant]:
    """Every policy of a table.

    Args:
        suite: gives the rows if none are asked for: the pretrained policies of its methods, then its own rows.
        asked: `NAME_OR_FOLDER`, `ROW=NAME_OR_FOLDER` or, where a row has a policy for each task,
            `ROW@TASK=NAME_OR_FOLDER`; commas separate several.
        robots: where policies that are not made for one robot act; those made for another one are refused if asked for
            by name, and left out if not.

    Raises:
        UnderstudyError: unknown policies, robots or tasks, or nothing left to evaluate.
    """
    for robot in robots:
        if robot not in ROBOTS:
            raise UnknownName("robot", robot, ROBOTS)
    words = [part for word in asked for part in word.split(",") if part]
    found = [_contestant(word, robots, suite.tasks) for word in words or _default_rows(suite)]
    for one in found:
        if words and not one.robots:
            raise UnderstudyError(f"{one.policy}: acts on {_description(one.policy)['robot']}, not on {list(robots)}")
    found = [one for one in found if one.robots]
    if not found:
        raise UnderstudyError(f"suite {suite.name}: no policy for {', '.join(robots)}; name some with --policy")
    return found


def refuse_unequal(rows: Sequence[Contestant], tasks: Sequence[str]) -> None:
    """Make sure that every row has the same number of different checkpoints for each task that it has any for.

    Its training seeds meet the same episodes; a rate over tasks is of the same number of them in each.

    Raises:
        UnderstudyError: a checkpoint that a task would count twice, or more of them for one task than for another.
    """
    for row, robot in dict.fromkeys((one.row, robot) for one in rows for robot in one.robots):
        counts = {}
        for task in tasks:
            its = [one for one in rows if one.row == row and robot in one.robots and one.task in (None, task)]
            same = [(one.truth, one.policy if one.fingerprint == "built_in" else one.fingerprint) for one in its]
            for one, identity in zip(its, same, strict=True):
                if same.count(identity) > 1:
                    raise UnderstudyError(f"row {row}: {one.policy} twice for {task}: each checkpoint counts once")
            counts[task] = len(its)
        found = {task: count for task, count in counts.items() if count}
        if len(set(found.values())) > 1:
            said = ", ".join(f"{count} for {task}" for task, count in found.items())
            raise UnderstudyError(f"row {row} on {robot}: checkpoints: {said}; give as many for each of these tasks")


def _default_rows(suite: Suite) -> list[str]:
    pretrained = [name for name in policy_names() if name not in POLICIES]
    learned = [name for method in suite.methods for name in pretrained if _description(name)["method"] == method]
    return [*learned, *suite.rows]


def _contestant(word: str, robots: Sequence[str], tasks: Sequence[str]) -> Contestant:
    place, _, policy = word.rpartition("=")
    row, at, its_task = place.partition("@")
    if at and its_task not in tasks:
        raise UnknownName("task", its_task, tasks)
    if row and not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", row):
        raise UnderstudyError(f"row {row!r}: names of rows are small letters, digits and single underscores")
    task = its_task or None
    truth = policy == ORACLE
    name = "kinematic" if truth else policy
    folder = policy_folder(name)
    if folder is None:
        return Contestant(row or policy, name, tuple(robots), truth, task=task)
    description = _description(name)
    its = tuple(robot for robot in robots if robot == description["robot"])
    return Contestant(row or description["method"], name, its, fingerprint=fingerprint(folder), task=task)


def _description(policy: str) -> dict[str, str]:
    """Method and robot of a learned policy, from its folder."""
    folder = policy_folder(policy)
    assert folder is not None
    path = folder / "policy.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {field: str(data[field]) for field in ("method", "robot")}
    except (ValueError, KeyError, TypeError) as error:
        raise UnderstudyError(f"{path}: not a policy: needs JSON with `method` and `robot` ({error})") from error
