"""The prompts of an evaluation: what each kind shows, and the clip, track or words that a policy gets.

- `right`: a person does what is asked for, in the same layout.
- `wrong`: the person does something else that this layout allows: another goal of the same task, or another task.
- `blank`: no prompt.
- `moved`: the person does what is asked for, where the same objects stand elsewhere.
- `distractors`: the right one, with two more things on the table.
- `camera_turned`: the right one, filmed from 15 degrees further round the table.
- `unseen_person`: the right one, done by a person such as no data shows.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from understudy.errors import UnderstudyError, UnknownName
from understudy.methods.policy import Policy, Prompt
from understudy.perception.video import open_video
from understudy.perception.video_writer import write_video
from understudy.records import HumanVideo
from understudy.simulation.axes import AXES
from understudy.simulation.human import HumanDemonstration, RenderedFrames, record_human
from understudy.simulation.layout import Layout
from understudy.simulation.prompts import moved_layout, same_goal, wrong_prompt
from understudy.simulation.tasks import Goal, get_task, goal_of

__all__ = ["PROMPTS", "Shown", "make_prompt", "prompt_clip", "shown_by"]

PROMPTS = ("right", "wrong", "blank", "moved", "distractors", "camera_turned", "unseen_person")
_FPS = 20.0


@dataclass(frozen=True)
class Shown:
    """What a prompt tells."""

    task: str
    goal: Goal
    layout: Layout
    """Where the person does it."""
    seed: int
    """Of person, motion and looks."""
    axis: str | None = None
    """How the film differs from the usual range; None leaves it to the layout."""

    @property
    def digest(self) -> str:
        """Short name of this content, the same in every process."""
        text = json.dumps([self.task, asdict(self.goal), asdict(self.layout), self.axis], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def shown_by(kind: str, task: str, seed: int, tasks: tuple[str, ...], axis: str | None = None) -> Shown | None:
    """What the prompt of this kind shows in the episode `seed` of `task`; None for a blank one.

    Args:
        kind: a name of `PROMPTS`.
        task: what the episode is labelled with.
        seed: of the episode.
        tasks: what a wrong prompt may show.
        axis: of the episode, a name of `axes.AXES`.
    """
    if kind not in PROMPTS:
        raise UnknownName("prompt", kind, PROMPTS)
    layout = get_task(task).sample_layout(seed, axis)
    goal = goal_of(get_task(task), layout)
    if kind == "blank":
        return None
    if kind == "wrong":
        return Shown(*wrong_prompt(task, layout, goal, seed, tasks), layout, seed)
    if kind == "moved":
        moved = moved_layout(layout, seed)
        return Shown(task, same_goal(task, goal, moved), moved, seed)
    if kind == "distractors":
        others = get_task(task).sample_layout(seed, "scene").distractors
        return Shown(task, goal, replace(layout, distractors=others), seed)
    return Shown(task, goal, layout, seed, kind if kind in AXES else None)


def make_prompt(policy: Policy, shown: Shown | None, truth: bool, clips: Path) -> Prompt:
    """What `policy` is reset with.

    Args:
        policy: says what it takes.
        shown: what the prompt tells; None for a blank one.
        truth: give the true hand in place of the clip.
        clips: folder in which clips are kept.
    """
    if shown is None:
        return None
    if policy.prompt_kind == "label":
        return shown.goal.label
    if truth:
        return _film(shown).track
    return prompt_clip(shown, policy.prompt_size, policy.prompt_frames, clips)


def prompt_clip(shown: Shown, size: int, num_frames: int | None, clips: Path) -> HumanVideo:
    """The clip of a person, rendered, encoded as h264 and kept in `clips`.

    Args:
        shown: what the person does and where.
        size: width and height [px].
        num_frames: only so many frames, evenly spaced from the first to the last; None for all 20 a second.
        clips: folder; a clip that is there already is not made again.

    Raises:
        UnderstudyError: less than one frame.
    """
    if num_frames is not None and num_frames < 1:
        raise UnderstudyError(f"a prompt of {num_frames} frames: needs at least 1")
    frames = "all" if num_frames is None else str(num_frames)
    path = clips / f"{shown.seed}-{shown.task}-{shown.digest}-{size}px-{frames}.mp4"
    if not path.exists():
        demo = _film(shown, size)
        length = demo.track.num_frames
        chosen = None if num_frames is None or num_frames >= length else _evenly(length, num_frames)
        # A single frame is shown for as long as the clip takes: no rate at all cannot be encoded.
        fps = _FPS if chosen is None else _FPS * max(len(chosen) - 1, 1) / (length - 1)
        write_video(path, RenderedFrames(demo, chosen=chosen), fps)
    return open_video(path)


def _film(shown: Shown, size: int = 512) -> HumanDemonstration:
    return record_human(
        shown.task, shown.seed, size=size, fps=_FPS, goal=shown.goal, layout=shown.layout, axis=shown.axis
    )


def _evenly(length: int, count: int) -> tuple[int, ...]:
    return tuple(int(index) for index in np.linspace(0, length - 1, count).round())
