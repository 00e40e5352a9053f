"""`understudy demo`: people on video, robots doing the same, in layouts nobody has looked at; one page to open."""

import json
import random
import time
from collections.abc import Callable
from html import escape
from pathlib import Path

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from understudy.errors import PromptError
from understudy.evaluation.demo_folder import REPLAY, refuse_other_demo
from understudy.evaluation.page import badge, card, page, video
from understudy.evaluation.perform import perform
from understudy.files import write_text
from understudy.perception.overlay import draw_hand
from understudy.perception.track import track_hand
from understudy.perception.video import open_video, read_frames, write_video
from understudy.simulation.human import record_human
from understudy.simulation.seeds import TEST, split_of

__all__ = ["TASKS", "first_layout", "make_demo"]

TASKS = ("pick_place", "push", "press_button")
ROBOTS = ("xarm7_gripper", "xarm7_xhand")


def make_demo(out: Path = Path("demo"), first_seed: int | None = None) -> Path:
    """Record a person, track them from pixels, and let two robots do the same, for three tasks.

    Args:
        out: folder for the videos and `index.html`.
        first_seed: seed of the first layout; drawn from the sealed test seeds if not given, and named on the page.

    Returns the page.

    Raises:
        UnderstudyError: `out` holds a demo of a policy that was trained.
    """
    refuse_other_demo(out, REPLAY)
    seed = first_layout(first_seed, len(TASKS))
    started = time.monotonic()
    cards = []
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()) as progress:
        bar = progress.add_task("", total=None)
        for index, task in enumerate(TASKS):

            def say(what: str, task: str = task) -> None:
                progress.update(bar, description=f"[bold]{task}[/bold]: {what}")

            cards.append(_one_task(task, seed + index, out / task, say))
    minutes = (time.monotonic() - started) / 60
    lead = (
        "Each person was rendered and filmed, then tracked from the pixels of the video alone; the robots follow the "
        f"tracked hand. Layouts {seed} to {seed + len(TASKS) - 1} ({split_of(seed)} seeds), "
        f"made in {minutes:.1f} minutes. "
        f"Repeat: <code>understudy demo --policy kinematic --first-seed {seed}</code>"
    )
    write_text(out / "index.html", page("Watch and do", lead, "".join(cards)))
    return out / "index.html"


def first_layout(asked: int | None, count: int) -> int:
    """The seed that was asked for, or one of the sealed test seeds with room for `count` in a row."""
    return random.SystemRandom().randrange(TEST.start, TEST.stop - count) if asked is None else asked


def _one_task(task: str, seed: int, folder: Path, say: Callable[[str], None]) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    say("a person shows it")
    demonstration = record_human(task, seed)
    clip = folder / "prompt.mp4"
    write_video(clip, demonstration.frames, demonstration.fps)
    say("watching")
    prompt = open_video(clip)
    track = track_hand(prompt, camera=demonstration.track.camera)
    frames = (draw_hand(image, track, index) for index, (_, image) in enumerate(read_frames(prompt)))
    write_video(folder / "tracking.mp4", frames, demonstration.fps)
    figures = [
        video(clip, "the prompt: a person on video"),
        video(folder / "tracking.mp4", f"tracked from pixels: a hand in {track.valid.mean():.0%} of the frames"),
    ]
    label = task
    for robot in ROBOTS:
        say(f"{robot} does it")
        try:
            report = perform(str(clip), task, seed, robot, out=folder / robot)
        except PromptError as error:
            figures.append(
                f"<figure>{badge('failed', 'bad')} {robot}<figcaption>{escape(str(error))}</figcaption></figure>"
            )
            continue
        label = report["label"]
        result = badge("success", "good") if report["success"] else badge(report["failure"] or "failed", "bad")
        caption = f"{robot} {result} score {report['score']:.0f} of 100"
        figures.append(video(folder / robot / "rollout.mp4", caption))
    command = f"understudy perform --prompt {clip} --task {task} --seed {seed} --robot {ROBOTS[-1]}"
    body = (
        f'<p class="soft">layout {seed} · <code>{escape(command)}</code></p><div class="row">{"".join(figures)}</div>'
    )
    write_text(folder / "case.json", json.dumps({"task": task, "seed": seed, "label": label}) + "\n")
    return card(label[0].upper() + label[1:], body)
