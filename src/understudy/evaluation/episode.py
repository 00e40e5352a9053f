"""One layout of a suite in one process: every row, robot and prompt from the same initial state, a file an episode."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from understudy.errors import PromptError, UnderstudyError
from understudy.evaluation.judge import Judge, goals_of_label
from understudy.evaluation.prompts import Shown, make_prompt, shown_by
from understudy.evaluation.rollout import run_rollout
from understudy.evaluation.rows import Contestant, fingerprint, policy_folder
from understudy.evaluation.taken import FirstTaken
from understudy.files import write_text
from understudy.methods import make_policy
from understudy.methods.policy import Policy
from understudy.provenance import code_commit
from understudy.simulation.tabletop import Tabletop
from understudy.simulation.tasks import Goal

__all__ = ["EPISODE_FIELDS", "Episode", "Job", "Turn", "read_episode", "run_job", "run_turn"]

Episode = dict[str, Any]
"""What is kept of an episode; `run_turn` says what."""
EPISODE_FIELDS = frozenset(
    [
        "success",
        "ever",
        "asked",
        "label",
        "by_words",
        "score",
        "failure",
        "mis_grasp",
        "familiarity",
        "detail",
        "steps",
        "seconds",
        "shown",
        "commit",
    ]
)
"""Every field of an `Episode`; one that lacks any was kept by an older version."""


@dataclass(frozen=True)
class Turn:
    """One episode to be run."""

    contestant: Contestant
    robot: str
    task: str
    seed: int
    prompt: str
    axis: str | None = None
    """Of the layout; None for the usual range."""

    @property
    def name(self) -> str:
        """Folders and file name of what is kept of it, without an ending."""
        task = f"{self.task}-{self.axis}" if self.axis else self.task
        return f"{self.robot}/{self.contestant.key}/{task}/{self.prompt}/{self.seed}"

    def path(self, runs: Path) -> Path:
        """Where its result is kept."""
        return runs / "episodes" / f"{self.name}.json"

    def table(self) -> Tabletop:
        """The scene."""
        return Tabletop(self.task, self.seed, self.robot, axis=self.axis)


@dataclass(frozen=True)
class Job:
    """Episodes of one task and seed that are still to be run, robots together."""

    turns: tuple[Turn, ...]
    tasks: tuple[str, ...]
    """What wrong prompts may show."""
    runs: Path
    """Folder of clips and finished episodes."""


def read_episode(turn: Turn, runs: Path) -> Episode | None:
    """The finished episode; None if it is not there, or is of an older form: it is to be run again.

    Raises:
        UnderstudyError: a file that is no episode.
    """
    path = turn.path(runs)
    try:
        episode: Episode = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UnderstudyError(f"{path}: not a finished episode ({error}): remove it, and it is run again") from error
    return episode if set(episode) >= EPISODE_FIELDS else None


def run_job(job: Job) -> list[Turn]:
    """Run the episodes of a job and write their files; returns its turns."""
    tables: dict[str, Tabletop] = {}
    try:
        for turn in job.turns:
            if turn.robot not in tables:
                tables[turn.robot] = turn.table()
            episode = _same_words(turn, job.runs)
            if episode is None:
                episode = run_turn(turn, tables[turn.robot], job.tasks, job.runs / "clips")
            write_text(turn.path(job.runs), json.dumps(episode, indent=1) + "\n")
    finally:
        for table in tables.values():
            table.close()
    return list(job.turns)


def _same_words(turn: Turn, runs: Path) -> Episode | None:
    """Words do not say where things stand: with objects moved in the prompt, the episode is that of the right one."""
    if turn.prompt == "moved" and _policy(turn.contestant, turn.robot).prompt_kind == "label":
        return read_episode(replace(turn, prompt="right"), runs)
    return None


def run_turn(
    turn: Turn,
    table: Tabletop,
    tasks: tuple[str, ...],
    clips: Path,
    on_step: Callable[[Tabletop], None] | None = None,
) -> Episode:
    """Run one episode.

    Returns a dictionary that JSON can hold:
        success: the labelled goal is fulfilled at the end.
        ever: the labelled goal was fulfilled for 0.3 s at some time (counts under a wrong prompt).
        asked: what the prompt asks for is fulfilled at the end; with a blank prompt the labelled goal.
        label: a goal that the prompt's words may mean is fulfilled at the end.
        by_words: the policy takes words.
        score: 0 to 100 on the labelled goal.
        failure: why what was asked for is not fulfilled; empty if it is.
        mis_grasp: a near neighbour of what was asked for was taken first; None where it has none.
        familiarity: of the prompt, 0 to 1; None from policies that do not tell.
        detail: more about a prompt that could not be followed.
        steps, seconds, shown, commit: control steps, wall time, what the prompt shows, the code that ran it.

    Raises:
        UnderstudyError: what is no fault of the prompt, such as actions that are no numbers; names the episode.
    """
    started = time.monotonic()
    policy = _policy(turn.contestant, turn.robot)
    table.image_size = policy.image_size
    shown = shown_by(turn.prompt, turn.task, turn.seed, tasks, turn.axis)
    prompt = make_prompt(policy, shown, turn.contestant.truth, clips)
    asked, label, labelled = _judges(table, shown)
    by_words = policy.prompt_kind == "label"
    told, others = (label, (asked, labelled)) if by_words else (asked, (label, labelled))
    taken = FirstTaken(table.layout, _asked(table, shown)[1].target)
    steps, score, detail = 0, 0.0, ""
    try:
        result = run_rollout(table, policy, prompt, asked=told, judges=(*others, taken), on_step=on_step)
        steps, score = result.num_steps, result.score
    except PromptError as error:  # a prompt that cannot be followed is a failed episode, and is counted as one
        detail = str(error)
    except UnderstudyError as error:  # anything else would go on failing, and be counted against the row
        raise UnderstudyError(f"episode {turn.name}: {error}") from error
    safe = not detail and not table.lost()
    return {
        "success": safe and labelled.holds,
        "ever": labelled.lasted or (safe and labelled.holds),
        "asked": safe and asked.holds,
        "label": safe and label.holds,
        "by_words": by_words,
        "score": score,
        "failure": "prompt" if detail else "" if safe and asked.holds else _failure(table, asked, taken),
        "mis_grasp": taken.mis_grasp,
        "familiarity": None if detail else policy.familiarity,
        "detail": detail,
        "steps": steps,
        "seconds": round(time.monotonic() - started, 3),
        "shown": None if shown is None else {"task": shown.task, "label": shown.goal.label},
        "commit": code_commit(),
    }


def _judges(table: Tabletop, shown: Shown | None) -> tuple[Judge, Judge, Judge]:
    """Of what the prompt asks for, of everything that its words may mean, and of the labelled goal."""
    labelled = Judge(table.task.name, [table.goal], table.layout)
    task, goal = _asked(table, shown)
    words = Judge(task, goals_of_label(task, goal, table.layout), table.layout)
    return Judge(task, [goal], table.layout), words, labelled


def _asked(table: Tabletop, shown: Shown | None) -> tuple[str, Goal]:
    """Task and goal that the prompt asks for on this table."""
    if shown is None or shown.layout != table.layout:  # blank, or the same thing shown elsewhere
        return table.task.name, table.goal
    return shown.task, shown.goal


def _failure(table: Tabletop, asked: Judge, taken: FirstTaken) -> str:
    """`lost` and `unstable` without the object's name, `mis_grasp`, else as the prompted task says it."""
    if table.lost():
        return table.failure().partition(":")[0]
    return "mis_grasp" if taken.mis_grasp else asked.failure(table.state)


@cache
def _policy(contestant: Contestant, robot: str) -> Policy:
    """Loaded once per process; refused if its folder is no longer what was fingerprinted.

    Every layout asks for all rows in turn: a limit below their number would load each one for each layout.
    """
    folder = policy_folder(contestant.policy)
    if folder is not None and fingerprint(folder) != contestant.fingerprint:
        raise UnderstudyError(f"{folder}: changed while it was being evaluated: start again")
    return make_policy(contestant.policy, robot)
