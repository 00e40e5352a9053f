"""The episodes worth a look, run again with a camera: the quickest successes and the worst failures of every row."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from understudy.evaluation.episode import Episode, Turn, run_turn
from understudy.evaluation.prompts import Shown, prompt_clip, shown_by
from understudy.evaluation.summary import Table
from understudy.files import write_text
from understudy.perception.video import read_frames
from understudy.perception.video_writer import write_video
from understudy.simulation.tabletop import Tabletop

__all__ = ["Replay", "choose", "make_replay"]

_SIZE = 192
_PROMPT_FRAMES = 24
_CRF = 27
_FPS = 10.0
_COUNTS = {"right": (1, 2), "wrong": (1, 1), "moved": (0, 1)}
"""Prompt -> how many of the best, how many of the worst."""


@dataclass(frozen=True)
class Replay:
    """One episode to be filmed."""

    turn: Turn
    kind: str
    """`best` or `worst`."""
    tasks: tuple[str, ...]
    runs: Path

    @property
    def video(self) -> Path:
        """Where the film is kept; `.json` beside it holds how the episode ended this time."""
        return self.runs / "replays" / f"{self.turn.name}.mp4"

    def ended(self) -> Episode:
        """How the filmed episode ended."""
        episode: Episode = json.loads(self.video.with_suffix(".json").read_text(encoding="utf-8"))
        return episode


def choose(table: Table, runs: Path) -> list[Replay]:
    """Of every row, robot and prompt: the quickest successes, and the failures with the fewest points.

    Failures of different kinds come before more of one kind.
    """
    chosen = []
    for row, robot in table.places:
        for prompt, (num_best, num_worst) in _COUNTS.items():
            episodes = _usual(table, row, robot, prompt)
            good = sorted((t for t, e in episodes.items() if e["asked"]), key=lambda t: episodes[t]["steps"])
            bad = sorted((t for t, e in episodes.items() if not e["asked"]), key=lambda t: episodes[t]["score"])
            seen: dict[tuple[str, str], int] = {}
            rank = {}
            for turn in bad:
                label = (turn.task, episodes[turn]["failure"])
                rank[turn] = seen[label] = seen.get(label, -1) + 1
            bad.sort(key=lambda turn: rank[turn])
            for kind, turns in (("best", good[:num_best]), ("worst", bad[:num_worst])):
                chosen += [Replay(t, kind, t.contestant.wrong_tasks(table.suite.tasks), runs) for t in turns]
    return chosen


def _usual(table: Table, row: str, robot: str, prompt: str) -> dict[Turn, Episode]:
    """Episodes of a row outside of the suite's axes."""
    return {
        turn: episode
        for turn, episode in table.episodes.items()
        if (turn.contestant.row, turn.robot, turn.prompt) == (row, robot, prompt) and turn.axis not in table.suite.axes
    }


def make_replay(replay: Replay) -> Replay:
    """Run the episode again and film it, the prompt beside it; does nothing if that was done before."""
    if replay.video.with_suffix(".json").exists():
        return replay
    turn, clips = replay.turn, replay.runs / "clips"
    table = turn.table()
    frames: list[UInt8[np.ndarray, "S S 3"]] = []
    try:
        frames.append(_first_frame(table))
        episode = run_turn(turn, table, replay.tasks, clips, on_step=lambda t: frames.append(t.render(_SIZE)))
    finally:
        table.close()
    shown = shown_by(turn.prompt, turn.task, turn.seed, replay.tasks, turn.axis)
    words = episode["by_words"] or shown is None
    write_video(replay.video, frames if words else _beside_prompt(shown, frames, clips), _FPS, _CRF)
    write_text(replay.video.with_suffix(".json"), json.dumps(episode) + "\n")
    return replay


def _first_frame(table: Tabletop) -> UInt8[np.ndarray, "S S 3"]:
    table.reset()
    return table.render(_SIZE)


def _beside_prompt(
    shown: Shown | None, frames: list[UInt8[np.ndarray, "S S 3"]], clips: Path
) -> Iterator[UInt8[np.ndarray, "S W 3"]]:
    """The prompt on the left, stretched over the rollout's time."""
    assert shown is not None
    prompt = [image for _, image in read_frames(prompt_clip(shown, _SIZE, _PROMPT_FRAMES, clips))]
    gap = np.full((_SIZE, 4, 3), 255, dtype=np.uint8)
    for index, image in enumerate(frames):
        left = prompt[min(index * len(prompt) // len(frames), len(prompt) - 1)]
        yield np.concatenate([cv2.resize(left, (_SIZE, _SIZE)), gap, image], axis=1)
